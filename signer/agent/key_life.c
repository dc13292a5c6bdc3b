/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/key_life.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>

#include "lib/file.h"
#include "lib/limits.h"

#define HEAD "modseal key state 1\n"
#define FILE_MAX 1024u

/* Takes "WORD VALUE\n" from the front; the value's length, or -1. */
static ssize_t take(const char **p, const char *end, const char *word, const char **ret)
{
	size_t n = strlen(word);
	const char *eol;

	if ((size_t)(end - *p) <= n || memcmp(*p, word, n) != 0 || (*p)[n] != ' ')
		return -1;
	eol = memchr(*p, '\n', (size_t)(end - *p));
	if (!eol)
		return -1;
	*ret = *p + n + 1;
	*p = eol + 1;
	return eol - *ret;
}

static int take_number(const char **p, const char *end, const char *word, int64_t *ret)
{
	const char *v;
	ssize_t n = take(p, end, word, &v);
	int64_t x = 0;

	if (n < 1 || n > 12)
		return -EBADMSG;
	for (ssize_t i = 0; i < n; i++) {
		if (v[i] < '0' || v[i] > '9')
			return -EBADMSG;
		x = x * 10 + (v[i] - '0');
	}
	*ret = x;
	return 0;
}

int ms_key_life_parse(const char *text, size_t len, struct ms_key_life *ret)
{
	const char *p = text, *end = text + len, *v;
	struct ms_key_life l = {0};
	ssize_t n;

	if (len < strlen(HEAD) || memcmp(p, HEAD, strlen(HEAD)) != 0)
		return -EBADMSG;
	p += strlen(HEAD);
	n = take(&p, end, "state", &v);
	if (n == 7 && memcmp(v, "retired", 7) == 0)
		l.life = MS_LIFE_RETIRED;
	else if (n == 7 && memcmp(v, "revoked", 7) == 0)
		l.life = MS_LIFE_REVOKED;
	else
		return -EBADMSG;
	if (take_number(&p, end, "since", &l.since) < 0 ||
	    take_number(&p, end, "from", &l.from) < 0)
		return -EBADMSG;
	n = take(&p, end, "reason", &v);
	if (n < 0 || n >= (ssize_t)sizeof(l.reason) || p != end)
		return -EBADMSG;
	memcpy(l.reason, v, (size_t)n);
	for (ssize_t i = 0; i < n; i++)
		if ((uint8_t)v[i] < ' ' || v[i] == 0x7f)
			return -EBADMSG;
	*ret = l;
	return 0;
}

int ms_key_life_write(const struct ms_key_life *l, struct ms_buf *out)
{
	ms_buf_printf(out, HEAD "state %s\nsince %lld\nfrom %lld\nreason %s\n",
		      l->life == MS_LIFE_RETIRED ? "retired" : "revoked",
		      (long long)l->since, (long long)l->from, l->reason);
	return ms_buf_error(out);
}

void ms_key_life_load(const char *dir, const char *name, struct ms_key_life *ret)
{
	_cleanup_file_ struct ms_file f = {0};
	struct ms_error err = {0};
	char path[MS_PATH_MAX];
	int r;

	memset(ret, 0, sizeof(*ret));
	snprintf(path, sizeof(path), "%s/%s.state", dir, name);
	r = ms_file_read(AT_FDCWD, path, FILE_MAX, 0, &f, &err);
	if (r == -ENOENT)
		return;
	if (r == 0)
		r = ms_key_life_parse((const char *)f.data, f.len, ret);
	if (r == 0)
		return;
	ret->life = MS_LIFE_REVOKED;
	snprintf(ret->reason, sizeof(ret->reason),
		 "its state file cannot be read: restore it from its backup");
}

int ms_key_life_store(const char *dir, const char *name, const struct ms_key_life *l,
		      struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf text = MS_BUF_INIT(FILE_MAX);
	char path[MS_PATH_MAX];
	struct iovec iov;
	int r = ms_key_life_write(l, &text);

	if (r < 0)
		return ms_error_set(err, r, NULL, "cannot write the key's state: %s",
				    ms_strerror(r));
	snprintf(path, sizeof(path), "%s/%s.state", dir, name);
	iov = (struct iovec){.iov_base = text.data, .iov_len = text.len};
	return ms_file_replace(path, -1, 0600, &iov, 1, true, err);
}

const char *ms_key_life_sentence(const struct ms_key_life *l, char *dst, size_t size)
{
	time_t t = (time_t)l->since;
	char day[32] = "";
	struct tm tm;

	dst[0] = '\0';
	if (l->life == MS_LIFE_ACTIVE)
		return dst;
	if (l->since && gmtime_r(&t, &tm))
		(void)!strftime(day, sizeof(day), " on %F", &tm);
	snprintf(dst, size, "it was %s%s%s%s: it signs no more",
		 l->life == MS_LIFE_RETIRED ? "retired" : "revoked", day,
		 l->reason[0] ? ": " : "", l->reason);
	return dst;
}
