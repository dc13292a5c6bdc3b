/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One entry of the list of what is revoked, as clients write it and as lists have it
 * (docs/REVOCATIONS.md), and as a row of the store.
 */
#ifndef MS_AGENT_REVOCATION_H
#define MS_AGENT_REVOCATION_H

#include <jansson.h>
#include <stdint.h>
#include "lib/error.h"

#define MS_REVOCATION_REASON_MAX 256u /* bytes of a reason */

/**
 * struct ms_revocation_row - an entry on its way into the store
 * @key: digests in bare hex; all else is canonical JSON of what is revoked; owned
 * @data: JSON with reason, since, and, for a digest, its hash; a new reference
 */
struct ms_revocation_row {
	char *key;
	json_t *data;
};
void ms_revocation_row_clear(struct ms_revocation_row *r);

/**
 * ms_revocation_parse() - one entry
 * @j: {"certificate"|"issuer"+"serial"|"key"|"digest"|"name": ...}, with "below",
 * "srcversion", "reason" and "since" at will
 * Return: 0, -ENOMEM, -EINVAL with a sentence.
 */
int ms_revocation_parse(const json_t *j, struct ms_revocation_row *ret,
			struct ms_error *err) _must_check_;

/** ms_revocation_entry() - a row as lists have it: a new reference; NULL: no memory, or
 * the row is damaged */
json_t *ms_revocation_entry(const char *key, const char *data);

/** ms_revocation_serial_hex() - of a DER INTEGER: upper case, no leading zeros; "" when
 * it is none, or too long */
const char *ms_revocation_serial_hex(const uint8_t *der, size_t len, char *dst,
				     size_t size);

/** ms_revocation_time() - "2026-01-31" or "2026-01-31T12:00:00Z". Return: 0 or -EINVAL */
int ms_revocation_time(const char *text, int64_t *ret) _must_check_;
/** ms_revocation_time_text() - the second of these. Return: @dst, 32 bytes */
const char *ms_revocation_time_text(int64_t t, char dst[32]);

#endif
