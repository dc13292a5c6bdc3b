/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_AGENT_IDENTITY_H
#define MS_AGENT_IDENTITY_H

#include <jansson.h>
#include "signer/agent/policy.h"

/**
 * ms_identity_of_peer() - who is at the other end of a Unix socket (SO_PEERCRED, unix(7))
 * Return: 0 or a negative errno.
 */
int ms_identity_of_peer(int fd, struct ms_identity *ret) _must_check_;

/**
 * ms_identity_put_proof() - say in an audit record how @who proved who it is: "proof" is
 * "socket" (with "pid") or "certificate" (with its SHA-256 and "address")
 * @fields: NULL is fine
 */
void ms_identity_put_proof(const struct ms_identity *who, json_t *fields);

/** ms_identity_text_is_cert() - is it "cert:CN=NAME", "cert:SAN=URI:NAME",
 * "cert:SAN=DNS:NAME" or "cert:SAN=email:NAME", and not too long */
bool ms_identity_text_is_cert(const char *text) _must_check_;

/**
 * ms_identity_from_text() - who "uid:1000" or "user:builder" is, by the system's users;
 * or "cert:CN=builder-1", with this one name Return: 0; -EINVAL (not understood), -ENOENT
 * (no user of this name).
 */
int ms_identity_from_text(const char *text, struct ms_identity *ret) _must_check_;

/** ms_identity_uid_of_user() - "uid:0" of "user:root"; see ms_policy_user_fn */
int ms_identity_uid_of_user(const char *text, char ret[MS_IDENTITY_MAX]) _must_check_;

#endif
