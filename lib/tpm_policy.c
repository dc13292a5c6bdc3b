// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/tpm_policy.h"

#include <errno.h>

#include "lib/der.h"
#include "lib/hash.h"

#define ALG_SHA256 0x000bu
#define ALG_NULL 0x0010u
#define TAG_EXPLICIT(n) (MS_DER_CTX0C | (n))

/* ---------------------------------------------------------------- digests */

static int extend(uint8_t policy[MS_POLICY_LEN], const struct ms_buf *b)
{
	if (ms_buf_error(b) < 0)
		return ms_buf_error(b);
	return ms_digest(MS_HASH_SHA256, b->data, b->len, policy);
}

int ms_policy_add_pcr(uint8_t policy[MS_POLICY_LEN], uint32_t pcrs,
		      const uint8_t pcr_digest[32])
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(256);

	ms_buf_put(&b, policy, MS_POLICY_LEN);
	ms_buf_put_u32(&b, MS_POLICY_PCR);
	ms_policy_put_selection(&b, pcrs);
	ms_buf_put(&b, pcr_digest, 32);
	return extend(policy, &b);
}

int ms_policy_add_auth_value(uint8_t policy[MS_POLICY_LEN])
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(256);

	ms_buf_put(&b, policy, MS_POLICY_LEN);
	ms_buf_put_u32(&b, MS_POLICY_AUTH_VALUE);
	return extend(policy, &b);
}

/* The Name is one step, the (empty) policyRef another: TCG part 1, PolicyUpdate(). */
int ms_policy_add_authorize(uint8_t policy[MS_POLICY_LEN],
			    const struct ms_policy_key *key)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(256);
	uint8_t name[MS_POLICY_NAME_LEN];
	int r = ms_policy_key_name(key, name);

	if (r < 0)
		return r;
	memset(policy, 0, MS_POLICY_LEN);
	ms_buf_put(&b, policy, MS_POLICY_LEN);
	ms_buf_put_u32(&b, MS_POLICY_AUTHORIZE);
	ms_buf_put(&b, name, sizeof(name));
	r = extend(policy, &b);
	return r < 0 ? r : ms_digest(MS_HASH_SHA256, policy, MS_POLICY_LEN, policy);
}

void ms_policy_put_selection(struct ms_buf *b, uint32_t pcrs)
{
	ms_buf_put_u32(b, 1);
	ms_buf_put_u16(b, ALG_SHA256);
	ms_buf_put_u8(b, 3);
	for (unsigned int i = 0; i < 3; i++)
		ms_buf_put_u8(b, (uint8_t)(pcrs >> (8 * i)));
}

/* ------------------------------------------------------------------ steps */

void ms_policy_wrap(struct ms_buf *b, size_t from, uint8_t tag)
{
	_cleanup_buf_ struct ms_buf inner = MS_BUF_INIT(b->max);

	if (b->err)
		return;
	ms_buf_put(&inner, b->data + from, b->len - from);
	if (ms_buf_error(&inner) < 0) {
		b->err = ms_buf_error(&inner);
		return;
	}
	b->len = from;
	ms_der_put(b, tag, inner.data, inner.len);
}

static void put_integer(struct ms_buf *b, uint32_t v)
{
	uint8_t bytes[5] = {0};
	size_t skip = 0;

	ms_put_be32(bytes + 1, v);
	while (skip < 4 && bytes[skip] == 0 && !(bytes[skip + 1] & 0x80))
		skip++;
	ms_der_put(b, MS_DER_INTEGER, bytes + skip, sizeof(bytes) - skip);
}

void ms_policy_put_step(struct ms_buf *b, uint32_t code, const struct ms_buf *body)
{
	size_t step = b->len, field = b->len;

	if (ms_buf_error(body) < 0)
		b->err = ms_buf_error(body);
	put_integer(b, code);
	ms_policy_wrap(b, field, TAG_EXPLICIT(0));
	field = b->len;
	ms_der_put(b, MS_DER_OCTETS, body->data, body->len);
	ms_policy_wrap(b, field, TAG_EXPLICIT(1));
	ms_policy_wrap(b, step, MS_DER_SEQUENCE);
}

/* What is inside the next element; it has the error if there is none of this tag. */
static struct ms_reader element(struct ms_reader *r, uint8_t tag)
{
	struct ms_der e;

	if (ms_der_get(r, tag, &e) < 0)
		return (struct ms_reader){.err = -EBADMSG};
	return e.body;
}

static void inherit(struct ms_reader *outer, const struct ms_reader *inner)
{
	if (ms_reader_end(inner) < 0)
		outer->err = -EBADMSG;
}

static uint32_t code_of(struct ms_reader *r)
{
	struct ms_der e;
	uint32_t n = 0;

	if (ms_der_integer(r, &e) < 0)
		return 0;
	if (e.body.left > 4 || (e.body.p[0] & 0x80)) {
		r->err = -EBADMSG;
		return 0;
	}
	while (e.body.left > 0)
		n = n << 8 | ms_reader_u8(&e.body);
	return n;
}

int ms_policy_get_step(struct ms_reader *r, uint32_t *ret_code,
		       struct ms_reader *ret_body)
{
	struct ms_reader step = element(r, MS_DER_SEQUENCE);
	struct ms_reader cc = element(&step, TAG_EXPLICIT(0));
	uint32_t code = code_of(&cc);
	struct ms_reader wrap = element(&step, TAG_EXPLICIT(1));
	struct ms_reader body = element(&wrap, MS_DER_OCTETS);

	inherit(r, &cc);
	inherit(r, &wrap);
	inherit(r, &step);
	if (r->err || body.err)
		return -EBADMSG;
	*ret_code = code;
	*ret_body = body;
	return 0;
}

void ms_policy_put_pcr(struct ms_buf *b, uint32_t pcrs, const uint8_t pcr_digest[32])
{
	ms_buf_put_u16(b, 32);
	ms_buf_put(b, pcr_digest, 32);
	ms_policy_put_selection(b, pcrs);
}

int ms_policy_get_pcr(const uint8_t *body, size_t len, uint32_t *ret_pcrs,
		      uint8_t ret_digest[32])
{
	struct ms_reader r = MS_READER(body, len);
	bool known = ms_reader_u16(&r) == 32;
	const uint8_t *digest = ms_reader_get(&r, 32);
	const uint8_t *select;
	uint32_t pcrs;

	known = ms_reader_u32(&r) == 1 && known;
	known = ms_reader_u16(&r) == ALG_SHA256 && known;
	known = ms_reader_u8(&r) == 3 && known;
	select = ms_reader_get(&r, 3);
	if (ms_reader_end(&r) < 0 || !digest || !select)
		return -EBADMSG;
	if (!known)
		return -ENOPKG;
	pcrs = select[0] | (uint32_t)select[1] << 8 | (uint32_t)select[2] << 16;
	if (!pcrs)
		return -EBADMSG;
	*ret_pcrs = pcrs;
	memcpy(ret_digest, digest, 32);
	return 0;
}

void ms_policy_put_authorize(struct ms_buf *b, const struct ms_policy_key *key,
			     const uint8_t *sig, size_t sig_len)
{
	ms_buf_put(b, key->pub, key->len);
	ms_buf_put_u16(b, 0);
	if (sig_len)
		ms_buf_put(b, sig, sig_len);
	else
		ms_buf_put_u16(b, ALG_NULL);
}

int ms_policy_get_authorize(const uint8_t *body, size_t len, struct ms_policy_key *ret,
			    uint8_t *ret_sig, size_t *ret_sig_len)
{
	struct ms_reader r = MS_READER(body, len);
	uint16_t size = ms_reader_u16(&r);
	const uint8_t *pub = ms_reader_get(&r, size);
	uint16_t ref = ms_reader_u16(&r);

	if (ms_reader_error(&r) < 0 || !pub || r.left < 2)
		return -EBADMSG;
	if (ref != 0 || size + 2u > sizeof(ret->pub) || r.left > MS_PCR_APPROVAL_SIG_MAX)
		return -ENOPKG;
	if (r.left == 2 && r.p[0] == 0 && r.p[1] == ALG_NULL) {
		*ret_sig_len = 0;
	} else {
		memcpy(ret_sig, r.p, r.left);
		*ret_sig_len = r.left;
	}
	memcpy(ret->pub, body, size + 2u);
	ret->len = size + 2u;
	return 0;
}

/* -------------------------------------------------------------- approvals */

int ms_pcr_approval_write(const struct ms_pcr_approval *a,
			  const struct ms_policy_key *key, struct ms_buf *out)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_PCR_APPROVAL_MAX);
	_cleanup_buf_ struct ms_buf authorize = MS_BUF_INIT(MS_PCR_APPROVAL_MAX);
	_cleanup_buf_ struct ms_buf pcr = MS_BUF_INIT(256);
	size_t from;

	ms_policy_put_authorize(&authorize, key, a->sig, a->sig_len);
	ms_policy_put_pcr(&pcr, a->pcrs, a->pcr_digest);
	ms_der_put(&b, 0x0c /* UTF8String */, a->name, strlen(a->name));
	ms_policy_wrap(&b, 0, TAG_EXPLICIT(0));
	from = b.len;
	ms_policy_put_step(&b, MS_POLICY_AUTHORIZE, &authorize);
	ms_policy_put_step(&b, MS_POLICY_PCR, &pcr);
	ms_policy_wrap(&b, from, MS_DER_SEQUENCE);
	ms_policy_wrap(&b, from, TAG_EXPLICIT(1));
	ms_policy_wrap(&b, 0, MS_DER_SEQUENCE);
	if (ms_buf_error(&b) < 0)
		return ms_buf_error(&b);
	ms_buf_put(out, b.data, b.len);
	return ms_buf_error(out);
}

static int read_name(struct ms_reader *entry, struct ms_pcr_approval *a)
{
	struct ms_reader wrap, name;

	if (!ms_der_next_is(entry, TAG_EXPLICIT(0)))
		return 0;
	wrap = element(entry, TAG_EXPLICIT(0));
	name = element(&wrap, 0x0c);
	inherit(entry, &wrap);
	if (name.err || entry->err || name.left > MS_PCR_APPROVAL_NAME_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < name.left; i++)
		if (name.p[i] < ' ' || name.p[i] > '~')
			return -EBADMSG;
	if (name.left)
		memcpy(a->name, name.p, name.left);
	return 0;
}

static int read_step(struct ms_reader *steps, struct ms_pcr_approval *a,
		     struct ms_policy_key *key)
{
	struct ms_reader body;
	uint32_t code;
	int r = ms_policy_get_step(steps, &code, &body);

	if (r < 0)
		return r;
	if (code == MS_POLICY_AUTHORIZE && !key->len)
		return ms_policy_get_authorize(body.p, body.left, key, a->sig,
					       &a->sig_len);
	if (code == MS_POLICY_PCR && !a->pcrs)
		return ms_policy_get_pcr(body.p, body.left, &a->pcrs, a->pcr_digest);
	return -ENOPKG;
}

int ms_pcr_approval_read(struct ms_reader *r, struct ms_pcr_approval *ret,
			 struct ms_policy_key *ret_key)
{
	struct ms_reader entry = element(r, MS_DER_SEQUENCE), wrap, steps;
	struct ms_policy_key key = {.len = 0};
	struct ms_pcr_approval a = {.pcrs = 0};
	int e = entry.err ? entry.err : read_name(&entry, &a);

	if (e < 0)
		return e;
	wrap = element(&entry, TAG_EXPLICIT(1));
	steps = element(&wrap, MS_DER_SEQUENCE);
	inherit(&entry, &wrap);
	inherit(r, &entry);
	if (r->err || steps.err)
		return -EBADMSG;
	while (e == 0 && steps.left > 0)
		e = read_step(&steps, &a, &key);
	if (e < 0)
		return e;
	if (!a.pcrs || !key.len || !a.sig_len)
		return -ENOPKG;
	*ret = a;
	*ret_key = key;
	return 0;
}

int ms_pcr_approval_parse(const uint8_t *der, size_t len, struct ms_pcr_approval *ret,
			  struct ms_policy_key *ret_key, struct ms_error *err)
{
	struct ms_reader r = MS_READER(der, len);
	struct ms_policy_key key;
	struct ms_pcr_approval a;
	int e = ms_pcr_approval_read(&r, &a, &key);

	if (e == 0)
		e = ms_reader_end(&r);
	if (e == -ENOPKG)
		return ms_error_set(err, e, "approval-foreign",
				    "the approval is none of SHA-256 PCRs by an RSA-2048 "
				    "or P-256 key: make one with modseal key "
				    "approve-pcrs");
	if (e < 0)
		return ms_error_set(err, -EBADMSG, "approval-damaged",
				    "the approval is damaged: make it again with modseal "
				    "key approve-pcrs");
	*ret = a;
	*ret_key = key;
	return 0;
}
