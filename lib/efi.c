/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/efi.h"

#include <errno.h>

#include "lib/der.h"
#include "lib/limits.h"

#define LIST_HEAD 28u	 /* EFI_SIGNATURE_LIST without its signatures */
#define ATTRIBUTES 0x27u /* NV, BS, RT, TIME_BASED_AUTHENTICATED_WRITE_ACCESS */
#define APPEND 0x40u
#define WIN_CERT_HEAD 24u /* WIN_CERTIFICATE_UEFI_GUID without its data */
#define WIN_CERT_REVISION 0x0200u
#define WIN_CERT_TYPE_EFI_GUID 0x0ef1u

static const struct ms_guid cert_x509 = {{0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a,
					  0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0,
					  0x72}};
static const struct ms_guid cert_x509_sha256 = {{0x92, 0xa4, 0xd2, 0x3b, 0xc0, 0x96, 0x79,
						 0x40, 0xb4, 0x20, 0xfc, 0xf9, 0x8e, 0xf1,
						 0x03, 0xed}};
static const struct ms_guid cert_sha256 = {{0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92,
					    0x40, 0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93,
					    0x43, 0x28}};
static const struct ms_guid cert_pkcs7 = {{0x9d, 0xd2, 0xaf, 0x4a, 0xdf, 0x68, 0xee, 0x49,
					   0x8a, 0xa9, 0x34, 0x7d, 0x37, 0x56, 0x65,
					   0xa7}};
static const struct ms_guid global = {{0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
				       0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c}};
static const struct ms_guid image_security = {{0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96,
					       0x45, 0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67,
					       0x65, 0x6f}};

static void put_le16(struct ms_buf *b, uint32_t v)
{
	ms_buf_put_u8(b, (uint8_t)v);
	ms_buf_put_u8(b, (uint8_t)(v >> 8));
}

static void put_le32(struct ms_buf *b, size_t v)
{
	put_le16(b, (uint32_t)v);
	put_le16(b, (uint32_t)(v >> 16));
}

static uint32_t get_le32(struct ms_reader *r)
{
	uint32_t v = ms_reader_u32(r);

	return __builtin_bswap32(v);
}

static void put_guid(struct ms_buf *b, const struct ms_guid *g)
{
	ms_buf_put(b, g->b, sizeof(g->b));
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int ms_guid_parse(const char *text, struct ms_guid *ret)
{
	/* Where each octet of the text goes to. */
	static const uint8_t place[16] = {3, 2, 1,  0,	5,  4,	7,  6,
					  8, 9, 10, 11, 12, 13, 14, 15};
	struct ms_guid g;
	size_t at = 0;

	if (strnlen(text, 37) != 36)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(g.b); i++) {
		int high, low;

		if ((at == 8 || at == 13 || at == 18 || at == 23) && text[at++] != '-')
			return -EINVAL;
		high = hex_digit(text[at]);
		low = hex_digit(text[at + 1]);
		if (high < 0 || low < 0)
			return -EINVAL;
		g.b[place[i]] = (uint8_t)(high << 4 | low);
		at += 2;
	}
	*ret = g;
	return 0;
}

/* ------------------------------------------------------------ signature lists */

/* Up to the one signature's data, which has @len bytes. */
static void put_list_head(struct ms_buf *out, const struct ms_guid *type,
			  const struct ms_guid *owner, size_t len)
{
	size_t size = sizeof(owner->b) + len;

	put_guid(out, type);
	put_le32(out, LIST_HEAD + size);
	put_le32(out, 0);
	put_le32(out, size);
	put_guid(out, owner);
}

void ms_esl_put_cert(struct ms_buf *out, const struct ms_guid *owner, const uint8_t *der,
		     size_t len)
{
	put_list_head(out, &cert_x509, owner, len);
	ms_buf_put(out, der, len);
}

/* EFI_TIME in UTC; the fields that an authenticated variable needs zero are zero. */
static int put_time(struct ms_buf *out, time_t t)
{
	struct tm tm;

	if (!gmtime_r(&t, &tm) || tm.tm_year < 0 || tm.tm_year > 9999 - 1900)
		return -EINVAL;
	put_le16(out, (uint32_t)tm.tm_year + 1900);
	ms_buf_put_u8(out, (uint8_t)(tm.tm_mon + 1));
	ms_buf_put_u8(out, (uint8_t)tm.tm_mday);
	ms_buf_put_u8(out, (uint8_t)tm.tm_hour);
	ms_buf_put_u8(out, (uint8_t)tm.tm_min);
	ms_buf_put_u8(out, (uint8_t)MS_MIN(tm.tm_sec, 59));
	for (unsigned int i = 0; i < 9; i++)
		ms_buf_put_u8(out, 0);
	return 0;
}

void ms_esl_put_tbs(struct ms_buf *out, const struct ms_guid *owner,
		    const uint8_t sha256[32], time_t from)
{
	static const uint8_t always[16];

	put_list_head(out, &cert_x509_sha256, owner, 32 + sizeof(always));
	ms_buf_put(out, sha256, 32);
	if (!from || put_time(out, from) < 0)
		ms_buf_put(out, always, sizeof(always));
}

void ms_esl_put_tbs_bare(struct ms_buf *out, const struct ms_guid *owner,
			 const uint8_t sha256[32])
{
	put_list_head(out, &cert_x509_sha256, owner, 32);
	ms_buf_put(out, sha256, 32);
}

void ms_esl_put_hash(struct ms_buf *out, const struct ms_guid *owner,
		     const uint8_t sha256[32])
{
	put_list_head(out, &cert_sha256, owner, 32);
	ms_buf_put(out, sha256, 32);
}

int ms_esl_check(const uint8_t *data, size_t len, size_t *ret_n)
{
	struct ms_reader r = MS_READER(data, len);
	size_t n = 0;

	if (len == 0)
		return -ENODATA;
	while (r.left > 0) {
		uint32_t list, head, size;

		(void)ms_reader_get(&r, 16);
		list = get_le32(&r);
		head = get_le32(&r);
		size = get_le32(&r);
		if (ms_reader_error(&r) < 0 || list < LIST_HEAD ||
		    list - LIST_HEAD > r.left || head > list - LIST_HEAD || size <= 16 ||
		    (list - LIST_HEAD - head) % size != 0)
			return -EBADMSG;
		n += (list - LIST_HEAD - head) / size;
		(void)ms_reader_get(&r, list - LIST_HEAD);
	}
	if (n == 0)
		return -ENODATA;
	*ret_n = n;
	return 0;
}

/* ----------------------------------------------------- authenticated variables */

static const struct ms_guid *vendor_of(const char *variable)
{
	if (strcmp(variable, "db") == 0 || strcmp(variable, "dbx") == 0)
		return &image_security;
	if (strcmp(variable, "KEK") == 0 || strcmp(variable, "PK") == 0)
		return &global;
	return NULL;
}

int ms_efi_bundle(const struct ms_efi_update *u, struct ms_buf *out)
{
	const struct ms_guid *vendor = vendor_of(u->variable);

	if (!vendor)
		return -EINVAL;
	for (const char *p = u->variable; *p; p++)
		put_le16(out, (uint8_t)*p);
	put_guid(out, vendor);
	put_le32(out, ATTRIBUTES | (u->append ? APPEND : 0));
	if (put_time(out, u->time) < 0)
		return -EINVAL;
	ms_buf_put(out, u->data, u->len);
	return ms_buf_error(out);
}

/* AlgorithmIdentifiers; firmware looks for SHA-256 with parameters NULL. */
static const uint8_t alg_sha256[] = {0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
				     0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00};
static const uint8_t alg_rsa[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
				  0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
static const uint8_t alg_ecdsa[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
				    0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
static const uint8_t detached_data[] = {0x30, 0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48,
					0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01};

#define SIGNED_MAX (MS_CERT_MAX + 8192u)

static void put_signer(struct ms_buf *out, const struct ms_cert *cert, bool rsa,
		       const uint8_t *sig, size_t sig_len)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(SIGNED_MAX);
	const uint8_t version = 1;

	ms_der_put(&b, MS_DER_INTEGER, &version, 1);
	ms_der_put_head(&b, MS_DER_SEQUENCE, cert->issuer_len + cert->serial_len);
	ms_buf_put(&b, cert->issuer, cert->issuer_len);
	ms_buf_put(&b, cert->serial, cert->serial_len);
	ms_buf_put(&b, alg_sha256, sizeof(alg_sha256));
	if (rsa)
		ms_buf_put(&b, alg_rsa, sizeof(alg_rsa));
	else
		ms_buf_put(&b, alg_ecdsa, sizeof(alg_ecdsa));
	ms_der_put(&b, MS_DER_OCTETS, sig, sig_len);
	if (ms_buf_error(&b) < 0) {
		out->err = ms_buf_error(&b);
		return;
	}
	ms_der_put_head(out, MS_DER_SET, ms_der_size(b.len));
	ms_der_put(out, MS_DER_SEQUENCE, b.data, b.len);
}

int ms_efi_signed_data(const struct ms_cert *cert, const uint8_t *sig, size_t sig_len,
		       struct ms_buf *out)
{
	int id = cert->pkey ? EVP_PKEY_get_base_id(cert->pkey) : EVP_PKEY_NONE;
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(SIGNED_MAX);
	const uint8_t version = 1;

	if (id != EVP_PKEY_RSA && id != EVP_PKEY_EC)
		return -ENOPKG;
	ms_der_put(&b, MS_DER_INTEGER, &version, 1);
	ms_der_put(&b, MS_DER_SET, alg_sha256, sizeof(alg_sha256));
	ms_buf_put(&b, detached_data, sizeof(detached_data));
	ms_der_put(&b, MS_DER_CTX0C, cert->der, cert->der_len);
	put_signer(&b, cert, id == EVP_PKEY_RSA, sig, sig_len);
	if (ms_buf_error(&b) < 0)
		return ms_buf_error(&b);
	ms_der_put(out, MS_DER_SEQUENCE, b.data, b.len);
	return ms_buf_error(out);
}

int ms_efi_auth(const struct ms_efi_update *u, const uint8_t *signed_data, size_t len,
		struct ms_buf *out)
{
	if (put_time(out, u->time) < 0)
		return -EINVAL;
	put_le32(out, WIN_CERT_HEAD + len);
	put_le16(out, WIN_CERT_REVISION);
	put_le16(out, WIN_CERT_TYPE_EFI_GUID);
	put_guid(out, &cert_pkcs7);
	ms_buf_put(out, signed_data, len);
	ms_buf_put(out, u->data, u->len);
	return ms_buf_error(out);
}

int ms_efi_unwrap(const uint8_t *msg, size_t len, const uint8_t **ret, size_t *ret_len)
{
	struct ms_reader r = MS_READER(msg, len);
	struct ms_der outer, oid, content;

	if (ms_der_get(&r, MS_DER_SEQUENCE, &outer) < 0 || ms_reader_end(&r) < 0)
		return -EBADMSG;
	if (ms_der_next_is(&outer.body, MS_DER_INTEGER)) {
		*ret = msg;
		*ret_len = len;
		return 0;
	}
	if (ms_der_oid(&outer.body, &oid) < 0 ||
	    ms_der_get(&outer.body, MS_DER_CTX0C, &content) < 0 ||
	    ms_reader_end(&outer.body) < 0 || content.body.left == 0 ||
	    content.body.p[0] != MS_DER_SEQUENCE)
		return -EBADMSG;
	*ret = content.body.p;
	*ret_len = content.body.left;
	return 0;
}
