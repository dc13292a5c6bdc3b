/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include "signer/client/pin.h"

/* A pipe with @text in it; the rest of it can be read behind the PIN. */
static int pipe_with(const char *text)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], text, strlen(text)), (ssize_t)strlen(text));
	close(fds[1]);
	return fds[0];
}

static void good(const char *text, const char *want)
{
	_cleanup_close_ int fd = pipe_with(text);
	_cleanup_pin_ struct ms_pin pin = {0};
	struct ms_error err = {0};

	assert_int_equal(ms_pin_from_fd(fd, &pin, &err), 0);
	assert_string_equal(pin.text, want);
}

static void bad(const char *text, int rc)
{
	_cleanup_close_ int fd = pipe_with(text);
	struct ms_pin pin = {0};
	struct ms_error err = {0};

	assert_int_equal(ms_pin_from_fd(fd, &pin, &err), rc);
	assert_null(pin.text);
	assert_true(err.msg[0]);
	/* The sentence never has any of the PIN in it. */
	assert_null(strstr(err.msg, "secret"));
}

#define TEN "0123456789"
#define SIXTY TEN TEN TEN TEN TEN TEN

static void test_fd(void **state)
{
	good("1234", "1234");
	good("1234\n", "1234");
	good("1234\r\n", "1234");
	good(" a b\n", " a b");
	good(SIXTY "1234", SIXTY "1234");
	good(SIXTY "1234\r\n", SIXTY "1234");
	bad("", -ENODATA);
	bad("\n1234\n", -ENODATA);
	bad("\r\n", -ENODATA);
	bad("secret\t1", -EINVAL);
	bad("secret\303\244", -EINVAL);
	bad("secret\r1", -EINVAL);
	bad(SIXTY "12345", -E2BIG);
	bad(SIXTY "1234\r5", -E2BIG);
	bad(SIXTY SIXTY, -E2BIG);
}

static void test_rest_stays(void **state)
{
	_cleanup_close_ int fd = pipe_with("1234\nnext");
	_cleanup_pin_ struct ms_pin pin = {0};
	char rest[8] = "";

	assert_int_equal(ms_pin_from_fd(fd, &pin, NULL), 0);
	assert_int_equal(read(fd, rest, sizeof(rest) - 1), 4);
	assert_string_equal(rest, "next");
}

static void test_bad_fd(void **state)
{
	struct ms_pin pin = {0};
	struct ms_error err = {0};

	assert_int_equal(ms_pin_from_fd(9999, &pin, &err), -EBADF);
	assert_null(pin.text);
}

static void test_credential(void **state)
{
	char dir[] = "/tmp/ms-pin.XXXXXX", path[64];
	_cleanup_pin_ struct ms_pin pin = {0};
	struct ms_error err = {0};
	int fd;

	unsetenv("CREDENTIALS_DIRECTORY");
	assert_int_equal(ms_pin_from_credential("k", &pin, &err), -ENOENT);
	assert_non_null(mkdtemp(dir));
	setenv("CREDENTIALS_DIRECTORY", dir, 1);
	assert_int_equal(ms_pin_from_credential("k", &pin, &err), -ENOENT);
	snprintf(path, sizeof(path), "%s/k.pin", dir);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "4321\n", 5), 5);
	close(fd);
	assert_int_equal(ms_pin_from_credential("k", &pin, &err), 0);
	assert_string_equal(pin.text, "4321");
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fd),
		cmocka_unit_test(test_rest_stays),
		cmocka_unit_test(test_bad_fd),
		cmocka_unit_test(test_credential),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
