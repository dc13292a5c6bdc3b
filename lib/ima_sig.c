/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/ima_sig.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "lib/limits.h"

#define XATTR_DIGSIG 0x03 /* EVM_IMA_XATTR_DIGSIG */
#define VERSION 2
#define KEYID_LEN 4u

/* enum hash_algo (include/uapi/linux/hash_info.h) */
static const struct {
	uint8_t number;
	enum ms_hash hash;
} hashes[] = {
	{1, MS_HASH_MD5},	{2, MS_HASH_SHA1},	{4, MS_HASH_SHA256},
	{5, MS_HASH_SHA384},	{6, MS_HASH_SHA512},	{7, MS_HASH_SHA224},
	{17, MS_HASH_SM3},	{20, MS_HASH_SHA3_256}, {21, MS_HASH_SHA3_384},
	{22, MS_HASH_SHA3_512},
};

int ms_ima_sig_parse(const uint8_t *p, size_t len, struct ms_ima_sig *ret)
{
	struct ms_reader r = MS_READER(p, len);
	uint8_t type = ms_reader_u8(&r), version = ms_reader_u8(&r);
	uint8_t number = ms_reader_u8(&r);
	struct ms_ima_sig s = {.keyid = ms_reader_u32(&r)};

	if (ms_reader_error(&r) < 0)
		return -EBADMSG;
	if (type != XATTR_DIGSIG || version != VERSION)
		return -ENOPKG;
	s.sig_len = ms_reader_u16(&r);
	s.sig = ms_reader_get(&r, s.sig_len);
	if (ms_reader_end(&r) < 0 || s.sig_len == 0)
		return -EBADMSG;
	for (size_t i = 0; i < ARRAY_SIZE(hashes); i++) {
		if (hashes[i].number == number)
			s.hash = hashes[i].hash;
	}
	if (s.hash == MS_HASH_NONE)
		return -ENOPKG;
	*ret = s;
	return 0;
}

int ms_ima_sig_put(const struct ms_ima_sig *s, struct ms_buf *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(hashes); i++) {
		if (hashes[i].hash != s->hash)
			continue;
		if (s->sig_len > MS_SIG_MAX)
			return -EFBIG;
		ms_buf_put_u8(out, XATTR_DIGSIG);
		ms_buf_put_u8(out, VERSION);
		ms_buf_put_u8(out, hashes[i].number);
		ms_buf_put_u32(out, s->keyid);
		ms_buf_put_u16(out, (uint16_t)s->sig_len);
		ms_buf_put(out, s->sig, s->sig_len);
		return ms_buf_error(out);
	}
	return -ENOPKG;
}

static int key_bits_sha1(const struct ms_cert *c, uint8_t ret[EVP_MAX_MD_SIZE])
{
	const uint8_t *p = c->der;
	X509 *x = d2i_X509(NULL, &p, (long)c->der_len);
	unsigned int len = 0;
	int ok = x && X509_pubkey_digest(x, EVP_sha1(), ret, &len);

	X509_free(x);
	return ok && len == 20 ? 0 : -EINVAL;
}

int ms_ima_keyid(const struct ms_cert *c, uint32_t *ret)
{
	uint8_t sha1[EVP_MAX_MD_SIZE];

	if (c->ski && c->ski_len >= KEYID_LEN) {
		*ret = ms_get_be32(c->ski + c->ski_len - KEYID_LEN);
		return 0;
	}
	if (key_bits_sha1(c, sha1) < 0)
		return -EINVAL;
	*ret = ms_get_be32(sha1 + 20 - KEYID_LEN);
	return 0;
}
