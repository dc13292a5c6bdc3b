/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/key_life.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "lib/agent_client.h"
#include "lib/file.h"
#include "lib/limits.h"

#define HEAD "modseal key state 1\n"
#define HEAD2 "modseal key state 2\n" /* has until and successor, too */
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

static const char *const lives[] = {
	[MS_LIFE_ACTIVE] = "active",
	[MS_LIFE_RETIRED] = "retired",
	[MS_LIFE_REVOKED] = "revoked",
	[MS_LIFE_PENDING] = "pending",
};

static int take_life(const char **p, const char *end, enum ms_life *ret)
{
	const char *v;
	ssize_t n = take(p, end, "state", &v);

	for (size_t i = 0; n >= 0 && i < ARRAY_SIZE(lives); i++)
		if ((size_t)n == strlen(lives[i]) &&
		    memcmp(v, lives[i], (size_t)n) == 0) {
			*ret = (enum ms_life)i;
			return 0;
		}
	return -EBADMSG;
}

static int take_text(const char **p, const char *end, const char *word, char *dst,
		     size_t size)
{
	const char *v;
	ssize_t n = take(p, end, word, &v);

	if (n < 0 || (size_t)n >= size)
		return -EBADMSG;
	for (ssize_t i = 0; i < n; i++)
		if ((uint8_t)v[i] < ' ' || v[i] == 0x7f)
			return -EBADMSG;
	memcpy(dst, v, (size_t)n);
	dst[n] = '\0';
	return 0;
}

/* What the first version could not say is only in the second. */
static bool is_second(const struct ms_key_life *l)
{
	return l->until || l->successor[0] || l->life == MS_LIFE_ACTIVE ||
	       l->life == MS_LIFE_PENDING;
}

int ms_key_life_parse(const char *text, size_t len, struct ms_key_life *ret)
{
	const char *p = text, *end = text + len;
	struct ms_key_life l = {0};
	bool second;

	if (len < strlen(HEAD))
		return -EBADMSG;
	second = memcmp(p, HEAD2, strlen(HEAD2)) == 0;
	if (!second && memcmp(p, HEAD, strlen(HEAD)) != 0)
		return -EBADMSG;
	p += strlen(HEAD);
	if (take_life(&p, end, &l.life) < 0 ||
	    take_number(&p, end, "since", &l.since) < 0 ||
	    take_number(&p, end, "from", &l.from) < 0)
		return -EBADMSG;
	if (second &&
	    (take_number(&p, end, "until", &l.until) < 0 ||
	     take_text(&p, end, "successor", l.successor, sizeof(l.successor)) < 0 ||
	     (l.successor[0] && !ms_key_name_valid(l.successor))))
		return -EBADMSG;
	if (take_text(&p, end, "reason", l.reason, sizeof(l.reason)) < 0 || p != end ||
	    second != is_second(&l))
		return -EBADMSG;
	*ret = l;
	return 0;
}

int ms_key_life_write(const struct ms_key_life *l, struct ms_buf *out)
{
	ms_buf_printf(out, "%sstate %s\nsince %lld\nfrom %lld\n",
		      is_second(l) ? HEAD2 : HEAD, lives[l->life], (long long)l->since,
		      (long long)l->from);
	if (is_second(l))
		ms_buf_printf(out, "until %lld\nsuccessor %s\n", (long long)l->until,
			      l->successor);
	ms_buf_printf(out, "reason %s\n", l->reason);
	return ms_buf_error(out);
}

enum ms_life ms_key_life_at(const struct ms_key_life *l, int64_t now)
{
	if (l->life == MS_LIFE_ACTIVE && l->until && now >= l->until)
		return MS_LIFE_RETIRED;
	return l->life;
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

int ms_key_life_remove(const char *dir, const char *name, struct ms_error *err)
{
	char path[MS_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s.state", dir, name);
	if (unlink(path) < 0 && errno != ENOENT)
		return ms_error_set(err, -errno, NULL,
				    "cannot remove the key's state file %s: %s", path,
				    ms_strerror(errno));
	return 0;
}

const char *ms_key_life_sentence(const struct ms_key_life *l, int64_t now, char *dst,
				 size_t size)
{
	enum ms_life life = ms_key_life_at(l, now);
	time_t t = (time_t)(life == l->life ? l->since : l->until);
	char day[32] = "";
	struct tm tm;

	dst[0] = '\0';
	if (life == MS_LIFE_ACTIVE)
		return dst;
	if (life == MS_LIFE_PENDING) {
		snprintf(dst, size,
			 "it waits for its certificate: have its 'modseal key "
			 "csr' signed, then 'modseal key install-cert'");
		return dst;
	}
	if (t && gmtime_r(&t, &tm))
		(void)!strftime(day, sizeof(day), " on %F", &tm);
	snprintf(dst, size, "it was %s%s%s%s%s%s: it signs no more", lives[life], day,
		 l->reason[0] ? ": " : "", l->reason,
		 l->successor[0] ? ": its successor is " : "", l->successor);
	return dst;
}
