/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/bundle.h"

#include <errno.h>

#include "lib/base64.h"

#define MISSING "event_log_missing"
#define MEMBERS_MAX (MS_EV_N + 3u)

struct text {
	const char *p, *end;
	bool bad;
};

/* A member's value: a string, or a number */
struct value {
	const char *p;
	size_t len;
	bool is_number;
	unsigned int number;
};

static void skip(struct text *t)
{
	while (t->p < t->end && memchr(" \t\r\n", *t->p, 4))
		t->p++;
}

static bool next_is(struct text *t, char c)
{
	skip(t);
	return t->p < t->end && *t->p == c;
}

static void expect(struct text *t, char c)
{
	if (next_is(t, c))
		t->p++;
	else
		t->bad = true;
}

static struct value string(struct text *t)
{
	struct value v = {0};

	expect(t, '"');
	v.p = t->p;
	while (!t->bad && t->p < t->end && *t->p != '"') {
		t->bad = *t->p < ' ' || *t->p > '~' || *t->p == '\\';
		t->p++;
	}
	v.len = (size_t)(t->p - v.p);
	expect(t, '"');
	return v;
}

static struct value take_value(struct text *t)
{
	struct value v = {.is_number = true};

	if (next_is(t, '"'))
		return string(t);
	v.p = t->p;
	while (t->p < t->end && *t->p >= '0' && *t->p <= '9' && v.len < 6) {
		v.number = v.number * 10 + (unsigned int)(*t->p++ - '0');
		v.len++;
	}
	if (!v.len || (v.len > 1 && *v.p == '0'))
		t->bad = true;
	return v;
}

static bool equals(const struct value *v, const char *s)
{
	return !v->is_number && v->len == strlen(s) && memcmp(v->p, s, v->len) == 0;
}

static int damaged(struct ms_error *err)
{
	return ms_error_set(err, -EBADMSG, "bundle-damaged",
			    "it is damaged, or no such file of modseal's");
}

/* What the members say, of which two come first by their meaning. */
struct head {
	bool type_seen, version_seen;
};

static int take_head(struct head *h, const struct value *name, const struct value *v,
		     const char *type, struct ms_error *err)
{
	if (equals(name, "type")) {
		if (h->type_seen || v->is_number)
			return damaged(err);
		h->type_seen = true;
		return equals(v, type)
			       ? 1
			       : ms_error_set(err, -EINVAL, "bundle-type",
					      "it is of another kind, and no %s", type);
	}
	if (equals(name, "version")) {
		if (h->version_seen || !v->is_number || !v->number)
			return damaged(err);
		h->version_seen = true;
		return v->number == MS_EV_VERSION
			       ? 1
			       : ms_error_set(err, -ENOPKG, "bundle-version",
					      "it has format version %u: install a newer "
					      "modseal",
					      v->number);
	}
	return equals(name, MISSING) && !v->is_number;
}

static int take_field(const struct value *name, const struct value *v, struct ms_buf *out)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_EV_MAX);
	enum ms_tpm_ev f;
	char word[64];
	int r;

	if (v->is_number || name->len >= sizeof(word))
		return -EBADMSG;
	memcpy(word, name->p, name->len);
	word[name->len] = '\0';
	f = ms_tpm_evidence_from_name(word);
	if (!f || !v->len)
		return -EBADMSG;
	r = ms_base64_decode(v->p, v->len, false, &b);
	if (r == 0)
		ms_tpm_evidence_put(out, f, b.data, b.len);
	return r < 0 ? r : ms_buf_error(out);
}

static int take_member(struct text *t, struct head *h, const char *type,
		       struct ms_buf *out, struct ms_error *err)
{
	struct value name = string(t), v;
	int r;

	expect(t, ':');
	v = take_value(t);
	if (t->bad)
		return damaged(err);
	r = take_head(h, &name, &v, type, err);
	if (r)
		return r < 0 ? r : 0;
	/* A later version may have any fields, and says first that it is one. */
	if (!h->type_seen || !h->version_seen)
		return damaged(err);
	r = take_field(&name, &v, out);
	if (r == -EBADMSG)
		return damaged(err);
	return r < 0 ? ms_error_set(err, r, NULL, "it is too large") : 0;
}

int ms_bundle_parse(const char *text, size_t len, const char *type, struct ms_buf *out,
		    struct ms_error *err)
{
	struct text t = {.p = text, .end = text + len};
	struct head h = {0};
	struct ms_tpm_evidence e;
	unsigned int n = 0;
	size_t from = out->len;
	int r = 0;

	if (len > MS_BUNDLE_MAX)
		return ms_error_set(err, -EFBIG, NULL, "it is too large");
	expect(&t, '{');
	do {
		r = take_member(&t, &h, type, out, err);
	} while (r == 0 && next_is(&t, ',') && t.p++ && n++ < MEMBERS_MAX);
	if (r < 0)
		return r;
	expect(&t, '}');
	skip(&t);
	if (t.bad || t.p != t.end || !h.type_seen || !h.version_seen ||
	    out->len == from ||
	    ms_tpm_evidence_parse(out->data + from, out->len - from, &e) < 0)
		return damaged(err);
	return 0;
}

int ms_bundle_write(const char *type, const struct ms_tpm_evidence *e,
		    const char *event_log_missing, struct ms_buf *out)
{
	ms_buf_printf(out, "{\n  \"type\": \"%s\",\n  \"version\": %d", type,
		      MS_EV_VERSION);
	for (size_t i = 1; i < MS_EV_N; i++) {
		if (!e->f[i].p)
			continue;
		ms_buf_printf(out, ",\n  \"%s\": \"",
			      ms_tpm_evidence_name((enum ms_tpm_ev)i));
		ms_base64_put(out, e->f[i].p, e->f[i].len, 0);
		ms_buf_printf(out, "\"");
	}
	if (event_log_missing)
		ms_buf_printf(out, ",\n  \"" MISSING "\": \"%s\"", event_log_missing);
	ms_buf_printf(out, "\n}\n");
	return ms_buf_error(out);
}
