/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit log is read again and again while nobody asks, and held against its newest
 * checkpoint. Pieces of it are read on the lookup thread, through a connection of their
 * own; between two of them there is a pause of nine times as long as one took.
 */
#ifndef MS_AGENT_SELF_CHECK_H
#define MS_AGENT_SELF_CHECK_H

#include "signer/agent/front.h"

struct ms_self_check;

/** ms_self_check_new() - nothing is read before the first tick; all on the loop's thread
 */
int ms_self_check_new(struct ms_front *f, struct ms_self_check **ret) _must_check_;
/** ms_self_check_free() - after ms_lookups_free(): no piece is being read any more */
void ms_self_check_free(struct ms_self_check *c);

/**
 * ms_self_check_tick() - begin a turn through the log when one is due
 * @now_s: of the clock that only goes forward. What is found is on record, and goes to
 * ms_watch_log_alarm().
 */
void ms_self_check_tick(struct ms_self_check *c, int64_t now_s);
/** ms_self_check_passed() - when all of it was last found good, since 1970; or 0 */
int64_t ms_self_check_passed(const struct ms_self_check *c);

/** struct ms_log_piece - some records, and what came of reading them */
struct ms_log_piece {
	struct ms_merkle *tree;
	uint64_t n, bad;
	int rc;
};

/**
 * ms_log_piece_read() - add records to the tree, if they are what the store's leaves say
 * @p: @tree, to which the records behind those in it are added; @n: how many, at most
 *     MS_LOG_PIECE_MAX
 *
 * Sets @rc: 0; -EUCLEAN, with @bad, the number of the record that is missing or another;
 * or as ms_store_foreach().
 */
void ms_log_piece_read(struct ms_store *s, struct ms_log_piece *p);
#define MS_LOG_PIECE_MAX 1024u

#endif
