/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/self_check.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdbool.h>
#include <syslog.h>
#include <time.h>

#include "signer/agent/log.h"
#include "signer/agent/log_head.h"
#include "signer/agent/lookup.h"
#include "signer/agent/stats.h"
#include "signer/agent/watch.h"

#define PAUSE 9u /* times as long as a piece took */

/**
 * struct ms_self_check - turns through the whole log, one after the other
 * @target: the checkpoint that this turn is held against; @tree: what was read so far
 * @piece: is the lookup thread's while it reads
 * @running: between the beginning and the end of a turn
 * @told_bad: what was found last time, so that it is on record once
 */
struct ms_self_check {
	struct ms_front *f;
	struct event *pace;
	struct ms_checkpoint target;
	struct ms_merkle tree;
	struct ms_log_piece piece;
	bool running;
	uint64_t took_us;
	int64_t due_s, passed;
	uint64_t told_bad;
};

/* ------------------------------------------------------------------- reading */

struct reading {
	struct ms_log_piece *piece;
	uint8_t want[MS_LOG_PIECE_MAX][MS_MERKLE_HASH];
	uint64_t n;
};

static int read_record(const struct ms_record *r, void *arg)
{
	struct reading *rd = arg;
	struct ms_merkle *tree = rd->piece->tree;
	uint8_t leaf[MS_MERKLE_HASH];
	int rc = ms_merkle_leaf(r->bytes, r->len, leaf);

	if (rc < 0)
		return rc;
	if (r->seq != tree->size + 1 || memcmp(leaf, rd->want[rd->n], sizeof(leaf)) != 0)
		return -EUCLEAN;
	rd->n++;
	return ms_merkle_append(tree, leaf);
}

void ms_log_piece_read(struct ms_store *s, struct ms_log_piece *p)
{
	uint64_t from = p->tree->size + 1;
	struct reading rd = {.piece = p};

	p->rc = ms_store_read_hashes(s, 0, from - 1, (size_t)p->n, rd.want);
	if (p->rc == 0)
		p->rc = ms_store_foreach(s, from, p->n, read_record, &rd, NULL);
	if (p->rc == 0 && rd.n != p->n)
		p->rc = -EUCLEAN;
	p->bad = p->rc == -EUCLEAN ? from + rd.n : 0;
}

/* On the lookup thread. */
static void work(void *arg)
{
	struct ms_self_check *c = arg;
	uint64_t began = ms_stats_now_us();

	ms_log_piece_read(c->f->own_view, &c->piece);
	c->took_us = ms_stats_now_us() - began;
}

/* --------------------------------------------------------------------- a turn */

/* On record once, told each time. */
static void found(struct ms_self_check *c, uint64_t record, const char *reason)
{
	c->running = false;
	if (c->told_bad != record) {
		ms_log(LOG_ALERT, "audit log: %s", reason);
		(void)!ms_audit_put(
			c->f->audit, "log-alarm", "", "", "",
			json_pack("{s:s, s:s}", "code", "self-check", "reason", reason),
			NULL, NULL);
	}
	c->told_bad = record;
	ms_watch_log_alarm(c->f->watch, "self-check", reason);
}

/* The checkpoint in force, if it is there and good. */
static bool take_target(struct ms_self_check *c)
{
	const char *vkey = ms_log_head_vkey(c->f->head), *text;
	char name[MS_ORIGIN_MAX];
	EVP_PKEY *key = NULL;
	size_t len = 0;
	int r;

	text = ms_log_head_note(c->f->head, &len, NULL);
	if (!text || !vkey[0] || ms_note_vkey_parse(vkey, strlen(vkey), name, &key) < 0)
		return false;
	r = ms_checkpoint_verify(text, len, key, &c->target);
	EVP_PKEY_free(key);
	if (r < 0)
		found(c, UINT64_MAX,
		      "the last checkpoint is not signed by the log's key");
	return r == 0;
}

static void end_turn(struct ms_self_check *c)
{
	uint8_t root[MS_MERKLE_HASH];

	c->running = false;
	if (ms_merkle_root(&c->tree, root) < 0)
		return;
	if (memcmp(root, c->target.root, sizeof(root)) != 0) {
		found(c, UINT64_MAX - 1,
		      "the log's entries do not give the root that its checkpoint "
		      "signed");
		return;
	}
	c->passed = time(NULL);
	c->told_bad = 0;
}

static void pause_for(struct ms_self_check *c, uint64_t us)
{
	const struct timeval t = {.tv_sec = (time_t)(us / 1000000),
				  .tv_usec = (suseconds_t)(us % 1000000)};

	if (event_add(c->pace, &t) < 0)
		c->running = false;
}

static void done(void *arg)
{
	struct ms_self_check *c = arg;
	char text[160];

	if (c->piece.rc == -EUCLEAN) {
		snprintf(text, sizeof(text),
			 "entry %" PRIu64 " is missing, or not what it was when it was "
			 "recorded: see 'modseal log verify'",
			 c->piece.bad);
		found(c, c->piece.bad, text);
	} else if (c->piece.rc < 0) {
		/* cannot be read now: the store's health tells */
		c->running = false;
	} else if (c->tree.size == c->target.size) {
		end_turn(c);
	} else {
		pause_for(c, PAUSE * c->took_us);
	}
}

static void on_pace(evutil_socket_t fd, short what, void *arg)
{
	struct ms_self_check *c = arg;
	uint64_t left = c->target.size - c->tree.size;

	c->piece = (struct ms_log_piece){.tree = &c->tree,
					 .n = MS_MIN(left, MS_LOG_PIECE_MAX)};
	/* Not now, or not any more: the next turn is from the beginning. */
	if (!c->f->config->log_check_s || ms_lookup(c->f->lookups, work, done, c) < 0)
		c->running = false;
}

void ms_self_check_tick(struct ms_self_check *c, int64_t now_s)
{
	if (!c->f->config->log_check_s || c->running || now_s < c->due_s)
		return;
	c->due_s = now_s + (int64_t)c->f->config->log_check_s;
	c->tree = (struct ms_merkle){0};
	c->running = take_target(c);
	if (c->running && c->target.size == 0)
		end_turn(c);
	else if (c->running)
		pause_for(c, 0);
}

int64_t ms_self_check_passed(const struct ms_self_check *c)
{
	return c->passed;
}

int ms_self_check_new(struct ms_front *f, struct ms_self_check **ret)
{
	struct ms_self_check *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->f = f;
	c->pace = evtimer_new(f->base, on_pace, c);
	if (!c->pace) {
		free(c);
		return -ENOMEM;
	}
	*ret = c;
	return 0;
}

void ms_self_check_free(struct ms_self_check *c)
{
	if (!c)
		return;
	event_free(c->pace);
	free(c);
}
