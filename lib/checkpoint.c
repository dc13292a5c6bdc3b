/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/checkpoint.h"

#include <ctype.h>
#include <errno.h>

#include "lib/hash.h"
#include "lib/secmem.h"

#define ALG_ED25519 0x01 /* signed-note's number */
#define PUB_LEN 32u
#define SIG_LEN 64u
#define ID_LEN 4u
#define COUNTER_LINE "modseal-nv-counter "
#define SIG_PREFIX "\xe2\x80\x94 " /* em dash and space */

static bool name_valid(const char *name, size_t len)
{
	if (len == 0 || len >= MS_ORIGIN_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isgraph((unsigned char)name[i]) || name[i] == '+')
			return false;
	return true;
}

static void put_base64(struct ms_buf *out, const uint8_t *p, size_t n)
{
	unsigned char text[4 * ((ID_LEN + SIG_LEN + 2) / 3) + 4];

	ms_buf_put(out, text, (size_t)EVP_EncodeBlock(text, p, (int)n));
}

/* Strict: the one way to write exactly @n bytes, with padding and nothing else. */
static int get_base64(const char *p, size_t len, uint8_t *ret, size_t n)
{
	uint8_t raw[3 * 96 / 4 + 3];
	unsigned char again[96 + 1];

	if (len != 4 * ((n + 2) / 3) || len > 96)
		return -EBADMSG;
	if (EVP_DecodeBlock(raw, (const unsigned char *)p, (int)len) < 0)
		return -EBADMSG;
	(void)EVP_EncodeBlock(again, raw, (int)n);
	if (memcmp(again, p, len) != 0)
		return -EBADMSG;
	memcpy(ret, raw, n);
	return 0;
}

/* Key id of signed-note: SHA-256(name || 0x0A || algorithm || public key), four bytes. */
static int key_id(const char *name, EVP_PKEY *key, uint8_t ret[ID_LEN], uint8_t *ret_pub)
{
	uint8_t text[MS_ORIGIN_MAX + 2 + PUB_LEN], hash[32];
	size_t n = strlen(name), pub_len = PUB_LEN;

	memcpy(text, name, n);
	text[n++] = '\n';
	text[n++] = ALG_ED25519;
	if (EVP_PKEY_get_raw_public_key(key, text + n, &pub_len) != 1 ||
	    pub_len != PUB_LEN)
		return -EINVAL;
	if (ms_digest(MS_HASH_SHA256, text, n + PUB_LEN, hash) < 0)
		return -EIO;
	memcpy(ret, hash, ID_LEN);
	if (ret_pub)
		memcpy(ret_pub, text + n, PUB_LEN);
	return 0;
}

/* ---------------------------------------------------------------------- writing */

int ms_checkpoint_text(const struct ms_checkpoint *c, struct ms_buf *out)
{
	if (!name_valid(c->origin, strnlen(c->origin, MS_ORIGIN_MAX)))
		return -EINVAL;
	ms_buf_printf(out, "%s\n%llu\n", c->origin, (unsigned long long)c->size);
	put_base64(out, c->root, sizeof(c->root));
	ms_buf_printf(out, "\n");
	if (c->has_counter)
		ms_buf_printf(out, COUNTER_LINE "%llu\n", (unsigned long long)c->counter);
	return ms_buf_error(out);
}

static int sign(EVP_PKEY *key, const uint8_t *p, size_t n, uint8_t ret[SIG_LEN])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = SIG_LEN;
	int ok;

	ok = ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
	     EVP_DigestSign(ctx, ret, &len, p, n) == 1 && len == SIG_LEN;
	EVP_MD_CTX_free(ctx);
	return ok ? 0 : -EIO;
}

int ms_checkpoint_sign(const struct ms_checkpoint *c, EVP_PKEY *key, struct ms_buf *out)
{
	_cleanup_buf_ struct ms_buf text = MS_BUF_INIT(MS_CHECKPOINT_MAX);
	uint8_t line[ID_LEN + SIG_LEN];
	int r;

	r = ms_checkpoint_text(c, &text);
	if (r == 0)
		r = key_id(c->origin, key, line, NULL);
	if (r == 0)
		r = sign(key, text.data, text.len, line + ID_LEN);
	if (r < 0)
		return r;
	ms_buf_put(out, text.data, text.len);
	ms_buf_printf(out, "\n" SIG_PREFIX "%s ", c->origin);
	put_base64(out, line, sizeof(line));
	ms_buf_printf(out, "\n");
	return ms_buf_error(out);
}

/* ---------------------------------------------------------------------- reading */

struct line {
	const char *p;
	size_t len;
};

/* The next line without its newline, which must be there. */
static bool next_line(const char **p, const char *end, struct line *ret)
{
	const char *nl = *p < end ? memchr(*p, '\n', (size_t)(end - *p)) : NULL;

	if (!nl)
		return false;
	*ret = (struct line){.p = *p, .len = (size_t)(nl - *p)};
	*p = nl + 1;
	return true;
}

static int get_number(const char *p, size_t len, uint64_t *ret)
{
	uint64_t v = 0;

	if (len == 0 || (len > 1 && p[0] == '0'))
		return -EBADMSG;
	for (size_t i = 0; i < len; i++) {
		if (!isdigit((unsigned char)p[i]) || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(p[i] - '0'), &v))
			return -EBADMSG;
	}
	*ret = v;
	return 0;
}

static int parse_extension(const struct line *l, struct ms_checkpoint *c)
{
	size_t n = strlen(COUNTER_LINE);

	if (l->len < n || memcmp(l->p, COUNTER_LINE, n) != 0)
		return 0;
	if (c->has_counter)
		return -EBADMSG;
	c->has_counter = true;
	return get_number(l->p + n, l->len - n, &c->counter);
}

int ms_checkpoint_parse(const char *text, size_t len, struct ms_checkpoint *ret,
			size_t *ret_signed)
{
	struct ms_checkpoint c = {0};
	const char *p = text, *end = text + len;
	struct line l;

	if (len > MS_CHECKPOINT_MAX || memchr(text, '\0', len))
		return -EBADMSG;
	if (!next_line(&p, end, &l) || !name_valid(l.p, l.len))
		return -EBADMSG;
	memcpy(c.origin, l.p, l.len);
	if (!next_line(&p, end, &l) || get_number(l.p, l.len, &c.size) < 0)
		return -EBADMSG;
	if (!next_line(&p, end, &l) || get_base64(l.p, l.len, c.root, sizeof(c.root)) < 0)
		return -EBADMSG;
	for (;;) {
		const char *start = p;

		if (!next_line(&p, end, &l))
			return -EBADMSG;
		if (l.len == 0) {
			*ret_signed = (size_t)(start - text);
			*ret = c;
			return 0;
		}
		if (parse_extension(&l, &c) < 0)
			return -EBADMSG;
	}
}

static int check(EVP_PKEY *key, const char *p, size_t n, const uint8_t sig[SIG_LEN])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int r = -EIO;

	if (ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1)
		r = EVP_DigestVerify(ctx, sig, SIG_LEN, (const uint8_t *)p, n) == 1
			    ? 0
			    : -EKEYREJECTED;
	EVP_MD_CTX_free(ctx);
	return r;
}

/* Key id and signature of a signature line by @name, if it is one. */
static bool signature_of(const struct line *l, const char *name, uint8_t *ret)
{
	size_t prefix = strlen(SIG_PREFIX), n = strlen(name);

	return l->len > prefix + n + 1 && memcmp(l->p, SIG_PREFIX, prefix) == 0 &&
	       memcmp(l->p + prefix, name, n) == 0 && l->p[prefix + n] == ' ' &&
	       get_base64(l->p + prefix + n + 1, l->len - prefix - n - 1, ret,
			  ID_LEN + SIG_LEN) == 0;
}

int ms_checkpoint_verify(const char *text, size_t len, EVP_PKEY *key,
			 struct ms_checkpoint *ret)
{
	uint8_t id[ID_LEN], got[ID_LEN + SIG_LEN];
	struct ms_checkpoint c;
	const char *p, *end = text + len;
	size_t covered;
	struct line l;
	int r;

	r = ms_checkpoint_parse(text, len, &c, &covered);
	if (r == 0)
		r = key_id(c.origin, key, id, NULL);
	if (r < 0)
		return r;
	for (p = text + covered + 1; next_line(&p, end, &l);) {
		if (!signature_of(&l, c.origin, got) || !ms_equal(got, id, ID_LEN))
			continue;
		r = check(key, text, covered, got + ID_LEN);
		if (r == 0)
			*ret = c;
		return r;
	}
	return -ENOKEY;
}

/* ------------------------------------------------------------------------- vkey */

int ms_note_vkey(const char *name, EVP_PKEY *key, struct ms_buf *out)
{
	uint8_t id[ID_LEN], raw[1 + PUB_LEN] = {ALG_ED25519};
	char hex[2 * ID_LEN + 1];
	int r;

	if (!name_valid(name, strlen(name)))
		return -EINVAL;
	r = key_id(name, key, id, raw + 1);
	if (r < 0)
		return r;
	ms_buf_printf(out, "%s+%s+", name, ms_hex(id, sizeof(id), hex));
	put_base64(out, raw, sizeof(raw));
	return ms_buf_error(out);
}

int ms_note_vkey_parse(const char *text, size_t len, char *ret_name, EVP_PKEY **ret)
{
	const char *plus = memchr(text, '+', len), *plus2;
	uint8_t raw[1 + PUB_LEN], id[ID_LEN];
	char name[MS_ORIGIN_MAX] = "", hex[2 * ID_LEN + 1];
	EVP_PKEY *key;

	if (!plus || !name_valid(text, (size_t)(plus - text)))
		return -EBADMSG;
	memcpy(name, text, (size_t)(plus - text));
	plus2 = memchr(plus + 1, '+', len - (size_t)(plus + 1 - text));
	if (!plus2 || plus2 - plus - 1 != 2 * ID_LEN ||
	    get_base64(plus2 + 1, len - (size_t)(plus2 + 1 - text), raw, sizeof(raw)) <
		    0 ||
	    raw[0] != ALG_ED25519)
		return -EBADMSG;
	key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, raw + 1, PUB_LEN);
	if (!key)
		return -EBADMSG;
	if (key_id(name, key, id, NULL) < 0 ||
	    memcmp(ms_hex(id, sizeof(id), hex), plus + 1, 2 * ID_LEN) != 0) {
		EVP_PKEY_free(key);
		return -EBADMSG;
	}
	memcpy(ret_name, name, sizeof(name));
	*ret = key;
	return 0;
}
