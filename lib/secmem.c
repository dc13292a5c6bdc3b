/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <openssl/crypto.h>
#include "lib/secmem.h"

/*
 * OpenSSL keeps private numbers here, about 1 KiB for a key of RSA-2048 and 2 KiB for one
 * of RSA-4096: room for 1,024 keys and 256 leaves, as far as limits let it be locked.
 * What is never touched costs nothing (MLOCK_ONFAULT).
 */
static const size_t secure_heaps[] = {4u << 20, 512u << 10, 32u << 10};
#define SECURE_HEAP_MIN 32

static int secure_heap_init(void)
{
	if (CRYPTO_secure_malloc_initialized())
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(secure_heaps); i++) {
		/* 1: locked; 2: usable, but mlock() or madvise() was refused */
		if (CRYPTO_secure_malloc_init(secure_heaps[i], SECURE_HEAP_MIN) == 1)
			return 0;
		if (CRYPTO_secure_malloc_initialized() && !CRYPTO_secure_malloc_done())
			break;
	}
	return -ENOMEM;
}

/* With CAP_IPC_LOCK the limit does not count (mlock(2)). */
static bool limits_count(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = {0};
	struct rlimit limit;

	if (syscall(SYS_capget, &head, caps) == 0 &&
	    caps[0].effective & 1u << CAP_IPC_LOCK)
		return false;
	return getrlimit(RLIMIT_MEMLOCK, &limit) < 0 || limit.rlim_cur != RLIM_INFINITY;
}

/*
 * Whatever is mapped later is locked as well, but only where no limit could then make
 * mmap() and malloc() fail out of the blue. ONFAULT: what is never touched costs nothing.
 */
static bool lock_all(void)
{
	return !limits_count() && mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
}

static int lock_down(bool *ret_all_locked)
{
	const struct rlimit no_core = {0, 0};
	int r;

	if (setrlimit(RLIMIT_CORE, &no_core) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
#ifndef MS_SANITIZE /* the leak checker attaches to its own process */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
#endif
	r = secure_heap_init();
	if (r < 0)
		return r;
	*ret_all_locked = lock_all();
	return 0;
}

int ms_secmem_process(bool *ret_all_locked)
{
	/* Locks are not inherited, so a child has to do it for itself. */
	static pid_t done_by;
	static bool all_locked;

	if (done_by != getpid()) {
		int r = lock_down(&all_locked);

		if (r < 0)
			return r;
		done_by = getpid();
	}
	if (ret_all_locked)
		*ret_all_locked = all_locked;
	return 0;
}

static size_t page_round(size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return len > SIZE_MAX - page ? 0 : (len + page - 1) / page * page;
}

void *ms_secmem_alloc(size_t len)
{
	size_t size = page_round(len ? len : 1);
	void *p;

	if (!size)
		return NULL;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	if (mlock(p, size) < 0 || madvise(p, size, MADV_DONTDUMP) < 0 ||
	    madvise(p, size, MADV_WIPEONFORK) < 0) {
		munmap(p, size);
		return NULL;
	}
	return p;
}

void ms_secmem_free(void *p, size_t len)
{
	size_t size = page_round(len ? len : 1);

	if (!p)
		return;
	ms_wipe(p, size);
	munmap(p, size); /* unlocks as well */
}
