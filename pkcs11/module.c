/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The library as a whole: its start and end, its lock, forks, and its voice.
 */
#include "pkcs11/module.h"
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include "https/https.h"
#include "pkcs11/objects.h"
#include "pkcs11/session.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool initialized;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static OSSL_LIB_CTX *crypto;

void ms_p11_lock(void)
{
	pthread_mutex_lock(&lock);
}

void ms_p11_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

ck_rv_t ms_p11_ready(void)
{
	return atomic_load(&initialized) ? CKR_OK : CKR_CRYPTOKI_NOT_INITIALIZED;
}

void ms_p11_pad(unsigned char *dst, size_t size, const char *text)
{
	size_t len = strlen(text);

	memset(dst, ' ', size);
	memcpy(dst, text, MS_MIN(len, size));
}

/* In one piece, past the host's buffers. */
void ms_p11_complain(const struct ms_error *err)
{
	char line[sizeof(err->msg) + 32];
	int n = snprintf(line, sizeof(line), "libmodseal-pkcs11: %s\n", err->msg);

	if (n > 0)
		(void)!write(STDERR_FILENO, line, MS_MIN((size_t)n, sizeof(line) - 1));
}

ck_rv_t ms_p11_rv(int r)
{
	switch (r) {
	case 0:
		return CKR_OK;
	case -ENOMEM:
		return CKR_HOST_MEMORY;
	case -EACCES:
	case -ENOENT:
	case -EINVAL:
	case -EEXIST:
		return CKR_FUNCTION_REJECTED;
	default:
		return CKR_DEVICE_ERROR;
	}
}

/*
 * Never freed: the host may call C_Finalize() after OpenSSL has cleaned up, and the next
 * C_Initialize() uses it again.
 */
static void crypto_make(void)
{
	OSSL_LIB_CTX *c = OSSL_LIB_CTX_new();

	if (c && OSSL_PROVIDER_load(c, "default"))
		crypto = c;
	else
		OSSL_LIB_CTX_free(c);
}

OSSL_LIB_CTX *ms_p11_crypto_enter(void)
{
	static pthread_once_t made = PTHREAD_ONCE_INIT;

	pthread_once(&made, crypto_make);
	if (!crypto)
		return NULL;
	ERR_set_mark();
	return OSSL_LIB_CTX_set0_default(crypto);
}

void ms_p11_crypto_leave(OSSL_LIB_CTX *was)
{
	if (!was)
		return;
	(void)OSSL_LIB_CTX_set0_default(was);
	ERR_pop_to_mark();
}

/*
 * A child has the parent's memory and its connections: what it says on them would mix
 * with what the parent says. It begins anew with C_Initialize().
 */
static void in_child(void)
{
	pthread_mutex_init(&lock, NULL);
	atomic_store(&initialized, false);
	ms_p11_sessions_abandon();
	ms_p11_objects_abandon();
}

static void set_up(void)
{
	ms_agent_open_https = ms_https_open;
	(void)pthread_atfork(NULL, NULL, in_child);
}

static ck_rv_t check_args(const struct ck_c_initialize_args *a)
{
	int given = !!a->create_mutex + !!a->destroy_mutex + !!a->lock_mutex +
		    !!a->unlock_mutex;

	if (a->reserved || (given != 0 && given != 4))
		return CKR_ARGUMENTS_BAD;
	/* Its own locks and no others: we have only the system's. */
	if (given == 4 && !(a->flags & CKF_OS_LOCKING_OK))
		return CKR_CANT_LOCK;
	return CKR_OK;
}

ck_rv_t C_Initialize(void *init_args)
{
	ck_rv_t rv = init_args ? check_args(init_args) : CKR_OK;

	if (rv != CKR_OK)
		return rv;
	pthread_once(&once, set_up);
	return atomic_exchange(&initialized, true) ? CKR_CRYPTOKI_ALREADY_INITIALIZED
						   : CKR_OK;
}

ck_rv_t C_Finalize(void *reserved)
{
	if (reserved)
		return CKR_ARGUMENTS_BAD;
	if (!atomic_exchange(&initialized, false))
		return CKR_CRYPTOKI_NOT_INITIALIZED;
	ms_p11_sessions_close();
	ms_p11_objects_clear();
	return CKR_OK;
}

ck_rv_t C_GetInfo(struct ck_info *info)
{
	unsigned int major = 0, minor = 0;
	ck_rv_t rv = ms_p11_ready();

	if (rv != CKR_OK)
		return rv;
	if (!info)
		return CKR_ARGUMENTS_BAD;
	(void)sscanf(MS_VERSION, "%u.%u", &major, &minor);
	*info = (struct ck_info){
		.cryptoki_version = {2, 40},
		.library_version = {(unsigned char)major, (unsigned char)minor},
	};
	ms_p11_pad(info->manufacturer_id, sizeof(info->manufacturer_id), "modseal");
	ms_p11_pad(info->library_description, sizeof(info->library_description),
		   "modseal agent's keys");
	return CKR_OK;
}
