/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "folder.h"
#include "lib/limits.h"
#include "lib/module_file.h"
#include "lib/trailer.h"

#define ELF "\177ELF payload"
#define ELF_LEN (sizeof(ELF) - 1)

static struct ms_error err;

/* payload, message "0..." of 5 bytes and trailer, into @dst */
static size_t sign_fake(char *dst, const char *payload, size_t len)
{
	memcpy(dst, payload, len);
	memcpy(dst + len, "0\003abc", 5);
	ms_trailer_build(5, (uint8_t *)dst + len + 5);
	return len + 5 + MS_TRAILER_LEN;
}

static int read_module(const char *name, size_t *ret_len)
{
	_cleanup_file_ struct ms_file f = {0};
	_cleanup_close_ int fd = -1;

	memset(&err, 0, sizeof(err));
	return ms_module_read(in_folder(name), &f, &fd, ret_len, &err);
}

static void test_payload(void **state)
{
	char once[200], twice[300];
	size_t len = 0, n;

	put_file("plain", ELF, ELF_LEN);
	assert_int_equal(read_module("plain", &len), 0);
	assert_int_equal(len, ELF_LEN);
	n = sign_fake(once, ELF, ELF_LEN);
	put_file("signed", once, n);
	assert_int_equal(read_module("signed", &len), 0);
	assert_int_equal(len, ELF_LEN);
	n = sign_fake(twice, once, n);
	put_file("twice", twice, n);
	assert_int_equal(read_module("twice", &len), 0);
	assert_int_equal(len, ELF_LEN);
}

static void test_refused(void **state)
{
	static const struct {
		const char *data;
		size_t len;
		int want;
		const char *code;
	} cases[] = {
		{"", 0, -ENOEXEC, "not-a-module"},
		{"\177EL", 3, -ENOEXEC, "not-a-module"},
		{"#!/bin/sh\n", 10, -ENOEXEC, "not-a-module"},
		{"\037\213\010", 3, -ENOEXEC, "compressed-module"},
		{"\3757zXZ\0", 6, -ENOEXEC, "compressed-module"},
		{"\050\265\057\375", 4, -ENOEXEC, "compressed-module"},
	};
	char signed_text[200], lies[200];
	size_t len = 77, n;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		put_file("f", cases[i].data, cases[i].len);
		assert_int_equal(read_module("f", &len), cases[i].want);
		assert_string_equal(err.code, cases[i].code);
	}
	/* what a signature hides */
	n = sign_fake(signed_text, "text", 4);
	put_file("f", signed_text, n);
	assert_int_equal(read_module("f", &len), -ENOEXEC);
	/* a signature that claims more bytes than there are; one of another kind */
	n = sign_fake(lies, ELF, ELF_LEN);
	lies[n - MS_TRAILER_LEN + 8] = 1;
	put_file("f", lies, n);
	assert_int_equal(read_module("f", &len), -EBADMSG);
	assert_string_equal(err.code, "bad-trailer");
	n = sign_fake(lies, ELF, ELF_LEN);
	lies[n - MS_TRAILER_LEN + 2] = 9;
	put_file("f", lies, n);
	assert_int_equal(read_module("f", &len), -ENOPKG);
	assert_int_equal(read_module("missing", &len), -ENOENT);
	assert_int_equal(read_module(".", &len), -EISDIR);
	assert_int_equal(len, 77);
}

static void test_append(void **state)
{
	static const uint8_t msg[] = {'0', 3, 'a', 'b', 'c'};
	_cleanup_file_ struct ms_file f = {0};
	_cleanup_close_ int fd = -1, fd2 = -1;
	struct stat st;
	char want[200];
	size_t len, n = sign_fake(want, ELF, ELF_LEN);

	put_file("m", ELF, ELF_LEN);
	assert_int_equal(chmod(in_folder("m"), 0604), 0);
	assert_int_equal(ms_module_read(in_folder("m"), &f, &fd, &len, &err), 0);
	assert_int_equal(ms_module_append(in_folder("m"), fd, &f, len, msg, sizeof(msg),
					  in_folder("dest"), false, &err),
			 0);
	assert_file("m", ELF, ELF_LEN);
	assert_file("dest", want, n);
	assert_int_equal(ms_module_append(in_folder("m"), fd, &f, len, msg, sizeof(msg),
					  NULL, true, &err),
			 0);
	assert_file("m", want, n);
	assert_int_equal(stat(in_folder("m"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0604);

	/* once more: the old one goes */
	assert_int_equal(ms_module_read(in_folder("m"), &f, &fd2, &len, &err), 0);
	assert_int_equal(ms_module_append(in_folder("m"), fd2, &f, len, msg, sizeof(msg),
					  NULL, false, &err),
			 0);
	assert_file("m", want, n);
}

static void test_append_failures(void **state)
{
	static const uint8_t msg[] = {'0', 0};
	_cleanup_file_ struct ms_file f = {0};
	_cleanup_close_ int fd = -1;
	size_t len;

	put_file("m", ELF, ELF_LEN);
	assert_int_equal(ms_module_read(in_folder("m"), &f, &fd, &len, &err), 0);
	assert_int_equal(ms_module_append(in_folder("m"), fd, &f, len, msg, 2,
					  in_folder("."), false, &err),
			 -EISDIR);
	assert_non_null(strstr(err.msg, "the signed module"));
	put_file("m", ELF "!", ELF_LEN + 1); /* someone else was here */
	assert_int_equal(
		ms_module_append(in_folder("m"), fd, &f, len, msg, 2, NULL, false, &err),
		-EAGAIN);
	assert_string_equal(err.code, "file-changed");
	assert_file("m", ELF "!", ELF_LEN + 1);
}

/* Between reading and writing, where a TPM takes its time. */
static void test_other_in_its_place(void **state)
{
	static const uint8_t msg[] = {'0', 0};
	_cleanup_file_ struct ms_file f = {0};
	_cleanup_close_ int fd = -1;
	char link[MS_PATH_MAX];
	size_t len;

	put_file("m", ELF, ELF_LEN);
	put_file("precious", "p", 1);
	snprintf(link, sizeof(link), "%s", in_folder("m"));
	assert_int_equal(ms_module_read(link, &f, &fd, &len, &err), 0);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(ms_module_append(link, fd, &f, len, msg, 2, NULL, false, &err),
			 -EAGAIN);
	assert_int_equal(access(link, F_OK), -1);
	assert_int_equal(symlink("precious", link), 0);
	assert_int_equal(ms_module_append(link, fd, &f, len, msg, 2, NULL, false, &err),
			 -EAGAIN);
	assert_string_equal(err.code, "file-changed");
	assert_file("precious", "p", 1);
	assert_int_equal(unlink(link), 0);

	/* A link to the same file, and a file that another run has put there, are well.
	 */
	put_file("m2", ELF, ELF_LEN);
	close(fd);
	assert_int_equal(symlink("m2", link), 0);
	assert_int_equal(ms_module_read(link, &f, &fd, &len, &err), 0);
	assert_int_equal(ms_module_append(link, fd, &f, len, msg, 2, NULL, true, &err),
			 0);
	assert_int_equal(unlink(link), 0);
	put_file("m", ELF, ELF_LEN);
	assert_int_equal(ms_module_append(link, fd, &f, len, msg, 2, NULL, false, &err),
			 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		folder_test(test_other_in_its_place),
		folder_test(test_payload),
		folder_test(test_refused),
		folder_test(test_append),
		folder_test(test_append_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
