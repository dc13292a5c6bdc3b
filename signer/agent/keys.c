/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of keys: from their files, and as the front may know them. */
#include "signer/agent/keys_table.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <syslog.h>

#include "lib/agent_client.h"
#include "lib/file.h"
#include "lib/secmem.h"
#include "signer/agent/log.h"

void ms_key_free(struct key *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->pkey);
	ms_secmem_free(k->pin, MS_PIN_MAX + 1);
	free(k->file);
	free(k);
}

struct key *ms_keys_get(struct ms_keys *k, const char *name)
{
	for (size_t i = 0; i < k->n; i++)
		if (strcmp(k->v[i]->name, name) == 0)
			return k->v[i];
	return NULL;
}

int ms_no_such_key(const char *name, struct ms_error *err)
{
	return ms_error_set(err, -ENOENT, "no-such-key",
			    "no key %s: 'modseal key list' shows the keys", name);
}

int ms_keys_add(struct ms_keys *k, struct key *key)
{
	struct key **v;
	size_t i;

	v = reallocarray(k->v, k->n + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	k->v = v;
	for (i = k->n; i > 0 && strcmp(v[i - 1]->name, key->name) > 0; i--)
		v[i] = v[i - 1];
	v[i] = key;
	k->n++;
	return 0;
}

/* ------------------------------------------------------------------ loading */

void ms_key_read_cert(struct key *key)
{
	_cleanup_cert_ struct ms_cert *cert = NULL;

	key->custody = MS_CUSTODY_SEALED;
	if (key->file->resident)
		key->custody = MS_CUSTODY_RESIDENT;
	if (ms_cert_parse(key->file->cert, key->file->cert_len, &cert) < 0)
		return;
	key->alg = cert->alg;
	key->not_before = cert->not_before;
	key->not_after = cert->not_after;
	if (key->file->resident && cert->is_ca)
		key->custody = MS_CUSTODY_LEAF;
}

static void read_key_file(const char *path, struct key *key)
{
	_cleanup_file_ struct ms_file f = {0};
	struct ms_keyfile *file;

	key->rc = ms_file_read(AT_FDCWD, path, MS_KEY_FILE_MAX, 0, &f, &key->err);
	if (key->rc < 0)
		return;
	file = calloc(1, sizeof(*file));
	if (!file) {
		key->rc = ms_error_set(&key->err, -ENOMEM, NULL, "out of memory");
		return;
	}
	key->rc = ms_keyfile_parse((const char *)f.data, f.len, file, &key->err);
	if (key->rc < 0) {
		free(file);
		return;
	}
	key->file = file;
	ms_key_read_cert(key);
}

static int load_one(struct ms_keys *k, const char *file_name)
{
	size_t len = strlen(file_name);
	char path[MS_PATH_MAX];
	struct key *key;
	int r;

	if (len < 5 || len - 4 > MS_KEY_NAME_MAX ||
	    strcmp(file_name + len - 4, ".key") != 0)
		return 0;
	key = calloc(1, sizeof(*key));
	if (!key)
		return -ENOMEM;
	memcpy(key->name, file_name, len - 4);
	if (!ms_key_name_valid(key->name)) {
		ms_key_free(key);
		return 0;
	}
	snprintf(path, sizeof(path), "%s/%s", k->dir, file_name);
	read_key_file(path, key);
	ms_key_life_load(k->dir, key->name, &key->life);
	/* What signs no more is not even unsealed. */
	key->tried = ms_key_is_over(key, time(NULL));
	r = ms_keys_add(k, key);
	if (r < 0)
		ms_key_free(key);
	return r;
}

void ms_keys_allow(struct ms_keys *k, const struct ms_strv *backup_to,
		   const struct ms_strv *provision_to)
{
	k->backup_to = backup_to;
	k->provision_to = provision_to;
}

int ms_keys_load(const char *dir, struct ms_keys **ret, struct ms_error *err)
{
	struct ms_keys *k = calloc(1, sizeof(*k));
	struct dirent *e;
	DIR *d;
	int r = 0;

	if (!k)
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	k->dir = dir;
	pthread_rwlock_init(&k->lock, NULL);
	if (ms_leaves_new(&k->leaves) < 0) {
		ms_keys_free(k);
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	}
	d = opendir(dir);
	if (!d) {
		r = ms_error_set(err, -errno, "state",
				 "cannot read the keys in %s: %s: give them to the "
				 "agent's user with chown, or run modseald as the "
				 "user that they belong to",
				 dir, ms_strerror(errno));
		ms_keys_free(k);
		return r;
	}
	while (r == 0 && k->n < MS_KEYS_MAX && (e = readdir(d)))
		r = load_one(k, e->d_name);
	if (k->n == MS_KEYS_MAX)
		ms_log(LOG_WARNING,
		       "there are %u keys or more in %s: what is more is not loaded",
		       MS_KEYS_MAX, dir);
	closedir(d);
	if (r == 0)
		r = ms_keys_refuse_twins(k, time(NULL));
	if (r < 0) {
		ms_keys_free(k);
		return ms_error_set(err, r, NULL, "cannot load the keys: %s",
				    ms_strerror(r));
	}
	*ret = k;
	return 0;
}

void ms_keys_free(struct ms_keys *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->n; i++)
		ms_key_free(k->v[i]);
	free(k->v);
	ms_leaves_free(k->leaves);
	pthread_rwlock_destroy(&k->lock);
	free(k);
}

/* ---------------------------------------------------------------- inventory */

static void describe_protection(const struct ms_tpm_blob *b, char *dst, size_t size)
{
	uint32_t pcrs = b->pcrs;
	size_t n = 0;

	dst[0] = '\0';
	for (size_t i = 0; i < b->n_approvals; i++)
		pcrs |= b->approvals[i].pcrs;
	for (unsigned int i = 0; i < 24 && n < size; i++)
		if (pcrs & (1u << i))
			n += (size_t)snprintf(dst + n, size - n, "%s%u",
					      n ? ", " : "TPM, PCR ", i);
	if (n && n < size)
		n += (size_t)snprintf(dst + n, size - n, " (SHA-256)");
	if (b->policy_key.len && n < size)
		n += (size_t)snprintf(dst + n, size - n,
				      " as a policy key approves (%zu approval%s)",
				      b->n_approvals, b->n_approvals == 1 ? "" : "s");
	if (n == 0)
		snprintf(dst, size, b->has_pin ? "TPM, PIN, no PCR" : "TPM, no PCR");
	else if (b->has_pin && n < size)
		snprintf(dst + n, size - n, " and PIN");
}

static void describe_life(const struct key *key, int64_t now, struct ms_ipc_key *ret)
{
	static const enum ms_key_state states[] = {[MS_LIFE_RETIRED] = MS_KEY_RETIRED,
						   [MS_LIFE_REVOKED] = MS_KEY_REVOKED,
						   [MS_LIFE_PENDING] = MS_KEY_PENDING};
	enum ms_life life = ms_key_life_at(&key->life, now);

	ret->until = key->life.until;
	memcpy(ret->successor, key->life.successor, sizeof(ret->successor));
	if (life == MS_LIFE_ACTIVE)
		return;
	/* A pending key has to be unlocked for its request. */
	if (life == MS_LIFE_PENDING && ret->state == MS_KEY_LOCKED)
		return;
	ret->state = states[life];
	ms_key_life_sentence(&key->life, now, ret->reason, sizeof(ret->reason));
}

int ms_keys_describe(struct ms_keys *k, size_t i, struct ms_ipc_key *ret)
{
	struct key *key;

	if (i >= k->n)
		return -ENOENT;
	key = k->v[i];
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->name, key->name, sizeof(ret->name));
	memcpy(ret->reason, key->err.msg, sizeof(ret->reason));
	ret->custody = key->custody;
	ret->alg = key->alg;
	ret->state = !key->file		   ? MS_KEY_BROKEN
		     : ms_key_is_open(key) ? MS_KEY_ACTIVE
					   : MS_KEY_LOCKED;
	if (!key->file)
		return 0;
	describe_life(key, time(NULL), ret);
	if (!ms_key_is_open(key) && !ret->reason[0])
		snprintf(ret->reason, sizeof(ret->reason), "it is being unsealed");
	describe_protection(&key->file->blob, ret->protection, sizeof(ret->protection));
	ret->created = key->file->created;
	ret->pcrs = key->file->blob.pcrs;
	ret->has_pin = key->file->blob.has_pin;
	ret->has_policy_key = key->file->blob.policy_key.len > 0;
	memcpy(ret->cert, key->file->cert, key->file->cert_len);
	ret->cert_len = key->file->cert_len;
	return 0;
}

int ms_keys_find(struct ms_keys *k, const char *name, size_t *ret)
{
	for (size_t i = 0; i < k->n; i++)
		if (strcmp(k->v[i]->name, name) == 0) {
			*ret = i;
			return 0;
		}
	return -ENOENT;
}
