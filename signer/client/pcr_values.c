// SPDX-License-Identifier: GPL-2.0-or-later
#include "signer/client/pcr_values.h"

#include <errno.h>

#include "lib/hash.h"

#define LINE_MAX_LEN 160u

static const char *skip_blank(const char *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\r')
		p++;
	return p;
}

/* "sha256:" and the like. Return: 1 a bank's name, 0 not */
static bool is_bank(const char *p, bool *ret_ours)
{
	size_t n = strcspn(p, ": \t\r");

	if (n < 3 || p[n] != ':' || *skip_blank(p + n + 1) || (*p >= '0' && *p <= '9'))
		return false;
	*ret_ours = n == 6 && strncasecmp(p, "sha256", 6) == 0;
	return true;
}

/* Return: 0, or -EINVAL */
static int parse_value(const char *p, struct ms_pcr_values *v)
{
	char hex[65];
	unsigned int pcr = 0;
	size_t n = strspn(p, "0123456789");

	if (n < 1 || n > 2)
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		pcr = 10 * pcr + (unsigned int)(p[i] - '0');
	p = skip_blank(p + n);
	if (*p != ':' && *p != '=')
		return -EINVAL;
	p = skip_blank(p + 1);
	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X'))
		p += 2;
	n = strcspn(p, " \t\r#");
	if (n != 64 || (*skip_blank(p + n) && *skip_blank(p + n) != '#'))
		return -EINVAL;
	memcpy(hex, p, 64);
	hex[64] = '\0';
	if (pcr >= MS_PCRS || (v->known & (1u << pcr)) ||
	    ms_unhex(hex, v->v[pcr], 32) < 0)
		return -EINVAL;
	v->known |= 1u << pcr;
	return 0;
}

int ms_pcr_values_parse(const char *text, size_t len, struct ms_pcr_values *ret,
			struct ms_error *err)
{
	struct ms_pcr_values v = {.known = 0};
	bool ours = true;
	unsigned int at = 1;

	for (const char *end = text + len; text < end; at++) {
		const char *nl = memchr(text, '\n', (size_t)(end - text)), *p;
		size_t n = (size_t)((nl ? nl : end) - text);
		char line[LINE_MAX_LEN];

		if (n >= sizeof(line) || memchr(text, '\0', n))
			return ms_error_set(err, -EINVAL, "bad-values",
					    "line %u is no PCR value", at);
		memcpy(line, text, n);
		line[n] = '\0';
		text += n + 1;
		p = skip_blank(line);
		if (!*p || *p == '#' || is_bank(p, &ours) || !ours)
			continue;
		if (parse_value(p, &v) < 0)
			return ms_error_set(
				err, -EINVAL, "bad-values",
				"line %u is no value of a SHA-256 PCR such as "
				"'7: 0x' and 64 hex digits, or the PCR is "
				"there twice",
				at);
	}
	if (!v.known)
		return ms_error_set(err, -ENODATA, "bad-values",
				    "there is no value of a SHA-256 PCR");
	*ret = v;
	return 0;
}

int ms_pcr_values_digest(const struct ms_pcr_values *p, uint32_t mask, uint8_t ret[32],
			 struct ms_error *err)
{
	uint8_t all[MS_PCRS * 32];
	size_t len = 0;

	for (unsigned int i = 0; i < MS_PCRS; i++) {
		if (!(mask & (1u << i)))
			continue;
		if (!(p->known & (1u << i)))
			return ms_error_set(err, -ENODATA, "bad-values",
					    "there is no value of PCR %u, which --pcrs "
					    "names",
					    i);
		memcpy(all + len, p->v[i], 32);
		len += 32;
	}
	return ms_digest(MS_HASH_SHA256, all, len, ret);
}
