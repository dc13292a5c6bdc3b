/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sys/stat.h>
#include "tests/unit/verifier/fixture.h"
#include "verifier/system_state.h"

static char root[64];

static void put(const char *path, const void *data, size_t len)
{
	char full[512];
	int fd;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *p = full + strlen(root) + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = 0;
		mkdir(full, 0755);
		*p = '/';
	}
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	close(fd);
}

static void drop(const char *path)
{
	char full[512];

	snprintf(full, sizeof(full), "%s%s", root, path);
	assert_int_equal(remove(full), 0);
}

#define ENFORCE "/sys/module/module/parameters/sig_enforce"
#define LOCKDOWN "/sys/kernel/security/lockdown"
#define SECUREBOOT \
	"/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

static void expect(enum ms_known enforce, enum ms_known lockdown, enum ms_known secure,
		   enum ms_enforce means)
{
	struct ms_system_state s;

	memset(&s, 0xff, sizeof(s));
	ms_system_state_read(root, &s);
	assert_int_equal(s.sig_enforce, enforce);
	assert_int_equal(s.lockdown, lockdown);
	assert_int_equal(s.secure_boot, secure);
	assert_int_equal(ms_system_state_enforce(&s), means);
}

static void test_states(void **state)
{
	snprintf(root, sizeof(root), "/tmp/ms-state.XXXXXX");
	assert_non_null(mkdtemp(root));
	expect(MS_NOT_KNOWN, MS_NOT_KNOWN, MS_NOT_KNOWN, MS_ENFORCE);
	put(ENFORCE, "N\n", 2);
	expect(MS_NO, MS_NOT_KNOWN, MS_NOT_KNOWN, MS_PERMISSIVE);
	put(LOCKDOWN, "none [integrity] confidentiality\n", 33);
	expect(MS_NO, MS_YES, MS_NOT_KNOWN, MS_LOCKDOWN);
	put(LOCKDOWN, "[none] integrity confidentiality\n", 33);
	put(SECUREBOOT, "\6\0\0\0\0", 5);
	expect(MS_NO, MS_NO, MS_NO, MS_PERMISSIVE);
	put(ENFORCE, "Y\n", 2);
	put(LOCKDOWN, "none integrity [confidentiality]\n", 33);
	put(SECUREBOOT, "\6\0\0\0\1", 5);
	expect(MS_YES, MS_YES, MS_YES, MS_ENFORCE);
	put(LOCKDOWN, "garbage", 7);
	put(SECUREBOOT, "\1", 1);
	expect(MS_YES, MS_NOT_KNOWN, MS_NOT_KNOWN, MS_ENFORCE);
	drop(ENFORCE);
	drop(LOCKDOWN);
	drop(SECUREBOOT);
	drop("/sys/firmware/efi/efivars");
	drop("/sys/firmware/efi");
	drop("/sys/firmware");
	drop("/sys/kernel/security");
	drop("/sys/kernel");
	drop("/sys/module/module/parameters");
	drop("/sys/module/module");
	drop("/sys/module");
	drop("/sys");
	drop("");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
