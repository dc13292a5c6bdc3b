/* SPDX-License-Identifier: GPL-2.0-or-later */
/* [agent] backup-recipients and provision-to: where a sealed key may leave to. */
#include <ctype.h>
#include <string.h>

#include "signer/agent/config_parse.h"

#define SPKI_DIGITS 64u /* SHA-256 */
#define NAME_DIGITS 68u /* of an SRK: nameAlg and SHA-256 */

static int add(struct ms_cfg_parser *p, struct ms_strv *dst, const char *value,
	       size_t digits, const char *what)
{
	const char *w;
	size_t len;

	while ((w = ms_word_next(&value, &len))) {
		char hex[NAME_DIGITS + 1] = "";

		for (size_t i = 0; len == digits && i < len; i++)
			if (isxdigit((unsigned char)w[i]))
				hex[i] = (char)tolower((unsigned char)w[i]);
		if (strlen(hex) != digits)
			return ms_cfg_fail(p, p->line,
					   "%s: %.*s is not %s, %zu hex digits", p->key,
					   (int)MS_MIN(len, (size_t)80), w, what, digits);
		if (ms_strv_add(dst, hex, digits) < 0)
			return ms_cfg_no_memory(p);
	}
	return 0;
}

int ms_cfg_agent_backup_to(struct ms_cfg_parser *p, const char *value)
{
	return add(p, &p->c->backup_to, value, SPKI_DIGITS,
		   "the SHA-256 of a public key");
}

int ms_cfg_agent_provision_to(struct ms_cfg_parser *p, const char *value)
{
	return add(p, &p->c->provision_to, value, NAME_DIGITS, "the Name of an SRK");
}
