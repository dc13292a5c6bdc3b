// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A key file: what is read is what would be written, and decrypting it never does more
 * than fail.
 */
#include <stdint.h>
#include "tpm/keyfile.h"
#include "tpm/sign.h"
#include "tpm/tss2key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void text(const char *data, size_t size)
{
	static struct ms_keyfile k, again;
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(MS_KEY_FILE_MAX);
	struct ms_error err = {0};
	uint8_t kek[MS_TPM_SECRET_LEN];
	EVP_PKEY *key = NULL;
	int r;

	r = ms_keyfile_parse(data, size, &k, &err);
	if (r < 0) {
		if (!*err.msg)
			abort();
		return;
	}
	/* what came in a cramped encoding may have no room in ours */
	if (ms_keyfile_write(&k, &out) < 0)
		return;
	if (ms_keyfile_parse((const char *)out.data, out.len, &again, &err) < 0 ||
	    memcmp(&k, &again, sizeof(k)) != 0)
		abort();
	for (size_t i = 0; i < sizeof(kek); i++)
		kek[i] = (uint8_t)i;
	if (ms_keyfile_unseal(&k, kek, &key, &err) == 0)
		EVP_PKEY_free(key);
}

static void der(const uint8_t *data, size_t size, enum ms_tss2key_type type)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(MS_KEY_FILE_MAX);
	struct ms_error err = {0};
	struct ms_tpm_blob b;

	if (ms_tss2key_parse(data, size, type, &b, &err) < 0)
		return;
	if (ms_tss2key_write(&b, type, &out) < 0)
		abort();
	/* DER has one encoding; an absent emptyAuth is the one thing that we write out */
	if (out.len < size || (type == MS_TSS2KEY_SEALED && out.len == size &&
			       memcmp(out.data, data, size) != 0))
		abort();
	if (type == MS_TSS2KEY_SEALED) {
		(void)!ms_tpm_blob_check(&b, &err);
	} else if (ms_tpm_key_check(&b, &err) == 0) {
		EVP_PKEY *key = NULL;

		if (ms_tpm_key_public(&b, &key, &err) == 0)
			EVP_PKEY_free(key);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	text((const char *)data, size);
	der(data, size, MS_TSS2KEY_SEALED);
	der(data, size, MS_TSS2KEY_LOADABLE);
	return 0;
}
