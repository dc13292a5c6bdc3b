/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/signable.h"

#include <errno.h>
#include <string.h>

#include "lib/fsverity.h"

#define AT_E_TYPE 16u /* in an ELF header of either class */
#define ET_REL 1u

/* elf_validity_check(): magic and e_type, in the byte order of the machine. Nothing in
 * the file says for which machine the kernel reads it. */
static bool is_module(const uint8_t *p, size_t len)
{
	return len >= AT_E_TYPE + 2 && memcmp(p, "\177ELF", 4) == 0 &&
	       ((p[AT_E_TYPE] == ET_REL && p[AT_E_TYPE + 1] == 0) ||
		(p[AT_E_TYPE] == 0 && p[AT_E_TYPE + 1] == ET_REL));
}

/**
 * struct ber - a header, however its tag and length are written: who reads certificates
 * is seldom strict about that
 * @head: its size; @len: of what follows; @open: until an end mark
 */
struct ber {
	unsigned int tag;
	size_t head, len;
	bool open;
};

/* Return: 0; -EBADMSG: nobody could read it. */
static int ber_read(const uint8_t *p, size_t len, struct ber *ret)
{
	struct ber b = {.tag = len ? p[0] : 0, .head = 1};
	size_t n;

	/* SEQUENCE and SET in the long form are still what they are. */
	if ((b.tag & 0x1f) == 0x1f) {
		while (b.head < len && p[b.head] == 0x80)
			b.head++;
		if (b.head >= len || p[b.head] > 0x1f)
			return -EBADMSG;
		b.tag = (b.tag & 0xe0) | p[b.head++];
	}
	if (b.head >= len)
		return -EBADMSG;
	b.len = p[b.head++];
	b.open = b.len == 0x80;
	if (b.len <= 0x80) {
		*ret = b;
		return 0;
	}
	n = b.len & 0x7f;
	if (n > len - b.head)
		return -EBADMSG;
	b.len = 0;
	for (size_t i = 0; i < n; i++) {
		if (b.len >> 56)
			return -EBADMSG;
		b.len = b.len << 8 | p[b.head++];
	}
	*ret = b;
	return 0;
}

/* Is it one element, and nothing after it? That is what is hashed of these. */
static bool is_element(const uint8_t *p, size_t len, unsigned int tag, struct ber *ret)
{
	return ber_read(p, len, ret) == 0 && ret->tag == tag &&
	       (ret->open || ret->len == len - ret->head);
}

/*
 * Signed attributes (RFC 5652, 5.4) are hashed as a SET of their own. A CMS message can
 * be made of their signature, for content that never was here.
 */
static bool is_attributes(const uint8_t *p, size_t len)
{
	struct ber b;

	return is_element(p, len, 0x31, &b);
}

/*
 * TBSCertificate, TBSCertList (RFC 5280), CertificationRequestInfo, ResponseData (RFC
 * 6960): a SEQUENCE. So are a certificate, a public key and a CMS message, which are
 * recognised, and anything else is not signed.
 */
static bool is_to_be_signed(const uint8_t *p, size_t len)
{
	struct ber b, in, alg;

	if (!is_element(p, len, 0x30, &b))
		return false;
	p += b.head;
	len -= b.head;
	if (ber_read(p, len, &in) < 0 || in.open || in.len > len - in.head)
		return true;
	if (in.tag == 0x06)
		return false; /* ContentInfo */
	if (in.tag != 0x30 || ber_read(p + in.head, in.len, &alg) < 0)
		return true;
	if (alg.tag != 0x06)
		return false; /* Certificate, and others whose first member is whole */
	p += in.head + in.len;
	len -= in.head + in.len;
	/* AlgorithmIdentifier: of a public key, when a BIT STRING follows */
	return ber_read(p, len, &alg) < 0 || alg.tag != 0x03;
}

/*
 * What Authenticode signs when there are no attributes: the members of
 * SpcIndirectDataContent, the first of which begins with an OID of Microsoft's.
 */
static bool is_authenticode(const uint8_t *p, size_t len)
{
	static const uint8_t spc[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37};
	struct ber b, oid;

	if (ber_read(p, len, &b) < 0 || b.tag != 0x30 ||
	    ber_read(p + b.head, len - b.head, &oid) < 0 || oid.tag != 0x06)
		return false;
	return len - b.head - oid.head >= sizeof(spc) &&
	       memcmp(p + b.head + oid.head, spc, sizeof(spc)) == 0;
}

/*
 * struct ima_file_id (security/integrity/ima/ima_appraise.c): the kind of digest, its
 * hash, the digest. IMA's signatures of version 3 are of it, for a file that is
 * elsewhere.
 */
static bool is_file_id(const uint8_t *p, size_t len)
{
	static const size_t digests[] = {16, 20, 24, 28, 32, 40, 48, 64};

	if (len < 2 || (p[0] != 3 && p[0] != 6))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(digests); i++) {
		if (len - 2 == digests[i])
			return true;
	}
	return false;
}

/* Name, vendor, attributes, time, data (lib/efi.h): the vendor's GUID shows it. */
static bool is_variable(const uint8_t *p, size_t len)
{
	static const uint8_t database[] = {0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d,
					   0x96, 0x45, 0xa3, 0xbc, 0xda, 0xd0,
					   0x0e, 0x67, 0x65, 0x6f};
	static const uint8_t global[] = {0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
					 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c};
	size_t n = MS_MIN(len, (size_t)64);

	return memmem(p, n, database, sizeof(database)) ||
	       memmem(p, n, global, sizeof(global));
}

/*
 * The manifest of a build and the list of what is revoked are JSON, and their readers
 * look at nothing but the members. A letter may be written \u0061 in a member's name.
 */
static bool is_document(const uint8_t *p, size_t len)
{
	static const char *const signs[] = {"\"entries\"", "\"modules\"", "\\u006",
					    "\\u007"};

	while (len > 0 && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')) {
		p++;
		len--;
	}
	if (len == 0 || *p != '{')
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(signs); i++) {
		if (memmem(p, len, signs[i], strlen(signs[i])))
			return true;
	}
	return false;
}

int ms_signable_file(const uint8_t *p, size_t len, struct ms_error *err)
{
	const char *what = NULL;

	if (is_module(p, len))
		return ms_error_set(
			err, -EINVAL, "is-a-module",
			"it is an ELF object that the kernel could load: sign it as a "
			"module, without a type");
	if (is_attributes(p, len))
		what = "signed attributes of a message";
	else if (is_to_be_signed(p, len) || is_authenticode(p, len))
		what = "the inside of a certificate, of a request for one, of a "
		       "revocation list or of an Authenticode signature";
	else if (is_variable(p, len))
		what = "an update of the firmware's variables";
	else if (len <= MS_FSVERITY_FORMATTED_MAX && len >= MS_FSVERITY_MAGIC_LEN &&
		 memcmp(p, MS_FSVERITY_MAGIC, MS_FSVERITY_MAGIC_LEN) == 0)
		what = "an fs-verity digest";
	else if (is_file_id(p, len))
		what = "what IMA's signatures of version 3 are of";
	else if (is_document(p, len))
		what = "a list of what is revoked or the manifest of a build";
	if (!what)
		return 0;
	return ms_error_set(err, -EINVAL, "is-to-be-signed",
			    "it reads like %s, and its signature would be one: it is not "
			    "signed as a file",
			    what);
}
