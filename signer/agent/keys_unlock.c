/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From locked to active: by itself where no person is needed, else with a PIN. */
#include "signer/agent/keys_table.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <sys/mman.h>

#include "lib/secmem.h"

static void set_result(struct ms_keys *k, struct key *key, EVP_PKEY *pkey, int rc,
		       const struct ms_error *err)
{
	pthread_rwlock_wrlock(&k->lock);
	if (rc == 0) {
		EVP_PKEY_free(key->pkey);
		key->pkey = pkey;
		key->in_tpm = key->file->resident;
		key->rc = 0;
		memset(&key->err, 0, sizeof(key->err));
	} else if (!ms_key_is_open(key)) {
		key->rc = rc;
		key->err = *err;
	}
	pthread_rwlock_unlock(&k->lock);
}

/* A key in the TPM is not fetched but tried: it signs a text that is no module. */
static int try_in_tpm(struct ms_keys *k, struct ms_tpmw *w, struct key *key,
		      const char *pin, struct ms_error *err)
{
	static const char text[] = "modseal: does this key sign?";
	uint8_t digest[MS_DIGEST_MAX], sig[MS_SIG_MAX];
	char *kept = NULL;
	size_t len;
	int r;

	if (pin) {
		kept = ms_secmem_alloc(MS_PIN_MAX + 1);
		if (!kept)
			return ms_error_set(err, -ENOMEM, NULL,
					    "no locked memory: raise LimitMEMLOCK");
		snprintf(kept, MS_PIN_MAX + 1, "%s", pin);
	}
	r = ms_digest(MS_HASH_SHA256, text, sizeof(text) - 1, digest);
	if (r == 0)
		r = ms_tpmw_sign(w, &key->file->blob, pin, MS_HASH_SHA256, digest, sig,
				 &len, err);
	if (r < 0) {
		ms_secmem_free(kept, MS_PIN_MAX + 1);
	} else {
		ms_secmem_free(key->pin, MS_PIN_MAX + 1);
		key->pin = kept;
	}
	set_result(k, key, NULL, r, err);
	return r;
}

static int unseal(struct ms_keys *k, struct ms_tpmw *w, struct key *key, const char *pin,
		  struct ms_error *err)
{
	EVP_PKEY *pkey = NULL;
	uint8_t *kek;
	int r;

	if (key->file->resident)
		return try_in_tpm(k, w, key, pin, err);
	kek = ms_secmem_alloc(MS_TPM_SECRET_LEN);
	if (!kek)
		return ms_error_set(err, -ENOMEM, NULL,
				    "no locked memory: raise LimitMEMLOCK");
	r = ms_tpmw_unseal(w, &key->file->blob, pin, kek, err);
	if (r == 0)
		r = ms_keyfile_unseal(key->file, kek, &pkey, err);
	ms_secmem_free(kek, MS_TPM_SECRET_LEN);
	if (r == -EPERM && err && strcmp(err->code, "tpm-pcr") == 0) {
		struct ms_error other = {0};
		int next = ms_key_try_next(k, w, key, pin, &pkey, &other);

		/* What it says is about a file that nobody may know of. */
		if (next != -ENOENT && next != -EPERM)
			*err = other;
		if (next != -ENOENT)
			r = next;
	}
	set_result(k, key, pkey, r, err);
	return r;
}

/* The PIN that the service manager hands over: systemd's LoadCredential=NAME.pin:... */
static int pin_from_credentials(const char *name, char ret[MS_PIN_MAX + 1])
{
	const char *dir = secure_getenv("CREDENTIALS_DIRECTORY");
	_cleanup_close_ int fd = -1;
	char path[MS_PATH_MAX];
	ssize_t n;

	if (!dir)
		return -ENOENT;
	snprintf(path, sizeof(path), "%s/%s.pin", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, ret, MS_PIN_MAX + 1);
	while (n > 0 && (ret[n - 1] == '\n' || ret[n - 1] == '\r'))
		n--;
	if (n <= 0 || n > (ssize_t)MS_PIN_MAX)
		return -EINVAL;
	ret[n] = '\0';
	return 0;
}

/*
 * Names of the keys whose PIN from the credentials was given to the TPM and did not open
 * them. Shared with the key processes to come: each would spend another try, until the
 * TPM locks itself against everybody.
 */
#define SPENT_MAX 63u
static char (*spent)[MS_KEY_NAME_MAX + 1];

int ms_keys_share_spent(void)
{
	void *p = mmap(NULL, SPENT_MAX * sizeof(*spent), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	spent = p;
	return 0;
}

/* Before the PIN is given, so that not even a crash makes it be given twice. */
static bool spend(const char *name)
{
	for (size_t i = 0; spent && i < SPENT_MAX; i++) {
		if (strcmp(spent[i], name) == 0)
			return false;
		if (!spent[i][0]) {
			memcpy(spent[i], name, strlen(name) + 1);
			return true;
		}
	}
	return !spent;
}

/* It was right, or did not get as far as the TPM. The last name fills the gap. */
static void unspend(const char *name)
{
	size_t at = 0, last;

	while (spent && at < SPENT_MAX && strcmp(spent[at], name) != 0)
		at++;
	if (!spent || at == SPENT_MAX)
		return;
	for (last = at; last + 1 < SPENT_MAX && spent[last + 1][0];)
		last++;
	if (last != at)
		memcpy(spent[at], spent[last], sizeof(*spent));
	memset(spent[last], 0, sizeof(*spent));
}

static bool worth_retrying(int rc)
{
	return rc == -ENODEV || rc == -ETIMEDOUT || rc == -EAGAIN;
}

static void unseal_unattended(struct ms_keys *k, struct ms_tpmw *w, struct key *key)
{
	char pin[MS_PIN_MAX + 1];
	struct ms_tpm_info info;
	struct ms_error err = {0};
	int r;

	if (!key->file->blob.has_pin) {
		r = unseal(k, w, key, NULL, &err);
		key->tried = !worth_retrying(r);
		return;
	}
	/* A PIN is for a TPM that answers, and then there is one try: whatever goes wrong
	 * after it has been sent may have been counted. */
	r = ms_tpmw_info(w, &info, &err);
	if (r < 0) {
		set_result(k, key, NULL, r, &err);
		return;
	}
	key->tried = true;
	if (pin_from_credentials(key->name, pin) < 0) {
		ms_error_set(&err, -EACCES, "pin-needed",
			     "it needs its PIN: 'modseal key unlock %s'", key->name);
		set_result(k, key, NULL, -EACCES, &err);
		return;
	}
	if (!spend(key->name)) {
		ms_error_set(&err, -EACCES, "pin-needed",
			     "the PIN in its credential did not open it: 'modseal key "
			     "unlock %s' with the right one, and mend the credential",
			     key->name);
		set_result(k, key, NULL, -EACCES, &err);
	} else {
		r = unseal(k, w, key, pin, &err);
		if (r == 0)
			unspend(key->name);
	}
	ms_wipe(pin, sizeof(pin));
}

/* The TPM is gone: what has not been tried says so and waits for the next round. */
static size_t put_off_rest(struct ms_keys *k, size_t from, const struct key *why)
{
	size_t n = 0;

	for (size_t i = from; i < k->n; i++) {
		struct key *key = k->v[i];

		if (!key->file || ms_key_is_open(key) || key->tried)
			continue;
		set_result(k, key, NULL, why->rc, &why->err);
		n++;
	}
	return n;
}

int ms_keys_unseal_pending(struct ms_keys *k, struct ms_tpmw *w, size_t *ret_again)
{
	size_t again = 0;
	int r = 0;

	for (size_t i = 0; i < k->n; i++) {
		struct key *key = k->v[i];

		if (!key->file || ms_key_is_open(key) || key->tried)
			continue;
		unseal_unattended(k, w, key);
		if (ms_key_is_open(key) || key->tried)
			continue;
		again++;
		r = key->rc;
		if (r == -ENODEV || r == -ETIMEDOUT) {
			again += put_off_rest(k, i + 1, key);
			break;
		}
	}
	*ret_again = again;
	return r;
}

int ms_keys_unlock(struct ms_keys *k, struct ms_tpmw *w, const char *name,
		   const char *pin, struct ms_error *err)
{
	struct key *key = ms_keys_get(k, name);

	if (!key)
		return ms_no_such_key(name, err);
	if (!key->file)
		return ms_error_set(err, -EBADMSG, "key-broken",
				    "key %s cannot be used: %s", name, key->err.msg);
	if (ms_key_is_over(key, time(NULL)))
		return ms_key_may_sign(key, time(NULL), err);
	if (ms_key_is_open(key))
		return 0;
	if (key->file->blob.has_pin && (!pin || !*pin))
		return ms_error_set(err, -EINVAL, "pin-needed", "key %s needs its PIN",
				    name);
	return unseal(k, w, key, key->file->blob.has_pin ? pin : NULL, err);
}
