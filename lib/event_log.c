/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/event_log.h"

#include <errno.h>

#include "lib/buf.h"
#include "lib/hash.h"

#define EV_NO_ACTION 3
#define ALG_SHA256 0x000b
#define ALGS_MAX 16u
#define LEGACY_DIGEST 20u

struct log {
	struct ms_reader r;
	uint16_t alg[ALGS_MAX], size[ALGS_MAX];
	uint32_t n_algs;
	uint8_t pcr[MS_PCRS][32];
};

/* The log is little-endian, as the firmware's processor is. */
static uint16_t le16(struct ms_reader *r)
{
	return __builtin_bswap16(ms_reader_u16(r));
}

static uint32_t le32(struct ms_reader *r)
{
	return __builtin_bswap32(ms_reader_u32(r));
}

/* TCG_EfiSpecIdEvent, in an event of the older format: which digests the others have */
static int read_head(struct log *l)
{
	struct ms_reader *r = &l->r, e;
	uint32_t type, size;
	const uint8_t *at, *magic;
	bool sha256 = false;

	(void)le32(r); /* the PCR */
	type = le32(r);
	(void)ms_reader_get(r, LEGACY_DIGEST);
	size = le32(r);
	at = ms_reader_get(r, size);
	if (!at || type != EV_NO_ACTION)
		return ms_reader_error(r) < 0 ? -EBADMSG : -ENOPKG;
	e = MS_READER(at, size);
	magic = ms_reader_get(&e, 16);
	if (!magic || memcmp(magic, "Spec ID Event03", 16) != 0)
		return -ENOPKG;
	(void)ms_reader_get(&e, 4 + 4); /* platform class, versions */
	l->n_algs = le32(&e);
	if (ms_reader_error(&e) < 0 || l->n_algs < 1 || l->n_algs > ALGS_MAX)
		return -EBADMSG;
	for (uint32_t i = 0; i < l->n_algs; i++) {
		l->alg[i] = le16(&e);
		l->size[i] = le16(&e);
		if (l->size[i] > MS_DIGEST_MAX)
			return -EBADMSG;
		sha256 = sha256 || (l->alg[i] == ALG_SHA256 && l->size[i] == 32);
	}
	if (ms_reader_error(&e) < 0)
		return -EBADMSG;
	return sha256 ? 0 : -ENOPKG;
}

static const uint8_t *read_digest(struct log *l, uint16_t alg)
{
	for (uint32_t i = 0; i < l->n_algs; i++)
		if (l->alg[i] == alg)
			return ms_reader_get(&l->r, l->size[i]);
	l->r.err = -EBADMSG;
	return NULL;
}

/* PCR 0 does not start with zeros where another locality started the TPM. */
static void note_locality(struct log *l, const uint8_t *event, uint32_t size)
{
	static const char magic[16] = "StartupLocality";

	if (size == sizeof(magic) + 1 && memcmp(event, magic, sizeof(magic)) == 0)
		l->pcr[0][31] = event[sizeof(magic)];
}

static int extend(uint8_t pcr[32], const uint8_t *digest)
{
	uint8_t both[64];

	memcpy(both, pcr, 32);
	memcpy(both + 32, digest, 32);
	return ms_digest(MS_HASH_SHA256, both, sizeof(both), pcr);
}

/* TCG_PCR_EVENT2 */
static int read_event(struct log *l)
{
	struct ms_reader *r = &l->r;
	uint32_t pcr = le32(r), type = le32(r), count = le32(r), size;
	const uint8_t *sha256 = NULL, *event;

	if (ms_reader_error(r) < 0 || count > ALGS_MAX)
		return -EBADMSG;
	for (uint32_t i = 0; i < count; i++) {
		uint16_t alg = le16(r);
		const uint8_t *digest = read_digest(l, alg);

		if (alg == ALG_SHA256 && sha256)
			return -EBADMSG;
		if (alg == ALG_SHA256)
			sha256 = digest;
	}
	size = le32(r);
	event = ms_reader_get(r, size);
	if (!event)
		return -EBADMSG;
	if (type == EV_NO_ACTION) {
		note_locality(l, event, size);
		return 0;
	}
	if (pcr >= MS_PCRS || !sha256)
		return -EBADMSG;
	return extend(l->pcr[pcr], sha256);
}

int ms_event_log_replay(const uint8_t *p, size_t len, uint8_t ret[MS_PCRS][32])
{
	struct log l = {.r = MS_READER(p, len)};
	int rc;

	if (len > MS_EVENT_LOG_MAX)
		return -EFBIG;
	rc = read_head(&l);
	while (rc == 0 && l.r.left > 0)
		rc = read_event(&l);
	if (rc == 0)
		memcpy(ret, l.pcr, sizeof(l.pcr));
	return rc;
}
