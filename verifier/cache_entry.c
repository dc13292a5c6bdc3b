/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "verifier/cache_entry.h"

#define NONE 0xffffffffu
/* The kernel that was asked about is that of the context, which may be no row. */
#define ASKED 0xfffffffeu

/* Texts keep their NUL, so that they can be used where they are. */
static void put_text(struct ms_buf *b, const char *s)
{
	ms_buf_put_bytes(b, s ? s : "", s ? strlen(s) + 1 : 0);
}

static const char *get_text(struct ms_reader *r)
{
	size_t len;
	const uint8_t *p = ms_reader_bytes(r, r->left, &len);

	if (!p || !len)
		return NULL;
	if (memchr(p, 0, len) != p + len - 1) {
		r->err = -EBADMSG;
		return NULL;
	}
	return (const char *)p;
}

static uint32_t profile_number(const struct ms_question *q,
			       const struct ms_kernel_profile *p)
{
	const struct ms_kernel_profile *have;

	if (p && p == q->profile)
		return ASKED;

	for (uint32_t i = 0; p && (have = ms_kernel_profile_at(i)); i++)
		if (have == p)
			return i;
	return NONE;
}

static uint32_t anchor_number(const struct ms_question *q, const struct ms_anchor *a)
{
	return a ? (uint32_t)(a - q->anchors->v) : NONE;
}

static void put_signer(struct ms_buf *b, const struct ms_question *q,
		       const struct ms_signer_result *s)
{
	put_text(b, s->id->issuer);
	put_text(b, s->id->serial);
	put_text(b, s->id->ski);
	put_text(b, s->algorithm);
	put_text(b, s->ski);
	ms_buf_put_u32(b, s->hash);
	ms_buf_put_u32(b, s->state);
	ms_buf_put_u32(b, anchor_number(q, s->id->anchor));
	ms_buf_put_u32(b, anchor_number(q, s->anchor));
}

void ms_cache_entry_put(struct ms_buf *b, const struct ms_question *q,
			const struct ms_result *r)
{
	put_text(b, r->path);
	ms_buf_put(b, &r->id, sizeof(r->id));
	put_text(b, r->name);
	put_text(b, r->vermagic);
	put_text(b, r->build_id);
	put_text(b, r->digest);
	ms_buf_put_u32(b, profile_number(q, r->kernel.profile));
	ms_buf_put_u32(b, r->kernel.verdict);
	ms_buf_put_u32(b, (uint32_t)-r->kernel.error);
	ms_buf_put_u8(b, r->policy.checked);
	ms_buf_put_u32(b, (uint32_t)r->policy.n_findings);
	for (size_t i = 0; i < r->policy.n_findings; i++) {
		ms_buf_put_u32(b, r->policy.findings[i].code);
		put_text(b, r->policy.findings[i].detail);
	}
	ms_buf_put_u32(b, (uint32_t)r->n_signers);
	for (size_t i = 0; i < r->n_signers; i++)
		put_signer(b, q, &r->signers[i]);
}

static int copy(const char *s, char **ret)
{
	if (!s)
		return 0;
	*ret = strdup(s);
	return *ret ? 0 : -ENOMEM;
}

/* Return: 0 or -EBADMSG */
static int get_profile(uint32_t number, const struct ms_question *q,
		       const struct ms_kernel_profile **ret)
{
	const struct ms_kernel_profile *p = NULL;

	if (number == ASKED)
		p = q->profile;
	else if (number != NONE)
		p = ms_kernel_profile_at(number);
	if (!p && number != NONE)
		return -EBADMSG;
	*ret = p;
	return 0;
}

static const struct ms_anchor *get_anchor(struct ms_reader *r,
					  const struct ms_question *q)
{
	uint32_t n = ms_reader_u32(r);

	if (n == NONE)
		return NULL;
	if (n < q->anchors->n)
		return &q->anchors->v[n];
	r->err = -EBADMSG;
	return NULL;
}

/* The name of an algorithm is looked at after the cache is gone by nobody. */
static void get_signer(struct ms_reader *r, const struct ms_question *q,
		       struct ms_identity *id, struct ms_signer_result *ret)
{
	const char *issuer = get_text(r), *serial = get_text(r), *ski = get_text(r);

	ret->algorithm = get_text(r);
	ret->ski = get_text(r);
	ret->hash = (enum ms_hash)ms_reader_u32(r);
	ret->state = (enum ms_signer_state)ms_reader_u32(r);
	id->anchor = get_anchor(r, q);
	ret->anchor = get_anchor(r, q);
	ret->id = id;
	if (!ret->algorithm || (!issuer != !serial) || (!issuer && !ski) ||
	    (unsigned int)ret->state > MS_SIGNER_BAD ||
	    (ret->hash != MS_HASH_NONE && !ms_hash_size(ret->hash)))
		r->err = -EBADMSG;
	/* They are in the cache's own bytes, and never freed by themselves. */
	memcpy(&id->issuer, &issuer, sizeof(issuer));
	memcpy(&id->serial, &serial, sizeof(serial));
	memcpy(&id->ski, &ski, sizeof(ski));
}

static int get_findings(struct ms_reader *r, struct ms_result *ret)
{
	uint32_t n = ms_reader_u32(r);
	int rc = 0;

	if (r->err || n > r->left / 8)
		return -EBADMSG;
	for (uint32_t i = 0; i < n && !rc; i++) {
		uint32_t code = ms_reader_u32(r);
		const char *detail = get_text(r);

		if (r->err || !detail || !code || code >= MS_FINDING_COUNT)
			return -EBADMSG;
		rc = ms_result_add(ret, (enum ms_finding_code)code, "%s", detail);
	}
	return rc;
}

static int get_signers(struct ms_reader *r, const struct ms_question *q,
		       struct ms_identity *ids, size_t n_ids, size_t *used,
		       struct ms_result *ret)
{
	uint32_t n = ms_reader_u32(r);

	if (r->err || n > MS_PKCS7_SIGNERS_MAX || n > n_ids - *used)
		return -EBADMSG;
	if (!n)
		return 0;
	ret->signers = calloc(n, sizeof(*ret->signers));
	if (!ret->signers)
		return -ENOMEM;
	ret->n_signers = n;
	for (uint32_t i = 0; i < n; i++)
		get_signer(r, q, &ids[(*used)++], &ret->signers[i]);
	return r->err;
}

static int get_texts(struct ms_reader *r, struct ms_cache_entry *e)
{
	char **const texts[] = {&e->r.name, &e->r.vermagic, &e->r.build_id, &e->r.digest};
	const uint8_t *id;
	int rc;

	e->path = get_text(r);
	id = ms_reader_get(r, sizeof(e->r.id));
	if (r->err || !e->path || !id)
		return -EBADMSG;
	memcpy(&e->r.id, id, sizeof(e->r.id));
	rc = copy(e->path, &e->r.path);
	for (size_t i = 0; i < ARRAY_SIZE(texts) && !rc; i++)
		rc = copy(get_text(r), texts[i]);
	return rc ? rc : r->err;
}

int ms_cache_entry_get(struct ms_reader *r, const struct ms_question *q,
		       struct ms_identity *ids, size_t n_ids, size_t *used,
		       struct ms_cache_entry *ret)
{
	uint32_t profile, verdict, error;
	bool checked;
	int rc = get_texts(r, ret);

	if (rc)
		return rc;
	profile = ms_reader_u32(r);
	verdict = ms_reader_u32(r);
	error = ms_reader_u32(r);
	checked = ms_reader_u8(r);
	if (r->err || verdict > MS_KERNEL_REFUSED || error > 4095 ||
	    get_profile(profile, q, &ret->r.kernel.profile))
		return -EBADMSG;
	ret->r.kernel.enforce = q->enforce;
	ret->r.kernel.verdict = (enum ms_kernel_verdict)verdict;
	ret->r.kernel.error = -(int)error;
	ret->r.keep = true;
	rc = get_findings(r, &ret->r);
	if (!rc)
		rc = get_signers(r, q, ids, n_ids, used, &ret->r);
	if (!rc)
		ms_result_settle(&ret->r, checked);
	return rc;
}
