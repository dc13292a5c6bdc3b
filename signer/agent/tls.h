/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLS 1.3 for clients from other hosts (RFC 8446), through OpenSSL. Nobody gets past the
 * handshake without a certificate that the configured CA has signed for clients and its
 * CRL does not name. No session is ever resumed: it would outlive a revocation.
 *
 * The private key of the server certificate is in the front's memory, as TLS is spoken
 * there. It is no signing key: who has it can pretend to be this agent.
 */
#ifndef MS_AGENT_TLS_H
#define MS_AGENT_TLS_H

#include <stdbool.h>
#include <time.h>
#include "signer/agent/policy.h"

struct ssl_st;
struct x509_st;
struct ms_tls;

/**
 * ms_tls_new() - read certificate, key, CA and CRL that @c names
 * @ret: NULL when @c has no [tls]
 *
 * The key's file must belong to root or the agent's own user, and others must have no
 * access to it; nobody but these may be able to write the other files.
 *
 * Return: 0; -EPERM, -EINVAL, -EKEYREJECTED (key and certificate are no pair), -ENOENT,
 * ... with a sentence that names the file.
 */
int ms_tls_new(const struct ms_config *c, struct ms_tls **ret,
	       struct ms_error *err) _must_check_;
void ms_tls_free(struct ms_tls *t);

/** ms_tls_check() - could ms_tls_new() be done? */
int ms_tls_check(const struct ms_config *c, struct ms_error *err) _must_check_;

/**
 * ms_tls_refresh() - read the files again
 * @force: even if none of them has changed
 * @ret_changed: they were; connections are to be looked at with ms_tls_still_good()
 * Return: 0, or as ms_tls_new(); then everything is as it was.
 */
int ms_tls_refresh(struct ms_tls *t, bool force, bool *ret_changed,
		   struct ms_error *err) _must_check_;

/** ms_tls_accept() - the server's end of a new connection; NULL: no memory */
struct ssl_st *ms_tls_accept(struct ms_tls *t);

/**
 * ms_tls_identity() - who has shown the certificate of a finished handshake
 * @ret: id, user, more and certificate are set, the rest stays
 * @ret_until: its end
 * Return: 0; -ENOKEY: it has no name that can be used.
 */
int ms_tls_identity(struct ssl_st *ssl, struct ms_identity *ret,
		    time_t *ret_until) _must_check_;
/** ms_tls_still_good() - would its certificate be taken today? */
bool ms_tls_still_good(struct ms_tls *t, struct ssl_st *ssl);

/**
 * ms_tls_names() - the identities that a certificate gives: "cert:CN=" (only if it has
 * one common name), "cert:SAN=URI:", "cert:SAN=DNS:" and "cert:SAN=email:"
 *
 * Names of other than printable ASCII characters, and too long ones, give none.
 *
 * Return: 0 or -ENOKEY: none at all.
 */
int ms_tls_names(struct x509_st *x, struct ms_identity *ret) _must_check_;

#endif
