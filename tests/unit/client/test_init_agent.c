/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

#include "signer/client/init_agent.h"

static char root[64];

static void make_dir(const char *path)
{
	char whole[256];

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	assert_int_equal(mkdir(whole, 0755), 0);
}

static void make_file(const char *path, const char *text)
{
	char whole[256];
	_cleanup_close_ int fd = -1;

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	fd = open(whole, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void says(const char *words)
{
	struct ms_error err = {0};

	assert_int_equal(ms_init_tpm(root, &err), -ENODEV);
	assert_non_null(strstr(err.msg, words));
	assert_non_null(strstr(err.msg, "--tcti"));
}

/* As the machine gets better. */
static void test_tpm(void **state)
{
	struct ms_error err = {0};

	says("there is no TPM");
	make_dir("/sys");
	make_dir("/sys/class");
	make_dir("/sys/class/tpm");
	make_dir("/sys/class/tpm/tpm0");
	make_file("/sys/class/tpm/tpm0/tpm_version_major", "1\n");
	says("version 1.2");
	make_file("/sys/class/tpm/tpm0/tpm_version_major", "2\n");
	says("no /dev/tpmrm0");
	make_dir("/dev");
	make_file("/dev/tpmrm0", "");
	assert_int_equal(ms_init_tpm(root, &err), 0);
}

static void test_run(void **state)
{
	static const char *const seven[] = {"sh", "-c", "exit 7", NULL};
	static const char *const killed[] = {"sh", "-c", "kill -9 $$", NULL};
	static const char *const none[] = {"modseal-no-such-program", NULL};
	static const char *const not_ours[] = {"/etc", NULL};
	struct ms_error err = {0};

	assert_int_equal(ms_init_run(seven, &err), 7);
	assert_int_equal(ms_init_run(killed, &err), 128 + 9);
	assert_int_equal(ms_init_run(none, &err), -ENOENT);
	assert_int_equal(ms_init_run(not_ours, &err), -EACCES);
	assert_non_null(strstr(err.msg, "/etc cannot be run"));
}

static int make_root(void **state)
{
	snprintf(root, sizeof(root), "/tmp/ms-init.XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int remove_root(void **state)
{
	return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tpm),
		cmocka_unit_test(test_run),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
