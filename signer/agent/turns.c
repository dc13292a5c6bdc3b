/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/turns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

TAILQ_HEAD(turn_list, ms_turn);

/** struct line - those of one identity that wait for one key */
struct line {
	TAILQ_ENTRY(line) list;
	struct turn_list turns;
	size_t n;
	char id[];
};

/**
 * struct lane - one key
 * @lines: whose turn is next comes first; none of them is empty
 * @out: in the key process
 */
struct lane {
	struct lane *next;
	TAILQ_HEAD(, line) lines;
	size_t out;
	char key[];
};

struct ms_turns {
	struct lane *lanes; /* as many as there are keys: few */
	size_t waiting;
};

int ms_turns_new(struct ms_turns **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

void ms_turns_free(struct ms_turns *t)
{
	if (!t)
		return;
	while (t->lanes) {
		struct lane *l = t->lanes;
		struct line *n;

		while ((n = TAILQ_FIRST(&l->lines))) {
			TAILQ_REMOVE(&l->lines, n, list);
			free(n);
		}
		t->lanes = l->next;
		free(l);
	}
	free(t);
}

static struct lane *lane_of(const struct ms_turns *t, const char *key)
{
	struct lane *l = t->lanes;

	while (l && strcmp(l->key, key) != 0)
		l = l->next;
	return l;
}

static struct lane *get_lane(struct ms_turns *t, const char *key)
{
	struct lane *l = lane_of(t, key);
	size_t len = strlen(key) + 1;

	if (l)
		return l;
	l = calloc(1, sizeof(*l) + len);
	if (!l)
		return NULL;
	memcpy(l->key, key, len);
	TAILQ_INIT(&l->lines);
	l->next = t->lanes;
	t->lanes = l;
	return l;
}

static struct line *find_line(const struct lane *l, const char *id)
{
	struct line *n;

	TAILQ_FOREACH(n, &l->lines, list)
	{
		if (strcmp(n->id, id) == 0)
			break;
	}
	return n;
}

static struct line *add_line(struct lane *l, const char *id)
{
	size_t len = strlen(id) + 1;
	struct line *n = calloc(1, sizeof(*n) + len);

	if (!n)
		return NULL;
	memcpy(n->id, id, len);
	TAILQ_INIT(&n->turns);
	TAILQ_INSERT_TAIL(&l->lines, n, list);
	return n;
}

int ms_turns_put(struct ms_turns *t, const char *key, const char *id,
		 struct ms_turn *turn)
{
	struct lane *l = get_lane(t, key);
	struct line *n = l ? find_line(l, id) : NULL;
	size_t have = n ? n->n : 0;

	if (!l)
		return -ENOMEM;
	if (have >= MS_TURNS_MAX / 2 ||
	    (t->waiting >= MS_TURNS_MAX && have >= MS_TURNS_FEW))
		return -EAGAIN;
	n = n ? n : add_line(l, id);
	if (!n)
		return -ENOMEM;
	TAILQ_INSERT_TAIL(&n->turns, turn, list);
	n->n++;
	t->waiting++;
	return 0;
}

struct ms_turn *ms_turns_next(struct ms_turns *t, const char *key)
{
	struct lane *l = lane_of(t, key);
	struct line *n = l && l->out < MS_TURNS_OUT ? TAILQ_FIRST(&l->lines) : NULL;
	struct ms_turn *turn;

	if (!n)
		return NULL;
	turn = TAILQ_FIRST(&n->turns);
	TAILQ_REMOVE(&n->turns, turn, list);
	TAILQ_REMOVE(&l->lines, n, list);
	if (--n->n)
		TAILQ_INSERT_TAIL(&l->lines, n, list);
	else
		free(n);
	l->out++;
	t->waiting--;
	return turn;
}

void ms_turns_done(struct ms_turns *t, const char *key)
{
	struct lane *l = lane_of(t, key);

	if (l && l->out)
		l->out--;
}

size_t ms_turns_waiting(const struct ms_turns *t)
{
	return t->waiting;
}
