/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/client/log_check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>

#include "lib/escape.h"

int ms_log_check_init(struct ms_log_check *c)
{
	*c = (struct ms_log_check){.next = 1, .findings = json_array()};
	return c->findings ? 0 : -ENOMEM;
}

void ms_log_check_clear(struct ms_log_check *c)
{
	json_decref(c->findings);
	c->findings = NULL;
}

void ms_log_check_finding(struct ms_log_check *c, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (c->n++ < MS_LOG_FINDINGS_MAX)
		json_array_append_new(c->findings, json_string(text));
}

static int note_marks(struct ms_log_check *c)
{
	int r = 0;

	for (size_t i = 0; i < c->n_marks && r == 0; i++) {
		if (c->mark[i].have || c->mark[i].size != c->tree.size || c->broken)
			continue;
		r = ms_merkle_root(&c->tree, c->mark[i].root);
		c->mark[i].have = r == 0;
	}
	return r;
}

size_t ms_log_check_mark(struct ms_log_check *c, uint64_t size)
{
	if (c->n_marks >= MS_LOG_MARKS)
		abort();
	c->mark[c->n_marks] = (struct ms_log_mark){.size = size};
	c->n_marks++;
	(void)!note_marks(c);
	return c->n_marks - 1;
}

/* The agent's own alarms are as good as findings. */
static void look_for_alarm(struct ms_log_check *c, const struct ms_log_line *l)
{
	static const char word[] = "\"log-alarm\"";
	char shown[400];
	const char *text;
	json_t *j;

	if (!memmem(l->bytes, l->len, word, strlen(word)))
		return;
	j = json_loadb(l->bytes, l->len, 0, NULL);
	text = json_string_value(json_object_get(j, "event"));
	if (text && strcmp(text, "log-alarm") == 0) {
		text = json_string_value(json_object_get(j, "reason"));
		ms_log_check_finding(
			c, "entry %" PRIu64 " is an alarm of the agent: %s", l->seq,
			ms_escape_str(text ? text : "", shown, sizeof(shown)));
	}
	json_decref(j);
}

static void out_of_place(struct ms_log_check *c, uint64_t seq)
{
	c->broken = true;
	if (seq == c->next + 1)
		ms_log_check_finding(c, "entry %" PRIu64 " is missing", c->next);
	else if (seq > c->next)
		ms_log_check_finding(c, "entries %" PRIu64 " to %" PRIu64 " are missing",
				     c->next, seq - 1);
	else
		ms_log_check_finding(c,
				     "entry %" PRIu64 " stands where entry %" PRIu64
				     " should be: reordered or inserted",
				     seq, c->next);
}

int ms_log_check_entry(struct ms_log_check *c, const struct ms_log_line *l)
{
	uint8_t leaf[MS_MERKLE_HASH];

	look_for_alarm(c, l);
	if (l->seq != c->next)
		out_of_place(c, l->seq);
	if (l->seq >= c->next)
		c->next = l->seq + 1;
	if (c->broken)
		return 0;
	if (ms_merkle_leaf(l->bytes, l->len, leaf) < 0 ||
	    ms_merkle_append(&c->tree, leaf) < 0)
		return -EIO;
	return note_marks(c);
}

void ms_log_check_malformed(struct ms_log_check *c)
{
	ms_log_check_finding(c, "entry %" PRIu64 " cannot be read: it is no entry",
			     c->next);
	c->broken = true;
	c->next++;
}
