/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "folder.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include "lib/file_append.h"

static struct ms_error err;

static char body[3 * 4096], tail[600];

/* In the place of libc's: SIZE_MAX: all is written, else so many bytes, as by a disk that
 * is full then. */
static size_t room = SIZE_MAX;

ssize_t pwritev(int fd, const struct iovec *iov, int n, off_t at);
ssize_t pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
	ssize_t done = 0;

	for (int i = 0; i < n; i++) {
		size_t len = MS_MIN(iov[i].iov_len, room - (size_t)done);

		if (pwrite(fd, iov[i].iov_base, len, at + done) != (ssize_t)len)
			return -1;
		done += (ssize_t)len;
	}
	return done;
}

/* A file of @len bytes, read as a module would be. */
static int open_file(size_t len, struct ms_file *f)
{
	int fd;

	put_file("m", body, len);
	memset(&err, 0, sizeof(err));
	assert_int_equal(ms_file_open(AT_FDCWD, in_folder("m"), &fd, &err), 0);
	assert_int_equal(ms_file_read_fd(fd, 1 << 20, 0, f, &err), 0);
	return fd;
}

static int append(int fd, const struct ms_file *f, size_t len)
{
	struct iovec iov[] = {{tail, len / 2}, {tail + len / 2, len - len / 2}};

	return ms_file_append(in_folder("m"), fd, f, iov, 2, &err);
}

/* The file with @n bytes of the tail behind the first @len of the body. */
static void assert_added(size_t len, size_t n)
{
	static char want[sizeof(body) + sizeof(tail)];

	memcpy(want, body, len);
	memcpy(want + len, tail, n);
	assert_file("m", want, len + n);
}

static int fill_text(void **state)
{
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (char)(i * 7);
	for (size_t i = 0; i < sizeof(tail); i++)
		tail[i] = (char)(i * 11 + 1);
	return 0;
}

static void test_added(void **state)
{
	_cleanup_file_ struct ms_file f = {0};
	_cleanup_close_ int fd = open_file(5000, &f);
	struct stat before, after;

	assert_int_equal(chmod(in_folder("m"), 0604), 0);
	assert_int_equal(fstat(fd, &before), 0);
	assert_int_equal(append(fd, &f, 600), 1);
	assert_added(5000, 600);
	assert_int_equal(stat(in_folder("m"), &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_equal(count_files(MS_FILE_TEMP_PREFIX), 0);
}

static void test_pages(void **state)
{
	static const struct {
		size_t from, len;
		int want;
	} cases[] = {
		{0, 600, 1},	      {4096, 600, 1},	    {4096 - 600, 600, 1},
		{4096 - 599, 600, 0}, {4095, 1, 1},	    {4095, 2, 0},
		{8191, 600, 0},	      {2 * 4096 - 1, 1, 1}, {100, 0, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_file_ struct ms_file f = {0};
		_cleanup_close_ int fd = open_file(cases[i].from, &f);

		assert_int_equal(append(fd, &f, cases[i].len), cases[i].want);
		assert_added(cases[i].from, cases[i].want ? cases[i].len : 0);
	}
}

/* What has to be replaced instead. */
static void test_not_possible(void **state)
{
	_cleanup_file_ struct ms_file f = {0};
	_cleanup_close_ int fd = open_file(100, &f);

	assert_int_equal(link(in_folder("m"), in_folder("other")), 0);
	assert_int_equal(append(fd, &f, 10), 0);
	assert_int_equal(unlink(in_folder("other")), 0);
	assert_int_equal(chmod(in_folder("m"), 04755), 0);
	assert_int_equal(append(fd, &f, 10), 0);
	assert_int_equal(chmod(in_folder("m"), 02755), 0);
	assert_int_equal(append(fd, &f, 10), 0);
	assert_int_equal(chmod(in_folder("m"), 0444), 0);
	if (geteuid() != 0)
		assert_int_equal(append(fd, &f, 10), 0);
	assert_int_equal(chmod(in_folder("m"), 0644), 0);
	if (setxattr(in_folder("m"), "user.note", "x", 1, 0) == 0 && geteuid() == 0) {
		static const char *const names[] = {"security.ima", "security.evm"};

		for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
			if (setxattr(in_folder("m"), names[i], "\1", 1, 0) < 0)
				continue;
			assert_int_equal(append(fd, &f, 10), 0);
			assert_int_equal(removexattr(in_folder("m"), names[i]), 0);
		}
	}
	/* another file in its place, and none */
	assert_int_equal(rename(in_folder("m"), in_folder("old")), 0);
	assert_int_equal(append(fd, &f, 10), 0);
	put_file("m", body, 100);
	assert_int_equal(append(fd, &f, 10), 0);
	assert_file("m", body, 100);
	assert_file("old", body, 100);
	assert_int_equal(rename(in_folder("old"), in_folder("m")), 0);
	assert_int_equal(append(fd, &f, 10), 1);
	assert_added(100, 10);
}

static void test_changed(void **state)
{
	_cleanup_file_ struct ms_file f = {0};
	_cleanup_close_ int fd = open_file(100, &f), other = -1;

	other = open(in_folder("m"), O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(other, "!", 1, 100), 1);
	assert_int_equal(append(fd, &f, 10), -EAGAIN);
	assert_string_equal(err.code, "file-changed");
	assert_int_equal(ftruncate(other, 100), 0);
	assert_int_equal(append(fd, &f, 10), -EAGAIN); /* by its time alone */
	assert_file("m", body, 100);
}

/* Those who may only read it can hold a lock on it: that it is signed is not up to them.
 */
static void test_locked(void **state)
{
	static const short types[] = {F_RDLCK, F_WRLCK};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		_cleanup_file_ struct ms_file f = {0};
		_cleanup_close_ int fd = open_file(100, &f), other = -1;
		struct flock whole = {.l_type = types[i], .l_whence = SEEK_SET};

		other = open(in_folder("m"),
			     (types[i] == F_RDLCK ? O_RDONLY : O_RDWR) | O_CLOEXEC);
		assert_int_equal(fcntl(other, F_OFD_SETLK, &whole), 0);
		assert_int_equal(append(fd, &f, 10), 0);
		assert_file("m", body, 100);
		whole.l_type = F_UNLCK;
		assert_int_equal(fcntl(other, F_OFD_SETLK, &whole), 0);
		assert_int_equal(append(fd, &f, 10), 1);
		assert_added(100, 10);
	}
}

/* With a limit that lets @more bytes of the tail in. Return: what append() says */
static int append_limited(rlim_t more)
{
	_cleanup_file_ struct ms_file f = {0};
	_cleanup_close_ int fd = open_file(100, &f);
	struct rlimit limit = {100 + more, 100 + more};
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGXFSZ, SIG_IGN);
		_exit(setrlimit(RLIMIT_FSIZE, &limit) < 0 ? 9 : append(fd, &f, 50));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

/* Nothing is written that would have to be taken back. */
static void test_limit(void **state)
{
	room = 0; /* whoever writes fails */
	assert_int_equal(append_limited(0), 0);
	assert_int_equal(append_limited(49), 0);
	assert_file("m", body, 100);
	room = SIZE_MAX;
	assert_int_equal(append_limited(50), 1);
	assert_added(100, 50);
}

static void test_taken_back(void **state)
{
	for (room = 0; room < 50; room += 7) {
		_cleanup_file_ struct ms_file f = {0};
		_cleanup_close_ int fd = open_file(100, &f);

		/* "Once more, to hear why": here it fits then, and is taken back too. */
		assert_int_equal(append(fd, &f, 50), -EIO);
		assert_string_equal(err.code, "cannot-write");
		assert_file("m", body, 100);
	}
	room = SIZE_MAX;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		folder_test(test_added),	folder_test(test_pages),
		folder_test(test_not_possible), folder_test(test_changed),
		folder_test(test_locked),	folder_test(test_limit),
		folder_test(test_taken_back),
	};

	return cmocka_run_group_tests(tests, fill_text, NULL);
}
