// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include "lib/der.h"
#include "tpm/policy.h"
#include "tpm/tss2key.h"

#define TAG_EXPLICIT(n) (MS_DER_CTX0C | (n))

static const uint8_t oid_any[] = {0x67, 0x81, 0x05, 0x0a, 0x01}; /* 2.23.133.10.1 */

/* ------------------------------------------------------------------ read */

/* What is inside the next element; it has the error if there is none of this tag. */
static struct ms_reader element(struct ms_reader *r, uint8_t tag)
{
	struct ms_der e;

	if (ms_der_get(r, tag, &e) < 0)
		return (struct ms_reader){.err = -EBADMSG};
	return e.body;
}

/* An INTEGER from 0 to 2^32 - 1. */
static uint32_t integer(struct ms_reader *r)
{
	struct ms_der e;
	uint32_t n = 0;

	if (ms_der_integer(r, &e) < 0)
		return 0;
	if (e.body.left > 5 || (e.body.p[0] & 0x80) ||
	    (e.body.left == 5 && e.body.p[0] != 0)) {
		r->err = -EBADMSG;
		return 0;
	}
	while (e.body.left > 0)
		n = n << 8 | ms_reader_u8(&e.body);
	return n;
}

static bool boolean(struct ms_reader *r)
{
	struct ms_reader v = element(r, MS_DER_BOOLEAN);
	uint8_t b = ms_reader_u8(&v);

	/* The provider tpm2 of OpenSSL writes 1 for TRUE, which DER has not. */
	if (ms_reader_end(&v) < 0 || (b > 1 && b != 0xff))
		r->err = -EBADMSG;
	return b != 0;
}

static void inherit(struct ms_reader *outer, const struct ms_reader *inner)
{
	if (ms_reader_end(inner) < 0)
		outer->err = -EBADMSG;
}

/* Whose signature counts; the signatures themselves are in authPolicy. */
static int policy_key(const struct ms_reader *body, struct ms_tpm_blob *blob)
{
	uint8_t sig[MS_PCR_APPROVAL_SIG_MAX];
	size_t sig_len;
	int r = ms_policy_get_authorize(body->p, body->left, &blob->policy_key, sig,
					&sig_len);

	return r == 0 && sig_len ? -ENOPKG : r;
}

/* Return: 0, -EBADMSG, -ENOPKG (a policy that modseal does not make) */
static int policy(struct ms_reader *steps, struct ms_tpm_blob *blob)
{
	while (steps->left > 0) {
		struct ms_reader body;
		uint32_t code;
		int r = ms_policy_get_step(steps, &code, &body);

		if (r < 0)
			return r;
		if (code == MS_POLICY_AUTHORIZE && !ms_has_policy(blob))
			r = policy_key(&body, blob);
		else if (code == MS_POLICY_PCR && !ms_has_policy(blob))
			r = ms_policy_get_pcr(body.p, body.left, &blob->pcrs,
					      blob->pcr_digest);
		else if (code == MS_POLICY_AUTH_VALUE && !blob->has_pin && body.left == 0)
			blob->has_pin = true;
		else
			r = -ENOPKG;
		if (r < 0)
			return r;
	}
	return 0;
}

/* Whether they are signed by the right key is a question for later: a TPM's too. */
static int approvals(struct ms_reader *entries, struct ms_tpm_blob *blob)
{
	struct ms_policy_key key;

	while (entries->left > 0) {
		struct ms_pcr_approval *a = &blob->approvals[blob->n_approvals];
		int r = blob->n_approvals < MS_PCR_APPROVALS_MAX
				? ms_pcr_approval_read(entries, a, &key)
				: -ENOPKG;

		if (r == 0 && !ms_policy_key_same(&key, &blob->policy_key))
			r = -ENOPKG;
		if (r < 0)
			return r;
		blob->n_approvals++;
	}
	return 0;
}

static size_t octets(struct ms_reader *r, uint8_t *dst, size_t max)
{
	struct ms_reader v = element(r, MS_DER_OCTETS);
	size_t len = v.left;

	if (v.err || len == 0 || len > max) {
		r->err = -EBADMSG;
		return 0;
	}
	memcpy(dst, v.p, len);
	return len;
}

static int damaged(struct ms_error *err)
{
	return ms_error_set(err, -EBADMSG, "key-file-damaged",
			    "the key file's " MS_TSS2KEY_LABEL
			    " is damaged: restore the file from its backup");
}

static int foreign(struct ms_error *err, const char *what)
{
	return ms_error_set(err, -ENOPKG, "key-file-foreign",
			    "the key file has %s: it was not made by modseal; create a "
			    "key with modseal key create",
			    what);
}

static int check_type(const struct ms_reader *oid, enum ms_tss2key_type want,
		      struct ms_error *err)
{
	if (oid->err || oid->left == 0)
		return damaged(err);
	if (oid->left != sizeof(oid_any) + 1 ||
	    memcmp(oid->p, oid_any, sizeof(oid_any)) != 0)
		return foreign(err, "an unknown type of key");
	if (oid->p[sizeof(oid_any)] == want)
		return 0;
	return foreign(err, want == MS_TSS2KEY_SEALED
				    ? "a TPM key of another type than sealed"
				    : "a TPM key that cannot be loaded");
}

int ms_tss2key_parse(const uint8_t *der, size_t len, enum ms_tss2key_type want,
		     struct ms_tpm_blob *ret, struct ms_error *err)
{
	struct ms_tpm_blob blob = {0};
	struct ms_reader r = MS_READER(der, len), key, wrap, oid;
	bool empty_auth = false;
	int e;

	key = element(&r, MS_DER_SEQUENCE);
	if (ms_reader_end(&r) < 0)
		return damaged(err);
	oid = element(&key, MS_DER_OID);
	e = check_type(&oid, want, err);
	if (e < 0)
		return e;
	if (ms_der_next_is(&key, TAG_EXPLICIT(0))) {
		wrap = element(&key, TAG_EXPLICIT(0));
		empty_auth = boolean(&wrap);
		inherit(&key, &wrap);
	}
	if (ms_der_next_is(&key, TAG_EXPLICIT(1))) {
		struct ms_reader steps;

		wrap = element(&key, TAG_EXPLICIT(1));
		steps = element(&wrap, MS_DER_SEQUENCE);
		inherit(&key, &wrap);
		e = steps.err || steps.left == 0 ? -EBADMSG : policy(&steps, &blob);
		if (e == -ENOPKG)
			return foreign(err, "a policy that is not one of modseal's");
		if (e < 0)
			return damaged(err);
	}
	if (ms_der_next_is(&key, TAG_EXPLICIT(3)) && blob.policy_key.len) {
		struct ms_reader entries;

		wrap = element(&key, TAG_EXPLICIT(3));
		entries = element(&wrap, MS_DER_SEQUENCE);
		inherit(&key, &wrap);
		e = entries.err ? -EBADMSG : approvals(&entries, &blob);
		if (e == -ENOPKG)
			return foreign(err, "approvals that are not modseal's");
		if (e < 0)
			return damaged(err);
	}
	if (!key.err && key.left > 0 && (key.p[0] & 0xe0) == MS_DER_CTX0C)
		return foreign(err, "fields that modseal does not use");
	blob.parent = integer(&key);
	blob.pub_len = octets(&key, blob.pub, sizeof(blob.pub));
	blob.priv_len = octets(&key, blob.priv, sizeof(blob.priv));
	if (ms_reader_end(&key) < 0)
		return damaged(err);
	if (blob.parent != MS_TPM_PARENT_SRK && blob.parent != MS_TPM_PARENT_OWNER)
		return foreign(err, "another parent than the storage root key");
	/* tpm2_encodeobject denies it whatever the key's authorisation is. */
	blob.pin_alone = !empty_auth && !ms_has_policy(&blob);
	if (empty_auth == blob.has_pin && (empty_auth || want == MS_TSS2KEY_SEALED))
		return damaged(err);
	*ret = blob;
	return 0;
}

/* ----------------------------------------------------------------- write */

static void put_integer(struct ms_buf *b, uint32_t v)
{
	uint8_t bytes[5] = {0};
	size_t skip = 0;

	ms_put_be32(bytes + 1, v);
	while (skip < 4 && bytes[skip] == 0 && !(bytes[skip + 1] & 0x80))
		skip++;
	ms_der_put(b, MS_DER_INTEGER, bytes + skip, sizeof(bytes) - skip);
}

static void put_policy(struct ms_buf *b, const struct ms_tpm_blob *blob)
{
	_cleanup_buf_ struct ms_buf body = MS_BUF_INIT(MS_PCR_APPROVAL_MAX);
	size_t from = b->len;

	if (blob->policy_key.len)
		ms_policy_put_authorize(&body, &blob->policy_key, NULL, 0);
	else if (blob->pcrs)
		ms_policy_put_pcr(&body, blob->pcrs, blob->pcr_digest);
	if (blob->policy_key.len || blob->pcrs)
		ms_policy_put_step(
			b, blob->policy_key.len ? MS_POLICY_AUTHORIZE : MS_POLICY_PCR,
			&body);
	if (blob->has_pin)
		ms_policy_put_step(b, MS_POLICY_AUTH_VALUE, &(struct ms_buf){0});
	ms_policy_wrap(b, from, MS_DER_SEQUENCE);
	ms_policy_wrap(b, from, TAG_EXPLICIT(1));
}

static void put_approvals(struct ms_buf *b, const struct ms_tpm_blob *blob)
{
	size_t from = b->len;
	int r = 0;

	for (size_t i = 0; r == 0 && i < blob->n_approvals; i++)
		r = ms_pcr_approval_write(&blob->approvals[i], &blob->policy_key, b);
	if (r < 0 && !b->err)
		b->err = r;
	ms_policy_wrap(b, from, MS_DER_SEQUENCE);
	ms_policy_wrap(b, from, TAG_EXPLICIT(3));
}

int ms_tss2key_write(const struct ms_tpm_blob *blob, enum ms_tss2key_type type,
		     struct ms_buf *out)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_KEY_FILE_MAX);
	const uint8_t empty_auth = blob->has_pin ? 0 : 0xff;
	uint8_t oid[sizeof(oid_any) + 1];
	size_t from;

	memcpy(oid, oid_any, sizeof(oid_any));
	oid[sizeof(oid_any)] = (uint8_t)type;
	ms_der_put(&b, MS_DER_OID, oid, sizeof(oid));
	from = b.len;
	ms_der_put(&b, MS_DER_BOOLEAN, &empty_auth, 1);
	ms_policy_wrap(&b, from, TAG_EXPLICIT(0));
	/* Others refuse a key with a policy, so there is none where it would be empty. */
	if (ms_has_policy(blob))
		put_policy(&b, blob);
	if (blob->n_approvals)
		put_approvals(&b, blob);
	put_integer(&b, blob->parent);
	ms_der_put(&b, MS_DER_OCTETS, blob->pub, blob->pub_len);
	ms_der_put(&b, MS_DER_OCTETS, blob->priv, blob->priv_len);
	ms_policy_wrap(&b, 0, MS_DER_SEQUENCE);
	if (ms_buf_error(&b) < 0)
		return ms_buf_error(&b);
	ms_buf_put(out, b.data, b.len);
	return ms_buf_error(out);
}
