/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The modules that a build is for, where whoever opened it said so: what is not on the
 * list is not signed, and who approves the build can look at it before. No I/O.
 */
#ifndef MS_AGENT_BUILD_LIST_H
#define MS_AGENT_BUILD_LIST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "lib/error.h"
#include "lib/hash.h"

#define MS_BUILD_LIST_MAX 20000u	/* modules of a list */
#define MS_BUILD_LIST_BYTES (16u << 20) /* of the request that brings one */

/**
 * struct ms_build_list - a list, as far as signing needs it
 * @hash: of all its digests; @n: modules
 * @sha256: of the list's text
 * @digests: sorted; NULL: not in memory, as nothing can be signed any more
 */
struct ms_build_list {
	enum ms_hash hash;
	size_t n;
	uint8_t sha256[32];
	uint8_t *digests;
};

void ms_build_list_free(struct ms_build_list *l);

/**
 * ms_build_list_read() - a list as a client sends it
 * @j: {"hash": NAME, "modules": [{"path", "digest", and at will "name", "version",
 *     "srcversion", "build_id", "vermagic", "file"}]}
 * @ret_text: canonical, as the store keeps it; from malloc()
 *
 * Each path is there once.
 *
 * Return: 0; -EINVAL "bad-list" or "hash-not-allowed", with a sentence; -ENOMEM.
 */
int ms_build_list_read(const json_t *j, struct ms_build_list **ret, char **ret_text,
		       struct ms_error *err) _must_check_;

/** ms_build_list_restore() - from the text that the store has kept
 * @l: hash, number and @sha256 are known; gets its digests
 * Return: 0; -EBADMSG: this is not its text; -ENOMEM. */
int ms_build_list_restore(struct ms_build_list *l, const char *text) _must_check_;

/**
 * ms_build_list_has() - may a module be signed
 * @hash, @digest: that is signed
 * @sha256: of the same module, all zero when it is not known
 */
bool ms_build_list_has(const struct ms_build_list *l, enum ms_hash hash,
		       const uint8_t *digest, const uint8_t sha256[32]);

#endif
