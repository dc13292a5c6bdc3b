/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libmodseal-pkcs11: the agent's keys as a PKCS#11 token (OASIS PKCS#11 2.40), as far as
 * signing needs it. It lives in other people's processes: no output but one sentence
 * where a PKCS#11 code cannot say why, no signal handlers, no threads, no exit.
 */
#ifndef MS_PKCS11_MODULE_H
#define MS_PKCS11_MODULE_H

#include <stdbool.h>
#include <stdint.h>
#define CRYPTOKI_GNU 1
#include <p11-kit/pkcs11.h>
#include "lib/error.h"

#define MS_P11_SLOT 1ul
#define MS_P11_LABEL "modseal"

/** ms_p11_ready() - Return: CKR_OK or CKR_CRYPTOKI_NOT_INITIALIZED */
ck_rv_t ms_p11_ready(void) _must_check_;

/* One lock for the tables of sessions and keys; never held while the agent is asked. */
void ms_p11_lock(void);
void ms_p11_unlock(void);

/** ms_p11_pad() - text into one of PKCS#11's fields: blanks behind it, no NUL */
void ms_p11_pad(unsigned char *dst, size_t size, const char *text);

/** ms_p11_complain() - the sentence of @err, or of a format, on standard error */
void ms_p11_complain(const struct ms_error *err);

/** ms_p11_rv() - a negative errno of lib/ as PKCS#11 has it */
ck_rv_t ms_p11_rv(int r);

struct ossl_lib_ctx_st;
/**
 * ms_p11_crypto_enter() - this thread's OpenSSL is our own from here on
 *
 * The host's OpenSSL may be configured to use this very token for everything (a provider,
 * an engine): asked from in here it would come back and find the session locked.
 *
 * Return: what ms_p11_crypto_leave() takes; NULL if there is no OpenSSL to be had.
 */
struct ossl_lib_ctx_st *ms_p11_crypto_enter(void);
void ms_p11_crypto_leave(struct ossl_lib_ctx_st *was);

#endif
