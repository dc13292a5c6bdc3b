/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bringing the stored lists of revocations up to date.
 */
#ifndef MS_UPDATE_H
#define MS_UPDATE_H

#include "verifier/fetch.h"
#include "verifier/revocation_store.h"

#define MS_UPDATE_CONFIG MS_SYSCONFDIR "/verify-update.conf"
#define MS_UPDATE_SOURCES_MAX 32u
#define MS_UPDATE_LIST_MAX (16u << 20) /* bytes of a list that is fetched */

/**
 * struct ms_update_config - lines "source = URL", "key = FILE", "cacert = FILE"; owned
 */
struct ms_update_config {
	char *sources[MS_UPDATE_SOURCES_MAX], *keys[MS_PUBLISHER_KEYS_MAX], *cacert;
	size_t n_sources, n_keys;
};
void ms_update_config_clear(struct ms_update_config *c);
#define _cleanup_update_config_ _cleanup_(ms_update_config_clear)

/** ms_update_config_parse() - no I/O. Return: 0; -EINVAL with a sentence that has the
 * line; -ENOMEM */
int ms_update_config_parse(const char *text, size_t len, struct ms_update_config *ret,
			   struct ms_error *err) _must_check_;

/** ms_update_config_load() - Return: and -ENOENT, or what else ms_file_read() returns */
int ms_update_config_load(const char *path, struct ms_update_config *ret,
			  struct ms_error *err) _must_check_;

/**
 * struct ms_update - what one list's update came to
 * @change: 0 where it failed
 * @head: of the list that is there now
 * @kept: there is one, but not of this update
 * @expired: its time is over
 * @finding: it failed because of what the list is, not because it could not be had
 */
struct ms_update {
	enum ms_store_change change;
	struct ms_revocation_head head;
	bool kept, expired, finding;
};

/**
 * ms_update_one() - fetch a list, verify it, keep it
 * @dir: the store
 * @ret: also after a failure
 *
 * Return: 0, also where what is there now has expired; else a negative errno with a
 * sentence, and the store is as it was.
 */
int ms_update_one(const char *dir, const char *source, const char *cacert,
		  const struct ms_publisher_keys *keys, time_t now, struct ms_update *ret,
		  struct ms_error *err) _must_check_;

#endif
