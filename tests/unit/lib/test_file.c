/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "folder.h"
#include <sys/socket.h>
#include <sys/un.h>
#include "lib/file.h"

static struct ms_error err;

static int read_named(const char *name, size_t max, size_t extra, struct ms_file *f)
{
	memset(&err, 0, sizeof(err));
	return ms_file_read(AT_FDCWD, in_folder(name), max, extra, f, &err);
}

static void test_reads(void **state)
{
	_cleanup_file_ struct ms_file f = {0};
	char large[10000];
	size_t cap;

	memset(large, 'l', sizeof(large));
	put_file("large", large, sizeof(large));
	put_file("small", "abc\0def", 7);
	put_file("empty", "", 0);
	assert_int_equal(read_named("large", sizeof(large), 40, &f), 0);
	assert_int_equal(f.len, sizeof(large));
	assert_memory_equal(f.data, large, sizeof(large));
	assert_true(f.cap >= sizeof(large) + 40);
	assert_int_equal(f.st.st_size, sizeof(large));
	cap = f.cap;
	assert_int_equal(read_named("small", 7, 0, &f), 0);
	assert_int_equal(f.len, 7);
	assert_memory_equal(f.data, "abc\0def", 7);
	assert_int_equal(f.cap, cap); /* the memory is used again */
	assert_int_equal(read_named("empty", 0, 0, &f), 0);
	assert_int_equal(f.len, 0);
}

static void test_relative(void **state)
{
	_cleanup_file_ struct ms_file f = {0};
	_cleanup_close_ int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	put_file("a", "x", 1);
	assert_int_equal(symlinkat("a", dir, "link"), 0);
	assert_int_equal(ms_file_read(dir, "link", 10, 0, &f, &err), 0);
	assert_int_equal(f.len, 1);
}

static void test_refusals(void **state)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	_cleanup_file_ struct ms_file f = {0};
	_cleanup_close_ int s = socket(AF_UNIX, SOCK_STREAM, 0);

	put_file("four", "1234", 4);
	assert_int_equal(read_named("four", 3, 0, &f), -EFBIG);
	assert_string_equal(err.msg, "has 4 bytes, and at most 3 are accepted");
	assert_int_equal(read_named(".", 100, 0, &f), -EISDIR);
	assert_int_equal(read_named("nothing", 100, 0, &f), -ENOENT);
	assert_int_equal(read_named("four/x", 100, 0, &f), -ENOTDIR);
	assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
	assert_int_equal(read_named("fifo", 100, 0, &f), -EINVAL); /* and does not wait */
	assert_string_equal(err.msg, "not a regular file");
	assert_int_equal(ms_file_read(AT_FDCWD, "/dev/zero", 100, 0, &f, &err), -EINVAL);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", in_folder("sock"));
	assert_int_equal(bind(s, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(read_named("sock", 100, 0, &f), -EINVAL);
	assert_int_equal(read_named("four", 100, SIZE_MAX - 2, &f), -ENOMEM);
	assert_null(f.data);
}

/* Says 0 bytes, has more: as a file does that grows while it is read. */
static void test_grows(void **state)
{
	_cleanup_file_ struct ms_file f = {0};

	assert_int_equal(ms_file_read(AT_FDCWD, "/proc/self/status", 100000, 0, &f, &err),
			 -EAGAIN);
	assert_int_equal(f.len, 0);
}

static void test_unchanged(void **state)
{
	_cleanup_file_ struct ms_file f = {0};
	_cleanup_close_ int fd = -1;
	struct timespec old[2] = {{1000, 5}, {1000, 5}};

	put_file("a", "1234", 4);
	assert_int_equal(ms_file_open(AT_FDCWD, in_folder("a"), &fd, &err), 0);
	assert_int_equal(ms_file_read_fd(fd, 10, 0, &f, &err), 0);
	assert_true(ms_file_unchanged(&f, fd));
	assert_int_equal(utimensat(AT_FDCWD, in_folder("a"), old, 0), 0);
	assert_false(ms_file_unchanged(&f, fd));
	assert_int_equal(ms_file_read_fd(fd, 10, 0, &f, &err), 0);
	assert_true(ms_file_unchanged(&f, fd));
	put_file("a", "12345", 5);
	assert_int_equal(utimensat(AT_FDCWD, in_folder("a"), old, 0), 0);
	assert_false(ms_file_unchanged(&f, fd));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		folder_test(test_reads),     folder_test(test_relative),
		folder_test(test_refusals),  folder_test(test_grows),
		folder_test(test_unchanged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
