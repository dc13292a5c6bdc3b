/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/client/log_source.h"

#include <errno.h>
#include <inttypes.h>

#define BATCH 1000u

void ms_log_source_clear(struct ms_log_source *s)
{
	ms_buf_clear(&s->batch);
	if (s->file)
		fclose(s->file);
	free(s->line);
	*s = (struct ms_log_source){0};
}

void ms_log_source_agent(struct ms_talk *t, uint64_t from, struct ms_log_source *ret)
{
	*ret = (struct ms_log_source){
		.talk = t, .from = from, .batch = MS_BUF_INIT(MS_HTTP_ANSWER_MAX)};
}

static int file_failed(const struct ms_log_source *s, int rc)
{
	fprintf(stderr, "modseal: cannot read %s: %s\n", s->path, ms_strerror(rc));
	return -EIO;
}

/* The next line without its newline. Return: 1, 0 at the end, or a negative errno. */
static int file_line(struct ms_log_source *s, size_t *ret_len)
{
	ssize_t n;

	errno = 0;
	n = getline(&s->line, &s->cap, s->file);
	if (n < 0 && errno)
		return file_failed(s, errno);
	if (n < 0)
		return 0;
	if (n > 0 && s->line[n - 1] == '\n')
		n--;
	s->line_no++;
	*ret_len = (size_t)n;
	return 1;
}

static int no_export(const char *path)
{
	fprintf(stderr,
		"modseal: %s is no exported log: make one with modseal log export\n",
		path);
	return MS_EXIT_USAGE;
}

int ms_log_source_file(const char *path, struct ms_log_source *ret, char *ret_vkey,
		       char *ret_note)
{
	_cleanup_source_ struct ms_log_source s = {.path = path};
	_cleanup_json_ json_t *head = NULL;
	const char *vkey, *note;
	size_t len = 0;

	s.file = fopen(path, "re");
	if (!s.file) {
		(void)file_failed(&s, errno);
		return MS_EXIT_USAGE;
	}
	if (file_line(&s, &len) <= 0 || len > MS_HTTP_HEAD_MAX)
		return no_export(path);
	head = json_loadb(s.line, len, JSON_REJECT_DUPLICATES, NULL);
	vkey = json_string_value(json_object_get(head, "vkey"));
	note = json_string_value(json_object_get(head, "checkpoint"));
	if (!vkey || !note || strlen(vkey) >= MS_VKEY_MAX ||
	    strlen(note) > MS_CHECKPOINT_MAX)
		return no_export(path);
	memcpy(ret_vkey, vkey, strlen(vkey) + 1);
	memcpy(ret_note, note, strlen(note) + 1);
	*ret = s;
	s = (struct ms_log_source){0};
	return MS_EXIT_OK;
}

static int fetch(struct ms_log_source *s)
{
	char target[96];

	ms_buf_clear(&s->batch);
	s->at = 0;
	snprintf(target, sizeof(target), "/v1/log/entries?from=%" PRIu64 "&count=%u",
		 s->from, BATCH);
	switch (ms_talk_fetch(s->talk, target, "application/jsonl", &s->batch)) {
	case MS_EXIT_OK:
		return 0;
	case MS_EXIT_AGENT:
		return -ENOTCONN;
	default:
		return -EACCES;
	}
}

static int agent_line(struct ms_log_source *s, char **ret, size_t *ret_len)
{
	char *p, *nl;

	if (s->at >= s->batch.len) {
		int r = fetch(s);

		if (r < 0 || s->batch.len == 0)
			return r;
	}
	p = (char *)s->batch.data + s->at;
	nl = memchr(p, '\n', s->batch.len - s->at);
	*ret = p;
	*ret_len = nl ? (size_t)(nl - p) : s->batch.len - s->at;
	s->at += *ret_len + 1;
	return 1;
}

int ms_log_source_next(struct ms_log_source *s, struct ms_log_line *ret)
{
	char *line = NULL;
	size_t len = 0;
	int r;

	if (s->talk) {
		r = agent_line(s, &line, &len);
	} else {
		r = file_line(s, &len);
		line = s->line;
	}
	if (r <= 0)
		return r;
	r = ms_log_line_parse(line, len, ret);
	if (r < 0) {
		*ret = (struct ms_log_line){.seq = s->from, .bytes = line, .len = len};
		s->from++;
		return r;
	}
	/* Whatever comes, the next question is about something later. */
	s->from = MS_MAX(s->from, ret->seq) + (ret->seq >= s->from);
	return 1;
}
