/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Default deny: the first rule that fits decides; no rule, no signature. No I/O here.
 */
#ifndef MS_AGENT_POLICY_H
#define MS_AGENT_POLICY_H

#include "signer/agent/config.h"
#include "lib/elf_facts.h"

#define MS_IDENTITY_MAX 192u /* bytes of an identity in words, with NUL */

/**
 * struct ms_identity - who asks, as the kernel (SO_PEERCRED) or a certificate says
 * @id: "uid:1000"; or "cert:CN=builder-1", or "cert:SAN=..." without a common name
 * @user: "user:builder", or "" when the uid has no name; or the first "cert:SAN=..."
 * @more: the certificate's further names, each with a newline behind it
 * @certificate: SHA-256 of the certificate in hex; "" on the Unix socket
 * @address: where it comes from; "" on the Unix socket
 */
struct ms_identity {
	char id[MS_IDENTITY_MAX];
	char user[MS_IDENTITY_MAX];
	char more[4 * MS_IDENTITY_MAX];
	char certificate[65];
	char address[64];
	uid_t uid;
	gid_t gid;
	pid_t pid;
};

/** ms_identity_in() - is @who in a list of identities and "group:NAME"s */
bool ms_identity_in(const struct ms_config *c, const struct ms_identity *who,
		    const struct ms_strv *list);
/**
 * ms_identity_could_be() - may @a and @b be the same person: they have a name in common,
 * or a [person NAME] has both. For what a person may do once only, or not to their own.
 */
bool ms_identity_could_be(const struct ms_config *c, const struct ms_identity *a,
			  const struct ms_identity *b);
/** ms_identity_is_known() - does any rule, group or list name it? */
bool ms_identity_is_known(const struct ms_config *c, const struct ms_identity *who);
/** ms_identity_is_admin() */
bool ms_identity_is_admin(const struct ms_config *c, const struct ms_identity *who);
/** ms_identity_is_auditor() - may it read the audit log? Admins may, too */
bool ms_identity_is_auditor(const struct ms_config *c, const struct ms_identity *who);

/**
 * struct ms_policy_request - what somebody wants signed
 * @content: the agent has the module itself; else @facts are the client's claims
 * @facts: NULL: whatever the module is
 * @type, @file: what is signed, and what the client calls it (its base name counts; not
 *     looked at for modules)
 * @in_build: it is said to belong to a build; which one is not looked at here
 * @now: seconds since 1970
 */
struct ms_policy_request {
	const struct ms_identity *who;
	const char *key;
	enum ms_hash hash;
	enum ms_sign_type type;
	const char *file;
	bool content, in_build;
	int64_t now;
	const struct ms_elf_facts *facts;
};

/**
 * ms_policy_decide() - which rule allows it
 * @ret: the rule; points into @c
 *
 * Return: 0; -EACCES: no rule fits, and @err says what came nearest and what was missing
 * (codes "no-rule", "rule-type", "rule-file", "rule-kernel", "rule-module",
 * "rule-version", "hash-not-allowed", "content-required", "rule-when", "build-required");
 * never says to somebody who has no rule for the key at all which rules there are.
 */
int ms_policy_decide(const struct ms_config *c, const struct ms_policy_request *req,
		     const struct ms_rule **ret, struct ms_error *err) _must_check_;

/**
 * ms_policy_try() - does this one rule allow it
 * Return: 0, or -EACCES with what is missing first, as ms_policy_decide() says it.
 */
int ms_policy_try(const struct ms_config *c, const struct ms_rule *rule,
		  const struct ms_policy_request *req, struct ms_error *err) _must_check_;

/**
 * ms_policy_decide_build() - which rule lets @who open a build
 * @ret: of the rules that fit, the first that asks for approvals; else the first
 * Return: 0 or -EACCES ("no-rule", "rule-kernel").
 */
int ms_policy_decide_build(const struct ms_config *c, const struct ms_identity *who,
			   const char *key, const char *kernel,
			   const struct ms_rule **ret, struct ms_error *err) _must_check_;

/** ms_policy_knows() - does any rule name @who, or is it an admin */
bool ms_policy_knows(const struct ms_config *c, const struct ms_identity *who);

/** ms_policy_names_key() - is the rule about this key */
bool ms_policy_names_key(const struct ms_rule *r, const char *key);
/** ms_policy_may_see() - may @who know of @key: a rule names both, or an admin */
bool ms_policy_may_see(const struct ms_config *c, const struct ms_identity *who,
		       const char *key);

#endif
