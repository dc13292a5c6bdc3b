/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "lib/escape.h"
#include "verifier/kernel_keys.h"

/* Certificates for the regulatory database of wireless devices are in a keyring of their
 * own, .builtin_regdb_keys; /proc/keys does not say so. net/wireless/certs, and Debian's.
 */
static const char *const regdb[] = {
	"00b28ddf47aef9cea7",
	"61c038651aabdcf94bd0ac7ff06c7248db18c600",
	"577e021cb980e0e820821ba7b54b4961b8b4fadf",
	"3abbc6ec146e09d1b6016ab9d6cf71dd233f0328",
};

static const char *skip_field(const char *p, const char *end)
{
	while (p < end && *p == ' ')
		p++;
	while (p < end && *p != ' ')
		p++;
	return p;
}

static const char *last(const char *p, const char *end, const char *what, size_t n)
{
	for (const char *q = end - n; q >= p && end - p >= (ptrdiff_t)n; q--)
		if (!memcmp(q, what, n))
			return q;
	return NULL;
}

/* "27d1e1d8 I------ 1 perm 1f010000 0 0 asymmetri NAME: ID: X509.rsa bb419ea1 []" */
static int parse_line(const char *p, const char *end, struct ms_kernel_key *ret)
{
	struct ms_kernel_key k = {0};
	const char *uid = NULL, *id;

	for (unsigned int i = 0; i < 7; i++) {
		uid = i == 5 ? p : uid;
		p = skip_field(p, end);
	}
	while (uid < p && *uid == ' ')
		uid++;
	if (end - p < 12 || memcmp(p, " asymmetri ", 11) != 0 || *uid != '0')
		return -ENODATA;
	p += 11;
	end = last(p, end, ": X509.", 7);
	id = end ? last(p, end, ": ", 2) : NULL;
	if (!id)
		return -ENODATA;
	snprintf(k.name, sizeof(k.name), "%.*s", (int)MS_MIN(id - p, 255), p);
	id += 2;
	if (end == id || (size_t)(end - id) >= sizeof(k.id))
		return -ENODATA;
	for (size_t i = 0; id + i < end; i++) {
		if (!strchr("0123456789abcdef", id[i]) || !id[i])
			return -ENODATA;
		k.id[i] = id[i];
	}
	*ret = k;
	return 0;
}

int ms_kernel_keys_next(const char **p, const char *end, struct ms_kernel_key *ret)
{
	while (*p < end) {
		const char *line = *p;
		const char *stop = memchr(line, '\n', (size_t)(end - line));

		stop = stop ? stop : end;
		*p = stop + (stop < end);
		if (!parse_line(line, stop, ret))
			return 0;
	}
	return -ENODATA;
}

/* How the kernel identifies a certificate. */
static void id_of(const struct ms_cert *c, char ret[129])
{
	const uint8_t *p = c->ski ? c->ski : c->serial + 2;
	size_t n = c->ski ? c->ski_len : c->serial_len - 2;

	ms_hex(p, MS_MIN(n, 64u), ret);
}

static bool in_keys(const char *text, size_t len, const char *id)
{
	const char *p = text;
	struct ms_kernel_key k;

	while (!ms_kernel_keys_next(&p, text + len, &k))
		if (!strcmp(k.id, id))
			return true;
	return false;
}

static bool in_list(const struct ms_anchor *v, size_t n, const char *id)
{
	char have[129];

	for (size_t i = 0; i < n; i++) {
		id_of(v[i].cert, have);
		if (!strcmp(have, id))
			return true;
	}
	return false;
}

static bool expected(const struct ms_anchors *a, const struct ms_anchors *firmware,
		     const char *id)
{
	for (size_t i = 0; i < ARRAY_SIZE(regdb); i++)
		if (!strcmp(regdb[i], id))
			return true;
	return in_list(a->v, a->n, id) || in_list(a->revoked, a->n_revoked, id) ||
	       in_list(firmware->v, firmware->n, id);
}

int ms_kernel_keys_compare(const char *text, size_t len, const char *path,
			   const struct ms_anchors *a, const struct ms_anchors *firmware,
			   struct ms_result *ret, size_t *ret_n)
{
	_cleanup_result_ struct ms_result r = {.path = strdup(path)};
	char id[129], name[512], source[1024];
	struct ms_kernel_key k;
	const char *p = text;
	bool image = false;
	size_t n = 0;
	int rc = r.path ? 0 : -ENOMEM;

	r.policy.verdict = MS_POLICY_TRUSTED;
	r.policy.checked = true;
	for (size_t i = 0; i < a->n; i++)
		image = image || a->v[i].origin == MS_ANCHOR_KERNEL;
	while (!rc && !ms_kernel_keys_next(&p, text + len, &k)) {
		n++;
		if (image && !expected(a, firmware, k.id))
			rc = ms_result_amend(&r, MS_FINDING_KERNEL_KEY_UNKNOWN,
					     "the kernel has the key \"%s\" (%s), and "
					     "neither its image "
					     "nor the firmware has it",
					     ms_escape_str(k.name, name, sizeof(name)),
					     k.id);
	}
	for (size_t i = 0; i < a->n && n && !rc; i++) {
		if (a->v[i].origin != MS_ANCHOR_KERNEL)
			continue;
		id_of(a->v[i].cert, id);
		if (!in_keys(text, len, id))
			rc = ms_result_amend(
				&r, MS_FINDING_KERNEL_KEY_MISSING,
				"%s has the key \"%s\" (%s), and the running kernel has "
				"not",
				ms_escape_str(a->v[i].source, source, sizeof(source)),
				ms_escape_str(a->v[i].cert->subject_cn, name,
					      sizeof(name)),
				id);
	}
	if (rc)
		return rc;
	*ret_n = n;
	*ret = r;
	r = (struct ms_result){0};
	return 0;
}
