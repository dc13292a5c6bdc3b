/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What connections may take, so that no client crowds out another: how many connections,
 * and how many bytes of bodies may be on their way, for each identity and over all. Most
 * of it is granted before any rule is asked.
 */
#ifndef MS_AGENT_SHARES_H
#define MS_AGENT_SHARES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>
#include "signer/agent/policy.h"

struct ms_conn;
TAILQ_HEAD(ms_conn_list, ms_conn);

/**
 * struct ms_share - what one identity has taken
 * @conns, @bytes: now; @owed: bytes of answers that it has not read
 * @idle: its connections that have no whole request, the one that waits longest first
 */
struct ms_share {
	struct ms_shares *all;
	struct ms_share *next;
	size_t conns, bytes, owed;
	struct ms_conn_list idle;
	char id[];
};

struct ms_shares;

/**
 * ms_shares_new() - nothing taken yet
 * @conns: over all; one identity may have half of them, those without one an eighth
 * @bytes: over all; one identity may have half, or one body of any size
 */
int ms_shares_new(size_t conns, size_t bytes, struct ms_shares **ret) _must_check_;
/** ms_shares_free() - when no connection is left */
void ms_shares_free(struct ms_shares *s);
/** ms_shares_resize() - another limit for bytes; what is taken stays taken */
void ms_shares_resize(struct ms_shares *s, size_t bytes);

/** ms_share_join() - one more connection of @id ("": not known yet); NULL: no memory */
struct ms_share *ms_share_join(struct ms_shares *s, const char *id);
/** ms_share_leave() - one less; frees @h with the last */
void ms_share_leave(struct ms_share *h);
/**
 * ms_share_crowded() - whose oldest idle connection should go, so that there is room
 * @h: was joined last
 * Return: @h, when it has more than it may have; the largest, when there are too many
 * over all; or NULL.
 */
struct ms_share *ms_share_crowded(struct ms_share *h);
/** ms_shares_largest() - who has most idle connections; NULL if nobody has any */
struct ms_share *ms_shares_largest(struct ms_shares *s);

/** ms_share_take() - so many bytes more. Return: false: not now */
bool ms_share_take(struct ms_share *h, size_t bytes);
void ms_share_give(struct ms_share *h, size_t bytes);

/* What one identity may have asked for and not read, if it is more than one answer. */
#define MS_SHARE_OWED_MAX ((size_t)256 << 20)
/** ms_share_owe() - an answer waits for its reader. Return: false: too much does */
bool ms_share_owe(struct ms_share *h, size_t bytes);
void ms_share_settle(struct ms_share *h, size_t bytes);

#endif
