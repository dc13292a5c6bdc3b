/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <cmocka.h>
#include <openssl/crypto.h>
#include "lib/secmem.h"

/* The flags of the mapping that @p is in, as /proc/self/smaps has them. */
static void mapping_flags(const void *p, char *dst, size_t size)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/smaps", "re");
	bool inside = false;
	char line[512];

	assert_non_null(f);
	dst[0] = '\0';
	while (fgets(line, sizeof(line), f)) {
		unsigned long from, to;

		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			inside = (uintptr_t)p >= from && (uintptr_t)p < to;
		else if (inside && strncmp(line, "VmFlags:", 8) == 0)
			snprintf(dst, size, "%s ", line + 8);
	}
}

static void test_alloc(void **state)
{
	static const size_t sizes[] = {0, 1, 32, 4096, 4097, 100000};
	char flags[512];

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint8_t *p = ms_secmem_alloc(sizes[i]);

		assert_non_null(p);
		for (size_t j = 0; j < sizes[i]; j++)
			assert_int_equal(p[j], 0);
		memset(p, 0x55, sizes[i]);
		mapping_flags(p, flags, sizeof(flags));
#ifndef MS_SANITIZE /* the sanitizers make mlock() do nothing */
		assert_non_null(strstr(flags, " lo "));
#endif
		assert_non_null(strstr(flags, " dd ")); /* not dumped */
		assert_non_null(strstr(flags, " wf ")); /* wiped on fork */
		ms_secmem_free(p, sizes[i]);
		mapping_flags(p, flags, sizeof(flags));
		assert_null(strstr(flags, " wf "));
	}
	ms_secmem_free(NULL, 0);
	ms_secmem_free(NULL, 100);
}

static void test_too_much(void **state)
{
	assert_null(ms_secmem_alloc(SIZE_MAX));
	assert_null(ms_secmem_alloc(SIZE_MAX - 4096));
	assert_null(ms_secmem_alloc((size_t)1 << 60));
}

static int in_child(int (*f)(uint8_t *p), uint8_t *p)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(f(p));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int holds_many_keys(uint8_t *p)
{
	if (ms_secmem_process(NULL) < 0)
		return 2;
	for (int i = 0; i < 1280; i++)
		if (!OPENSSL_secure_malloc(2048))
			return 1;
	return 0;
}

/* 1,024 keys of RSA-4096 and the leaves of 256 builds. */
static void test_room_for_keys(void **state)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
	if (limit.rlim_cur < 8u << 20)
		skip();
	assert_int_equal(in_child(holds_many_keys, NULL), 0);
}

static int sees(uint8_t *p)
{
	return p[0];
}

static void test_children_see_nothing(void **state)
{
	uint8_t *p = ms_secmem_alloc(32);

	p[0] = 99;
	assert_int_equal(in_child(sees, p), 0);
	assert_int_equal(p[0], 99);
	ms_secmem_free(p, 32);
}

#ifndef MS_SANITIZE
/* Locking refused: rather no memory than memory that may be swapped out. */
static int without_lock(uint8_t *p)
{
	struct rlimit none = {0, 0};

	/* root may lock whatever the limit says */
	if (setrlimit(RLIMIT_MEMLOCK, &none) < 0 || (geteuid() == 0 && setuid(65534) < 0))
		return 77;
	return ms_secmem_alloc(32) ? 1 : 0;
}
#endif

static void test_without_lock(void **state)
{
#ifdef MS_SANITIZE
	skip();
#else
	int r = in_child(without_lock, NULL);

	if (r == 77)
		skip();
	assert_int_equal(r, 0);
#endif
}

static int process(uint8_t *p)
{
	/* setrlimit() and prlimit64() are refused */
	static struct sock_filter refuse[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_setrlimit, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_prlimit64, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	static const struct sock_fprog no_limits = {ARRAY_SIZE(refuse), refuse};
	struct rlimit core;
	bool all;

	if (ms_secmem_process(&all) < 0)
		return 1;
	if (getrlimit(RLIMIT_CORE, &core) < 0 || core.rlim_max != 0)
		return 2;
#ifndef MS_SANITIZE
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return 3;
#endif
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 4;
	if (!CRYPTO_secure_malloc_initialized())
		return 5;
	/* once more is fine, even where a sandbox takes no more of the calls */
	all = false;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &no_limits) < 0)
		return 6;
	return ms_secmem_process(&all) < 0 ? 7 : 0;
}

static void test_process(void **state)
{
	assert_int_equal(in_child(process, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_room_for_keys),
		cmocka_unit_test(test_children_see_nothing),
		cmocka_unit_test(test_without_lock),
		cmocka_unit_test(test_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
