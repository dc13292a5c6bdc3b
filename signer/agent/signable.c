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

/* A BER header, with any way to write its length. Return: its size, or 0. */
static size_t ber_header(const uint8_t *p, size_t len, size_t *ret_len, bool *ret_open)
{
	size_t n, v = 0;

	if (len < 2)
		return 0;
	*ret_open = p[1] == 0x80;
	*ret_len = p[1];
	if (p[1] <= 0x80)
		return 2;
	n = p[1] & 0x7fu;
	if (n > 8 || len < 2 + n)
		return 0;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[2 + i];
	*ret_len = v;
	return 2 + n;
}

/*
 * Signed attributes (RFC 5652, 5.4) are hashed as a SET of their own. A CMS message can
 * be made of their signature, for content that never was here.
 */
static bool is_attributes(const uint8_t *p, size_t len)
{
	size_t head, n;
	bool open;

	if (len == 0 || p[0] != 0x31)
		return false;
	head = ber_header(p, len, &n, &open);
	return head && (open || n == len - head);
}

/*
 * TBSCertificate, TBSCertList (RFC 5280), CertificationRequestInfo: a SEQUENCE whose
 * first member is [0], a number, or an AlgorithmIdentifier. A certificate itself, a
 * public key and a CMS message begin otherwise. And what Authenticode signs when there
 * are no attributes: the members of SpcIndirectDataContent, whose first begins with an
 * OID of Microsoft's.
 */
static bool is_to_be_signed(const uint8_t *p, size_t len)
{
	static const uint8_t spc[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37};
	size_t head, head2, n;
	bool open;

	if (len == 0 || p[0] != 0x30)
		return false;
	head = ber_header(p, len, &n, &open);
	if (!head || len - head < 2)
		return false;
	if (!open && n != len - head)
		return p[head] == 0x06 && len - head >= 2 + sizeof(spc) &&
		       memcmp(p + head + 2, spc, sizeof(spc)) == 0;
	if (p[head] == 0xa0 || p[head] == 0x02)
		return true;
	if (p[head] != 0x30)
		return false;
	/* A public key begins like this too: it ends in a BIT STRING, a list never does.
	 */
	head2 = ber_header(p + head, len - head, &n, &open);
	if (!head2 || open || len - head - head2 < n || p[head + head2] != 0x06)
		return false;
	p += head + head2 + n;
	len -= head + head2 + n;
	return len > 0 && p[0] == 0x30;
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
	else if (is_to_be_signed(p, len))
		what = "the inside of a certificate, of a request for one, of a "
		       "revocation list or of an Authenticode signature";
	else if (is_variable(p, len))
		what = "an update of the firmware's variables";
	else if (len <= MS_FSVERITY_FORMATTED_MAX && len >= MS_FSVERITY_MAGIC_LEN &&
		 memcmp(p, MS_FSVERITY_MAGIC, MS_FSVERITY_MAGIC_LEN) == 0)
		what = "an fs-verity digest";
	else if (is_document(p, len))
		what = "a list of what is revoked or the manifest of a build";
	if (!what)
		return 0;
	return ms_error_set(err, -EINVAL, "is-to-be-signed",
			    "it reads like %s, and its signature would be one: it is not "
			    "signed as a file",
			    what);
}
