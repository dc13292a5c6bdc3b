/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One module on its way through the front, once its digest and facts are known: decide
 * (policy), sign (key process), record (audit), release. Whoever starts it, from a whole
 * module or from a digest alone, gets it back when it is recorded.
 */
#ifndef MS_AGENT_SIGNING_H
#define MS_AGENT_SIGNING_H

#include "lib/elf_facts.h"
#include "signer/agent/front.h"
#include "signer/agent/grant.h"
#include "signer/agent/policy.h"
#include "signer/agent/turns.h"

struct ms_signing;

/**
 * ms_signing_done_fn - the record is durable: @s->message may go out, or @s->rc says why
 * not Owns @s from now on (ms_signing_free()).
 */
typedef void ms_signing_done_fn(struct ms_signing *s);

/**
 * struct ms_signing - one module; the caller fills in the first part
 * @who, @request_id, @key, @file: copied or borrowed for as long as it is on its way
 * @path: in its tree, as the client says, or ""
 * @build: id of the build that it belongs to, or ""
 * @certificate: base64 of the one that the client expects @key to have, or ""
 * @type: what it is; @facts are of modules alone
 * @facts: as read from the module; or as the client claims when @content is false
 * @content: the agent has seen the module itself
 * @payload_len: bytes that the digest covers, 0 if not known
 * @content_sha256: of the module, whatever @hash is; all zero when @content is false
 * @leaf: certificate of the build's leaf key, where one signs
 * @message: what will be released: CMS, or the bare signature, as @type has it
 * @rc, @err: 0, or why nothing will be
 */
struct ms_signing {
	struct ms_front *front;
	struct ms_identity who;
	const char *request_id, *key, *file, *path, *build, *certificate;
	struct ms_elf_facts facts;
	enum ms_sign_type type;
	enum ms_hash hash;
	uint8_t digest[MS_DIGEST_MAX], content_sha256[32];
	bool content, use_keyid, was_signed;
	size_t payload_len;
	ms_signing_done_fn *done;
	void *arg;

	char rule[64];
	uint64_t began_us;
	struct ms_turn turn;
	struct ms_grant grant;
	struct ms_cert *leaf;
	struct ms_buf message;
	int rc;
	struct ms_error err;
};

/** ms_signing_new() - empty; NULL when memory is short */
struct ms_signing *ms_signing_new(struct ms_front *f, ms_signing_done_fn *done,
				  void *arg);
void ms_signing_free(struct ms_signing *s);

/** ms_signing_start() - send it on its way; @done is called later, or from inside */
void ms_signing_start(struct ms_signing *s);

/** ms_signing_refuse() - it ends here, on record; @s->err says why */
void ms_signing_refuse(struct ms_signing *s, int rc);

#endif
