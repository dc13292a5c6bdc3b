/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/trailer.h"
#include <errno.h>

#define ID_TYPE_PKCS7 2

/* Offsets in struct module_signature (include/linux/module_signature.h) */
enum at {
	AT_ALGO,
	AT_HASH,
	AT_ID_TYPE,
	AT_SIGNER_LEN,
	AT_KEY_ID_LEN,
	AT_PAD,
	AT_SIG_LEN = 8,
};

int ms_trailer_parse(const uint8_t *mod, size_t len, struct ms_trailer *ret)
{
	static const uint8_t zero[3];
	const uint8_t *s;
	uint32_t sig_len;

	/* A file that is nothing but the marker is not signed, says the kernel. */
	if (len <= MS_TRAILER_MAGIC_LEN)
		return -ENODATA;
	len -= MS_TRAILER_MAGIC_LEN;
	if (memcmp(mod + len, MS_TRAILER_MAGIC, MS_TRAILER_MAGIC_LEN))
		return -ENODATA;
	if (len <= MS_TRAILER_STRUCT_LEN)
		return -EBADMSG;
	len -= MS_TRAILER_STRUCT_LEN;
	s = mod + len;
	sig_len = ms_get_be32(s + AT_SIG_LEN);
	/* Something must be left that is signed. */
	if (sig_len >= len)
		return -EBADMSG;
	if (s[AT_ID_TYPE] != ID_TYPE_PKCS7)
		return -ENOPKG;
	if (s[AT_ALGO] || s[AT_HASH] || s[AT_SIGNER_LEN] || s[AT_KEY_ID_LEN] ||
	    memcmp(s + AT_PAD, zero, sizeof(zero)) || !sig_len)
		return -EBADMSG;
	*ret = (struct ms_trailer){
		.payload_len = len - sig_len,
		.msg = mod + len - sig_len,
		.msg_len = sig_len,
	};
	return 0;
}

int ms_trailer_payload_len(const uint8_t *mod, size_t len, size_t *ret)
{
	struct ms_trailer t;
	int rc;

	while ((rc = ms_trailer_parse(mod, len, &t)) == 0)
		len = t.payload_len;
	if (rc != -ENODATA)
		return rc;
	*ret = len;
	return 0;
}

void ms_trailer_build(uint32_t msg_len, uint8_t ret[MS_TRAILER_LEN])
{
	memset(ret, 0, MS_TRAILER_STRUCT_LEN);
	ret[AT_ID_TYPE] = ID_TYPE_PKCS7;
	ms_put_be32(ret + AT_SIG_LEN, msg_len);
	memcpy(ret + MS_TRAILER_STRUCT_LEN, MS_TRAILER_MAGIC, MS_TRAILER_MAGIC_LEN);
}
