/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signing without sending modules: digest and facts are read here, many go in one request
 * (sign-digests), and only signatures come back.
 */
#ifndef MS_CLI_BY_DIGEST_H
#define MS_CLI_BY_DIGEST_H

#include "lib/agent_client.h"
#include "lib/elf_facts.h"
#include "lib/hash.h"
#include "signer/client/packed.h"

/**
 * struct ms_digest_item - one module on its way
 * @m: as ms_packed_read() left it
 * @rc, @err: what became of it; -EINPROGRESS: read, and not answered yet
 */
struct ms_digest_item {
	const char *path;
	struct ms_packed m;
	uint8_t digest[MS_DIGEST_MAX];
	struct ms_elf_facts facts;
	struct ms_buf message;
	int rc;
	struct ms_error err;
};

/** ms_digest_item_read() - read, hash; @i->m is initialised
 * Return: 0 or -errno, as @i->rc, with a sentence */
int ms_digest_item_read(struct ms_digest_item *i, const char *path, enum ms_hash hash);
void ms_digest_item_clear(struct ms_digest_item *i);

/**
 * ms_digest_ask() - ask for the signatures of those that are read
 * @i: those with -EINPROGRESS get 0 and a message, or what the agent said of them
 * Return: 0; a negative errno with a sentence when there was no answer: nothing changed.
 */
int ms_digest_ask(struct ms_http *h, const struct ms_sign_options *opt,
		  struct ms_digest_item *i, size_t n, struct ms_error *err) _must_check_;

#endif
