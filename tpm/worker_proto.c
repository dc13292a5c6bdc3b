// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include "tpm/worker_proto.h"

static void put_blob(struct ms_buf *b, const struct ms_tpm_blob *blob)
{
	ms_buf_put_u32(b, blob->parent);
	ms_buf_put_u32(b, blob->pcrs);
	ms_buf_put_u8(b, blob->has_pin);
	ms_buf_put_u8(b, blob->pin_alone);
	ms_buf_put(b, blob->pcr_digest, sizeof(blob->pcr_digest));
	ms_buf_put_bytes(b, blob->pub, blob->pub_len);
	ms_buf_put_bytes(b, blob->priv, blob->priv_len);
	ms_buf_put_bytes(b, blob->name, blob->name_len);
	ms_buf_put_bytes(b, blob->srk_name, blob->srk_name_len);
	ms_buf_put_bytes(b, blob->policy_key.pub, blob->policy_key.len);
	ms_buf_put_u8(b, (uint8_t)blob->n_approvals);
	for (size_t i = 0; i < blob->n_approvals; i++) {
		const struct ms_pcr_approval *a = &blob->approvals[i];

		ms_buf_put_str(b, a->name);
		ms_buf_put_u32(b, a->pcrs);
		ms_buf_put(b, a->pcr_digest, sizeof(a->pcr_digest));
		ms_buf_put_bytes(b, a->sig, a->sig_len);
	}
	ms_buf_put_u8(b, blob->birth.known);
	ms_buf_put(b, blob->birth.chip, sizeof(blob->birth.chip));
	ms_buf_put(b, blob->birth.owner, sizeof(blob->birth.owner));
	ms_buf_put_bytes(b, blob->creation, blob->creation_len);
}

static bool get_bool(struct ms_reader *r)
{
	uint8_t v = ms_reader_u8(r);

	if (v > 1)
		r->err = -EBADMSG;
	return v == 1;
}

static void get_fixed(struct ms_reader *r, uint8_t *dst, size_t n)
{
	const uint8_t *p = ms_reader_get(r, n);

	if (p)
		memcpy(dst, p, n);
}

static size_t get_bytes(struct ms_reader *r, uint8_t *dst, size_t max)
{
	size_t len = 0;
	const uint8_t *p = ms_reader_bytes(r, max, &len);

	if (!p || ms_reader_error(r) < 0)
		return 0;
	memcpy(dst, p, len);
	return len;
}

static void get_blob(struct ms_reader *r, struct ms_tpm_blob *blob)
{
	blob->parent = ms_reader_u32(r);
	blob->pcrs = ms_reader_u32(r);
	blob->has_pin = get_bool(r);
	blob->pin_alone = get_bool(r);
	get_fixed(r, blob->pcr_digest, sizeof(blob->pcr_digest));
	blob->pub_len = get_bytes(r, blob->pub, sizeof(blob->pub));
	blob->priv_len = get_bytes(r, blob->priv, sizeof(blob->priv));
	blob->name_len = get_bytes(r, blob->name, sizeof(blob->name));
	blob->srk_name_len = get_bytes(r, blob->srk_name, sizeof(blob->srk_name));
	blob->policy_key.len =
		get_bytes(r, blob->policy_key.pub, sizeof(blob->policy_key.pub));
	blob->n_approvals = ms_reader_u8(r);
	if (blob->n_approvals > MS_PCR_APPROVALS_MAX) {
		blob->n_approvals = 0;
		r->err = -EBADMSG;
	}
	for (size_t i = 0; i < blob->n_approvals; i++) {
		struct ms_pcr_approval *a = &blob->approvals[i];

		ms_reader_str(r, a->name, sizeof(a->name));
		a->pcrs = ms_reader_u32(r);
		get_fixed(r, a->pcr_digest, sizeof(a->pcr_digest));
		a->sig_len = get_bytes(r, a->sig, sizeof(a->sig));
	}
	blob->birth.known = get_bool(r);
	get_fixed(r, blob->birth.chip, sizeof(blob->birth.chip));
	get_fixed(r, blob->birth.owner, sizeof(blob->birth.owner));
	blob->creation_len = get_bytes(r, blob->creation, sizeof(blob->creation));
}

static bool has_pin_field(uint8_t op)
{
	return op != MS_TPMW_INFO && op != MS_TPMW_COUNTER && op != MS_TPMW_PCRS;
}

/* What has a blob and data in its request. */
static bool has_data(uint8_t op)
{
	return op >= MS_TPMW_ATTEST && op <= MS_TPMW_IMPORT;
}

int ms_tpmw_put_request(struct ms_buf *b, const struct ms_tpmw_request *q)
{
	ms_buf_put_u8(b, q->op);
	if (q->op == MS_TPMW_SEAL) {
		ms_buf_put(b, q->secret, sizeof(q->secret));
		put_blob(b, &q->blob);
		ms_buf_put_u8(b, q->foretold);
	}
	if (q->op == MS_TPMW_PCRS)
		ms_buf_put_u32(b, q->pcrs);
	if (q->op == MS_TPMW_UNSEAL || q->op == MS_TPMW_SIGN)
		put_blob(b, &q->blob);
	if (q->op == MS_TPMW_COUNTER) {
		ms_buf_put_u32(b, q->index);
		ms_buf_put_u8(b, q->increment);
	}
	if (q->op == MS_TPMW_SIGN) {
		ms_buf_put_u8(b, q->hash);
		ms_buf_put_bytes(b, q->digest, q->digest_len);
	}
	if (q->op == MS_TPMW_CREATE) {
		ms_buf_put_u8(b, q->alg);
		ms_buf_put_u8(b, q->raw);
		put_blob(b, &q->blob);
	}
	if (has_data(q->op)) {
		put_blob(b, &q->blob);
		ms_buf_put_bytes(b, q->data, q->data_len);
	}
	if (has_pin_field(q->op)) {
		ms_buf_put_u8(b, q->has_pin);
		ms_buf_put_str(b, q->has_pin ? q->pin : "");
	}
	return ms_buf_error(b);
}

int ms_tpmw_get_request(const uint8_t *p, size_t len, struct ms_tpmw_request *ret)
{
	struct ms_reader r = MS_READER(p, len);
	uint8_t op = ms_reader_u8(&r);

	if (op < MS_TPMW_INFO || op > MS_TPMW_LAST)
		return -EBADMSG;
	memset(ret, 0, sizeof(*ret));
	ret->op = op;
	if (op == MS_TPMW_SEAL) {
		get_fixed(&r, ret->secret, sizeof(ret->secret));
		get_blob(&r, &ret->blob);
		ret->foretold = get_bool(&r);
	}
	if (op == MS_TPMW_PCRS)
		ret->pcrs = ms_reader_u32(&r);
	if (op == MS_TPMW_UNSEAL || op == MS_TPMW_SIGN)
		get_blob(&r, &ret->blob);
	if (op == MS_TPMW_COUNTER) {
		ret->index = ms_reader_u32(&r);
		ret->increment = get_bool(&r);
	}
	if (op == MS_TPMW_SIGN) {
		ret->hash = ms_reader_u8(&r);
		ret->digest_len = get_bytes(&r, ret->digest, sizeof(ret->digest));
	}
	if (op == MS_TPMW_CREATE) {
		ret->alg = ms_reader_u8(&r);
		ret->raw = get_bool(&r);
		get_blob(&r, &ret->blob);
	}
	if (has_data(op)) {
		get_blob(&r, &ret->blob);
		ret->data_len = get_bytes(&r, ret->data, sizeof(ret->data));
	}
	if (has_pin_field(op)) {
		ret->has_pin = get_bool(&r);
		ms_reader_str(&r, ret->pin, sizeof(ret->pin));
		if (!ret->has_pin && *ret->pin)
			return -EBADMSG;
	}
	return ms_reader_end(&r);
}

static void put_info(struct ms_buf *b, const struct ms_tpm_info *i)
{
	ms_buf_put_str(b, i->manufacturer);
	ms_buf_put_str(b, i->vendor);
	ms_buf_put_str(b, i->firmware);
	ms_buf_put_u32(b, i->lockout_counter);
	ms_buf_put_u32(b, i->lockout_max);
	ms_buf_put_u32(b, i->lockout_recovery_s);
	ms_buf_put_u8(b, i->in_lockout);
	ms_buf_put_u8(b, i->srk_persistent);
}

static void get_info(struct ms_reader *r, struct ms_tpm_info *i)
{
	ms_reader_str(r, i->manufacturer, sizeof(i->manufacturer));
	ms_reader_str(r, i->vendor, sizeof(i->vendor));
	ms_reader_str(r, i->firmware, sizeof(i->firmware));
	i->lockout_counter = ms_reader_u32(r);
	i->lockout_max = ms_reader_u32(r);
	i->lockout_recovery_s = ms_reader_u32(r);
	i->in_lockout = get_bool(r);
	i->srk_persistent = get_bool(r);
}

/* What has 32 bytes of secret for its answer. */
static bool is_secret(uint8_t op)
{
	return op == MS_TPMW_UNSEAL || op == MS_TPMW_ACTIVATE || op == MS_TPMW_IMPORT;
}

int ms_tpmw_put_answer(struct ms_buf *b, const struct ms_tpmw_answer *a)
{
	ms_buf_put_u8(b, a->op);
	ms_buf_put_u32(b, (uint32_t)-a->rc);
	ms_buf_put_str(b, a->err.code);
	ms_buf_put_str(b, a->err.msg);
	if (a->rc == 0 && a->op == MS_TPMW_INFO)
		put_info(b, &a->info);
	if (a->rc == 0 && (a->op == MS_TPMW_SEAL || a->op == MS_TPMW_CREATE))
		put_blob(b, &a->blob);
	if (a->rc == 0 && is_secret(a->op))
		ms_buf_put(b, a->secret, sizeof(a->secret));
	if (a->rc == 0 && a->op == MS_TPMW_COUNTER)
		ms_buf_put_u64(b, a->counter);
	if (a->rc == 0 && a->op == MS_TPMW_SIGN)
		ms_buf_put_bytes(b, a->sig, a->sig_len);
	if (a->rc == 0 && a->op == MS_TPMW_PCRS)
		ms_buf_put_bytes(b, a->pcrs, a->pcrs_len);
	if (a->rc == 0 && (a->op == MS_TPMW_ATTEST || a->op == MS_TPMW_IDENTITY))
		ms_buf_put_bytes(b, a->data, a->data_len);
	return ms_buf_error(b);
}

int ms_tpmw_get_answer(const uint8_t *p, size_t len, struct ms_tpmw_answer *ret)
{
	struct ms_reader r = MS_READER(p, len);
	uint8_t op = ms_reader_u8(&r);
	uint32_t e = ms_reader_u32(&r);

	if (op < MS_TPMW_INFO || op > MS_TPMW_LAST || e > 4095)
		return -EBADMSG;
	memset(ret, 0, sizeof(*ret));
	ret->op = op;
	ret->rc = -(int)e;
	ms_reader_str(&r, ret->err.code, sizeof(ret->err.code));
	ms_reader_str(&r, ret->err.msg, sizeof(ret->err.msg));
	if (e == 0 && op == MS_TPMW_INFO)
		get_info(&r, &ret->info);
	if (e == 0 && (op == MS_TPMW_SEAL || op == MS_TPMW_CREATE))
		get_blob(&r, &ret->blob);
	if (e == 0 && is_secret(op))
		get_fixed(&r, ret->secret, sizeof(ret->secret));
	if (e == 0 && op == MS_TPMW_COUNTER)
		ret->counter = ms_reader_u64(&r);
	if (e == 0 && op == MS_TPMW_SIGN)
		ret->sig_len = get_bytes(&r, ret->sig, sizeof(ret->sig));
	if (e == 0 && op == MS_TPMW_PCRS)
		ret->pcrs_len = get_bytes(&r, ret->pcrs, sizeof(ret->pcrs));
	if (e == 0 && (op == MS_TPMW_ATTEST || op == MS_TPMW_IDENTITY))
		ret->data_len = get_bytes(&r, ret->data, sizeof(ret->data));
	return ms_reader_end(&r);
}
