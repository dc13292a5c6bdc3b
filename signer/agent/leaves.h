/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leaf keys: one for each open build under a key of custody leaf. They exist in the key
 * process's locked memory alone, are certified once by the issuing key in the TPM, and
 * are destroyed when their build closes, when they expire, when they have made as many
 * signatures as they may, or when the agent stops.
 */
#ifndef MS_AGENT_LEAVES_H
#define MS_AGENT_LEAVES_H

#include <openssl/evp.h>
#include "lib/error.h"
#include "lib/limits.h"

struct ms_leaves;

int ms_leaves_new(struct ms_leaves **ret) _must_check_;
void ms_leaves_free(struct ms_leaves *l);

/**
 * ms_leaves_add() - keep a leaf key
 * @key: name of the issuing key; @build: id; @pkey: taken over, also on failure
 * @not_after: seconds since 1970; @max: signatures
 * Return: 0, -EEXIST (the build has one), -ENOSPC (too many builds), -ENOMEM.
 */
int ms_leaves_add(struct ms_leaves *l, const char *key, const char *build, EVP_PKEY *pkey,
		  int64_t not_after, uint32_t max, struct ms_error *err) _must_check_;

/**
 * ms_leaves_use() - a reference to a build's leaf key for one signature
 * @now: seconds since 1970
 *
 * Counts the signature. May be called from several threads.
 *
 * Return: 0 (free @ret with EVP_PKEY_free()); -ENOENT no such build, closed, expired or
 * used up, or one of another key; the sentence says which.
 */
int ms_leaves_use(struct ms_leaves *l, const char *key, const char *build, int64_t now,
		  EVP_PKEY **ret, struct ms_error *err) _must_check_;

/** ms_leaves_close() - destroy a build's leaf key. Return: 0 or -ENOENT */
int ms_leaves_close(struct ms_leaves *l, const char *build);
/** ms_leaves_expire() - destroy those whose time is over; seconds to the next, or -1 */
int64_t ms_leaves_expire(struct ms_leaves *l, int64_t now);

#endif
