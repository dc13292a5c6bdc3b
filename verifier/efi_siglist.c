/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "verifier/efi_siglist.h"

#define GUID 16u
#define HEAD (GUID + 12u) /* type; sizes of list, header and each signature */
#define EFI_TIME 16u

/* As they are in memory: the first three fields little-endian. */
static const struct {
	uint8_t guid[GUID];
	enum ms_efi_kind kind;
	enum ms_hash hash;
} types[] = {
	{{0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab, 0x15, 0x5c,
	  0x2b, 0xf0, 0x72},
	 MS_EFI_CERT,
	 MS_HASH_NONE},
	{{0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40, 0xac, 0xa9, 0x41, 0xf9, 0x36,
	  0x93, 0x43, 0x28},
	 MS_EFI_FILE,
	 MS_HASH_SHA256},
	{{0x92, 0xa4, 0xd2, 0x3b, 0xc0, 0x96, 0x79, 0x40, 0xb4, 0x20, 0xfc, 0xf9, 0x8e,
	  0xf1, 0x03, 0xed},
	 MS_EFI_TBS,
	 MS_HASH_SHA256},
	{{0x6e, 0x87, 0x76, 0x70, 0xc2, 0x80, 0xe6, 0x4e, 0xaa, 0xd2, 0x28, 0xb3, 0x49,
	  0xa6, 0x86, 0x5b},
	 MS_EFI_TBS,
	 MS_HASH_SHA384},
	{{0x63, 0xbf, 0x6d, 0x44, 0x02, 0x25, 0xda, 0x4c, 0xbc, 0xfa, 0x24, 0x65, 0xd2,
	  0xb0, 0xfe, 0x9d},
	 MS_EFI_TBS,
	 MS_HASH_SHA512},
};

static size_t le32(const uint8_t *p)
{
	return (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
}

void ms_efi_siglist_parse(const uint8_t *data, size_t len, struct ms_efi_siglist *ret)
{
	*ret = (struct ms_efi_siglist){.p = data, .left = len};
}

static int begin_list(struct ms_efi_siglist *l)
{
	size_t size, header, each, body;

	if (l->left < HEAD)
		return -EBADMSG;
	size = le32(l->p + GUID);
	header = le32(l->p + GUID + 4);
	each = le32(l->p + GUID + 8);
	if (size > l->left || size < HEAD || header > size - HEAD || each <= GUID)
		return -EBADMSG;
	body = size - HEAD - header;
	if (body % each)
		return -EBADMSG;
	l->kind = MS_EFI_OTHER;
	l->hash = MS_HASH_NONE;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (memcmp(types[i].guid, l->p, GUID) != 0)
			continue;
		l->kind = types[i].kind;
		l->hash = types[i].hash;
	}
	l->p += HEAD + header;
	l->left -= HEAD + header;
	l->list_left = body;
	l->each = each;
	return 0;
}

/* EFI_TIME: year, month, day, hour, minute, second; all zero for "always". */
static time_t time_of(const uint8_t *p)
{
	struct tm tm = {
		.tm_year = (p[0] | p[1] << 8) - 1900,
		.tm_mon = p[2] - 1,
		.tm_mday = p[3],
		.tm_hour = p[4],
		.tm_min = p[5],
		.tm_sec = p[6],
	};

	/* In doubt it is revoked. */
	if (!p[2] || p[2] > 12 || !p[3] || p[3] > 31)
		return 0;
	return timegm(&tm);
}

static int fill(const struct ms_efi_siglist *l, struct ms_efi_signature *s)
{
	size_t digest = ms_hash_size(l->hash);

	s->data = l->p + GUID;
	s->len = l->each - GUID;
	if (l->kind == MS_EFI_FILE)
		return s->len == digest ? 0 : -EBADMSG;
	if (l->kind != MS_EFI_TBS)
		return 0;
	if (s->len == digest + EFI_TIME) {
		s->since = time_of(s->data + digest);
		s->has_time = true;
		s->len = digest;
	}
	return s->len == digest ? 0 : -EBADMSG;
}

int ms_efi_siglist_next(struct ms_efi_siglist *l, struct ms_efi_signature *ret)
{
	struct ms_efi_signature s = {0};
	int rc;

	/* A list may be empty. */
	while (!l->list_left) {
		rc = l->left ? begin_list(l) : -ENODATA;
		if (rc) {
			l->left = 0;
			return rc;
		}
	}
	s.kind = l->kind;
	s.hash = l->hash;
	rc = fill(l, &s);
	if (rc) {
		l->left = l->list_left = 0;
		return rc;
	}
	l->p += l->each;
	l->left -= l->each;
	l->list_left -= l->each;
	*ret = s;
	return 0;
}
