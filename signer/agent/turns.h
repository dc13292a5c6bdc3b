/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose signature is next. The key process takes requests as they come, so what one
 * client sends at once would hold up everybody behind it: it is given a few at a time,
 * and for each key the identities that wait take turns. On the event loop's thread only.
 */
#ifndef MS_AGENT_TURNS_H
#define MS_AGENT_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include "lib/macro.h"

#define MS_TURNS_OUT 128u   /* of one key, in the key process */
#define MS_TURNS_MAX 49152u /* that wait, of all; one identity and key may have half */
#define MS_TURNS_FEW 64u    /* that each may have, however many wait */

struct ms_turns;

/** struct ms_turn - the place of one that waits; @arg: the caller's, as is all of it */
struct ms_turn {
	TAILQ_ENTRY(ms_turn) list;
	void *arg;
};

int ms_turns_new(struct ms_turns **ret) _must_check_;
/** ms_turns_free() - NULL is fine; who still waits is not told */
void ms_turns_free(struct ms_turns *t);

/**
 * ms_turns_put() - somebody waits for a key
 * @turn: the caller's, until ms_turns_next() gives it back
 * Return: 0; -EAGAIN: too many wait already; -ENOMEM.
 */
int ms_turns_put(struct ms_turns *t, const char *key, const char *id,
		 struct ms_turn *turn) _must_check_;
/** ms_turns_next() - who is next for @key; NULL: nobody waits, or enough are out. It is
 * out from now on, until ms_turns_done(). */
struct ms_turn *ms_turns_next(struct ms_turns *t, const char *key);
/** ms_turns_done() - one for @key is out no more */
void ms_turns_done(struct ms_turns *t, const char *key);
/** ms_turns_waiting() - how many wait, for all keys */
size_t ms_turns_waiting(const struct ms_turns *t);

#endif
