/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One key in two files, as cp makes it: only one name of it is a key. */
#include "signer/agent/keys_table.h"

#include <errno.h>
#include <syslog.h>

#include "lib/cert.h"
#include "signer/agent/log.h"

/* Does @a stay and @b go? What is over goes first, so that no copy outlives it. */
static bool goes_before(const struct key *a, const struct key *b, int64_t now)
{
	bool a_over = ms_key_is_over(a, now), b_over = ms_key_is_over(b, now);

	if (a_over != b_over)
		return a_over;
	if (a->file->created != b->file->created)
		return a->file->created < b->file->created;
	return strcmp(a->name, b->name) < 0;
}

static void refuse(struct key *key, const struct key *twin, int64_t now)
{
	const char *over = ms_key_life_at(&twin->life, now) == MS_LIFE_REVOKED
				   ? "revoked"
				   : "retired";

	if (ms_key_is_over(twin, now))
		key->rc = ms_error_set(&key->err, -EEXIST, "key-twin",
				       "it is the key %s under another name, which was "
				       "%s: remove its file",
				       twin->name, over);
	else
		key->rc = ms_error_set(&key->err, -EEXIST, "key-twin",
				       "it is the key %s under another name: use that "
				       "name, or remove one of the two files and restart "
				       "the agent",
				       twin->name);
	ms_log(LOG_ERR, "key %s is not loaded: %s", key->name, key->err.msg);
}

static bool same(const struct ms_cert *a, const struct ms_cert *b)
{
	return a && b && a->pkey && b->pkey && EVP_PKEY_eq(a->pkey, b->pkey) == 1;
}

int ms_keys_refuse_twins(struct ms_keys *k, int64_t now)
{
	struct ms_cert **certs = calloc(k->n + 1, sizeof(struct ms_cert *));

	if (!certs)
		return -ENOMEM;
	/* What cannot be read is broken on its own account. */
	for (size_t i = 0; i < k->n; i++)
		if (k->v[i]->file &&
		    ms_cert_parse(k->v[i]->file->cert, k->v[i]->file->cert_len,
				  &certs[i]) < 0)
			certs[i] = NULL;
	for (size_t i = 0; i < k->n; i++) {
		const struct key *first = k->v[i];

		if (!certs[i] || ms_key_is_over(k->v[i], now))
			continue;
		for (size_t j = 0; j < k->n; j++)
			if (same(certs[i], certs[j]) && goes_before(k->v[j], first, now))
				first = k->v[j];
		if (first != k->v[i])
			refuse(k->v[i], first, now);
	}
	/* Not before all have been compared. */
	for (size_t i = 0; i < k->n; i++) {
		ms_cert_free(certs[i]);
		if (certs[i] && k->v[i]->rc == -EEXIST) {
			free(k->v[i]->file);
			k->v[i]->file = NULL;
			k->v[i]->tried = true;
		}
	}
	free(certs);
	return 0;
}
