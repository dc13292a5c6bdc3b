/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last good copy of each list that `modseal-verify update` has fetched: a file in a
 * folder, named after its source. They were verified before they came there; whoever may
 * write to the folder is trusted, and that is its owner alone.
 *
 * The first line of a file is {"source": URL, "fetched": SECONDS, "signature": BASE64};
 * all that follows is the document.
 */
#ifndef MS_REVOCATION_STORE_H
#define MS_REVOCATION_STORE_H

#include "verifier/revocation_list.h"

#define MS_REVOCATION_STORE MS_STATEDIR "-verify/revocations"
#define MS_REVOCATION_STORE_LISTS 256u

/**
 * struct ms_stored - a list of the store
 * @file: owned, all of it
 * @text, @text_len: the document, in it
 * @source: owned, raw
 */
struct ms_stored {
	uint8_t *file;
	const char *text;
	size_t text_len;
	struct ms_revocation_head head;
	char *source;
	time_t fetched;
};
void ms_stored_clear(struct ms_stored *s);
#define _cleanup_stored_ _cleanup_(ms_stored_clear)

/**
 * ms_stored_parse() - read a stored list
 * @data: from malloc(); taken over, also on failure
 * Return: 0; -EBADMSG with a sentence; -ENOMEM.
 */
int ms_stored_parse(uint8_t *data, size_t len, struct ms_stored *ret,
		    struct ms_error *err) _must_check_;

/** ms_revocation_store_get() - the copy of a source.
 * Return: 0; -ENOENT; -EPERM (others may write to it), -EBADMSG, ... with a sentence */
int ms_revocation_store_get(const char *dir, const char *source, struct ms_stored *ret,
			    struct ms_error *err) _must_check_;

/**
 * ms_revocation_store_load() - add what all lists revoke
 * @dir: there may be none
 * @ret_n: how many lists there are
 *
 * A list whose time is over still holds, and is noted in @r->expired.
 *
 * Return: 0; -EPERM, -EBADMSG, -EFBIG, -ENOMEM, ... with a sentence.
 */
int ms_revocation_store_load(const char *dir, struct ms_revocations *r, time_t now,
			     size_t *ret_n, struct ms_error *err) _must_check_;

enum ms_store_change {
	MS_STORE_NEW = 1,   /* there was none of this source */
	MS_STORE_REPLACED,  /* it is newer than the one there */
	MS_STORE_UNCHANGED, /* it is the one there */
};

/**
 * ms_revocation_store_put() - keep a list that was verified
 * @dir: is made where it is not there
 * @l, @head: the list
 *
 * All or nothing, one at a time, however many do it.
 *
 * Return: 0; -ESTALE (the one there is newer, or has the same number and another content)
 * with the code "older" or "same-number"; -EPERM, -EBADMSG (the one there is damaged),
 * -ENOSPC, ... with a sentence.
 */
int ms_revocation_store_put(const char *dir, const char *source,
			    const struct ms_revocation_list *l,
			    const struct ms_revocation_head *head, time_t now,
			    enum ms_store_change *ret, struct ms_error *err) _must_check_;

#endif
