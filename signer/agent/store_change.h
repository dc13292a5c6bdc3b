/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What changes together with an audit record, in the same transaction: builds and their
 * modules, how often a rule was used, which digests are denied. So neither is ever there
 * without the other.
 */
#ifndef MS_AGENT_STORE_CHANGE_H
#define MS_AGENT_STORE_CHANGE_H

#include <stdint.h>
#include "lib/error.h"

struct ms_store;

enum ms_change_what {
	MS_CHANGE_BUILD,    /* key: build's id; data: JSON that replaces the one before */
	MS_CHANGE_MODULE,   /* key: build's id; data: JSON of one more signed module */
	MS_CHANGE_MANIFEST, /* key: build's id; data: JSON of the manifest */
	MS_CHANGE_LIST,	    /* key: build's id; data: JSON of the modules it is for */
	MS_CHANGE_RULE_USE, /* key: rule; number: minute since 1970; counts one up */
	MS_CHANGE_DENIED,   /* key: digest in hex; data: JSON; "" takes it off the list */
	MS_CHANGE_REQUEST,  /* key: hash of who asks and their key; number: minute; data:
			     * hash  of the body */
	MS_N_CHANGES,
};

/** struct ms_change - one row; a list */
struct ms_change {
	struct ms_change *next;
	enum ms_change_what what;
	int64_t number;
	const char *key, *data;
	char texts[];
};

/**
 * ms_change_add() - put a change before those of a list
 * @data: NULL is ""; copied, as @key is
 * Return: 0 or -ENOMEM (the list is as it was).
 */
int ms_change_add(struct ms_change **list, enum ms_change_what what, const char *key,
		  int64_t number, const char *data) _must_check_;
void ms_change_free(struct ms_change *list);

/**
 * ms_store_foreach_row() - read what changes have left
 * @key: rows of this key only; NULL: of all keys
 * @from: rows with at least this number only
 * @fn: @number: of signed modules for a build; of a module in its build; minute. @data:
 *     count, as text, for a rule. Return non-zero to stop, which becomes the return
 * value.
 */
int ms_store_foreach_row(struct ms_store *s, enum ms_change_what what, const char *key,
			 int64_t from,
			 int (*fn)(const char *key, int64_t number, const char *data,
				   void *arg),
			 void *arg, struct ms_error *err) _must_check_;

#endif
