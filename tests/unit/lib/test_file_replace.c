/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "folder.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include "lib/file.h"

static struct ms_error err;

static int replace(const char *name, int like, mode_t mode, const char *text)
{
	struct iovec iov = {(void *)(uintptr_t)text, strlen(text)};

	memset(&err, 0, sizeof(err));
	return ms_file_replace(in_folder(name), like, mode, &iov, 1, false, &err);
}

static void test_new_and_old(void **state)
{
	char a[] = "one ", b[] = "two ", c[] = "three";
	struct iovec iov[] = {{a, 4}, {NULL, 0}, {b, 4}, {c, 5}, {c, 0}};
	struct stat st;
	mode_t mask = umask(027);

	assert_int_equal(ms_file_replace(in_folder("f"), -1, 0666, iov, 5, true, &err),
			 0);
	umask(mask);
	assert_file("f", "one two three", 13);
	assert_int_equal(stat(in_folder("f"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(replace("f", -1, 0600, "new"), 0);
	assert_file("f", "new", 3);
	assert_int_equal(ms_file_replace(in_folder("f"), -1, 0600, NULL, 0, false, &err),
			 0);
	assert_file("f", "", 0);
	assert_int_equal(count_files(MS_FILE_TEMP_PREFIX), 0);
}

static void test_relative_name(void **state)
{
	_cleanup_close_ int back = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct iovec iov = {folder, 4};

	assert_int_equal(chdir(folder), 0);
	assert_int_equal(ms_file_replace("plain", -1, 0644, &iov, 1, false, &err), 0);
	assert_int_equal(fchdir(back), 0);
	assert_file("plain", "/tmp", 4);
}

static void test_looks(void **state)
{
	bool root = geteuid() == 0, attrs;
	_cleanup_close_ int fd = -1;
	char value[100000], got[100000];
	struct stat before, after;

	put_file("f", "old", 3);
	memset(value, 'v', sizeof(value));
	attrs = setxattr(in_folder("f"), "user.one", "1\0002", 3, 0) == 0;
	/* larger than the first try of the copy; not every file system takes it */
	if (attrs)
		(void)!setxattr(in_folder("f"), "user.large", value, 2000, 0);
	if (root) {
		assert_int_equal(chown(in_folder("f"), 1234, 4321), 0);
		(void)!setxattr(in_folder("f"), "security.ima", "\x01hash", 5, 0);
	}
	assert_int_equal(chmod(in_folder("f"), 02751), 0);
	fd = open(in_folder("f"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(fstat(fd, &before), 0);
	assert_int_equal(replace("f", fd, 0, "new"), 0);
	assert_file("f", "new", 3);
	assert_int_equal(stat(in_folder("f"), &after), 0);
	assert_int_not_equal(after.st_ino, before.st_ino);
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_equal(after.st_uid, before.st_uid);
	assert_int_equal(after.st_gid, before.st_gid);
	if (attrs) {
		ssize_t had = fgetxattr(fd, "user.large", got, sizeof(got));

		assert_int_equal(getxattr(in_folder("f"), "user.one", got, sizeof(got)),
				 3);
		assert_memory_equal(got, "1\0002", 3);
		assert_int_equal(getxattr(in_folder("f"), "user.large", got, sizeof(got)),
				 had);
	}
	/* speaks of the old content */
	assert_true(getxattr(in_folder("f"), "security.ima", got, sizeof(got)) < 0);
}

/* A default ACL of the folder must not open up a file that had none. */
static void test_inherited_acl(void **state)
{
	/* version 2; user::rwx, user:1000:rwx, group::r-x, mask::rwx, other::r-x */
	static const uint8_t acl[] = {
		2, 0,	0,   0,	  1,   0,   7,	0, 255, 255, 255, 255, 2,   0,	 7,
		0, 232, 3,   0,	  0,   4,   0,	5, 0,	255, 255, 255, 255, 16,	 0,
		7, 0,	255, 255, 255, 255, 32, 0, 5,	0,   255, 255, 255, 255,
	};
	static const char name[] = "system.posix_acl_access";
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (setxattr(folder, "system.posix_acl_default", acl, sizeof(acl), 0) < 0)
		skip();
	put_file("f", "old", 3);
	assert_true(getxattr(in_folder("f"), name, NULL, 0) > 0); /* the folder's */
	assert_int_equal(removexattr(in_folder("f"), name), 0);
	assert_int_equal(chmod(in_folder("f"), 0640), 0);
	fd = open(in_folder("f"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(replace("f", fd, 0, "new"), 0);
	assert_true(getxattr(in_folder("f"), name, NULL, 0) < 0);
	assert_int_equal(stat(in_folder("f"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

static void test_links(void **state)
{
	struct stat st;

	assert_int_equal(mkdir(in_folder("sub"), 0700), 0);
	put_file("sub/real", "old", 3);
	assert_int_equal(symlink("sub/second", in_folder("first")), 0);
	assert_int_equal(symlink("real", in_folder("sub/second")), 0);
	assert_int_equal(replace("first", -1, 0644, "new"), 0);
	assert_file("sub/real", "new", 3);
	assert_int_equal(lstat(in_folder("first"), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(lstat(in_folder("sub/second"), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	/* one that points nowhere yet, and an absolute one */
	assert_int_equal(symlink("sub/fresh", in_folder("dangling")), 0);
	assert_int_equal(replace("dangling", -1, 0644, "x"), 0);
	assert_file("sub/fresh", "x", 1);
	assert_int_equal(symlink(in_folder("sub/real"), in_folder("absolute")), 0);
	assert_int_equal(replace("absolute", -1, 0644, "y"), 0);
	assert_file("sub/real", "y", 1);
	assert_int_equal(symlink("loop", in_folder("loop")), 0);
	assert_int_equal(replace("loop", -1, 0644, "y"), -ELOOP);
}

static void test_refusals(void **state)
{
	struct iovec many[17] = {0};
	struct iovec one = {folder, 1};
	struct stat st;
	char name[5000];

	assert_int_equal(mkdir(in_folder("dir"), 0700), 0);
	assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
	assert_int_equal(replace("dir", -1, 0644, "x"), -EISDIR);
	assert_int_equal(replace("fifo", -1, 0644, "x"), -EINVAL);
	assert_int_equal(lstat(in_folder("fifo"), &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(ms_file_replace("/dev/null", -1, 0644, &one, 1, false, &err),
			 -EINVAL);
	assert_int_equal(replace("no/such", -1, 0644, "x"), -ENOENT);
	assert_string_equal(err.msg, "its directory does not exist");
	assert_int_equal(replace("fifo/x", -1, 0644, "x"), -ENOTDIR);
	assert_int_equal(ms_file_replace("", -1, 0644, &one, 1, false, &err), -ENOENT);
	assert_int_equal(ms_file_replace(in_folder("f"), -1, 0644, many, 17, false, &err),
			 -EINVAL);
	memset(name, 'a', sizeof(name));
	name[4999] = '\0';
	assert_int_equal(ms_file_replace(name, -1, 0644, &one, 1, false, &err),
			 -ENAMETOOLONG);
	name[300] = '\0';
	assert_int_equal(ms_file_replace(name, -1, 0644, &one, 1, false, &err),
			 -ENAMETOOLONG);
	assert_int_equal(count_files(MS_FILE_TEMP_PREFIX), 0);
}

/* In a child, as limits and signal dispositions stay. */
static void in_child(void (*f)(void), int want)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		f();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, want);
}

static void replace_as_nobody(void)
{
	struct iovec iov = {folder, 4};

	if (geteuid() == 0 &&
	    (chown(folder, 65534, 65534) < 0 || setresgid(65534, 65534, 65534) < 0 ||
	     setresuid(65534, 65534, 65534) < 0))
		_exit(1);
	if (chmod(folder, 0300) < 0 || open(folder, O_RDONLY | O_CLOEXEC) >= 0 ||
	    ms_file_replace(in_folder("f"), -1, 0644, &iov, 1, true, &err) < 0)
		_exit(2);
}

/* A folder that may be written to and not read, and so not be opened and synced. */
static void test_write_only_folder(void **state)
{
	in_child(replace_as_nobody, 0);
	assert_int_equal(chmod(folder, 0700), 0);
	assert_file("f", "/tmp", 4);
	assert_int_equal(count_files(MS_FILE_TEMP_PREFIX), 0);
}

static void write_over_limit(void)
{
	static char large[100000];
	struct rlimit limit = {50000, 50000};
	struct iovec iov = {large, sizeof(large)};

	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0 ||
	    ms_file_replace(in_folder("f"), -1, 0644, &iov, 1, false, &err) != -EFBIG ||
	    !strstr(err.msg, "ulimit"))
		_exit(1);
}

static void test_limit(void **state)
{
	put_file("f", "old", 3);
	in_child(write_over_limit, 0);
	assert_file("f", "old", 3);
	assert_int_equal(count_files(MS_FILE_TEMP_PREFIX), 0);
}

static void replace_forever(void)
{
	static char large[16 << 20];
	struct iovec iov = {large, sizeof(large)};

	ms_file_clean_up_on_signals();
	for (;;)
		if (ms_file_replace(in_folder("f"), -1, 0644, &iov, 1, false, &err) < 0)
			_exit(1);
}

/* Ends a child while it has a temporary file, which is most of the time. */
static void end_child(int sig)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		replace_forever();
	while (count_files(MS_FILE_TEMP_PREFIX) == 0)
		assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	assert_int_equal(kill(pid, sig), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), sig);
}

static void test_signals(void **state)
{
	struct stat st;

	end_child(SIGTERM);
	assert_int_equal(count_files(MS_FILE_TEMP_PREFIX), 0);
	end_child(SIGINT);
	assert_int_equal(count_files(MS_FILE_TEMP_PREFIX), 0);
	/* Nothing can be tidied here, but the file itself is there as a whole or not at
	 * all. */
	end_child(SIGKILL);
	if (stat(in_folder("f"), &st) == 0)
		assert_int_equal(st.st_size, 16 << 20);
}

static void keep_ignored(void)
{
	struct sigaction sa;

	signal(SIGINT, SIG_IGN);
	ms_file_clean_up_on_signals();
	if (sigaction(SIGINT, NULL, &sa) < 0 || sa.sa_handler != SIG_IGN)
		_exit(1);
}

static void test_ignored_stays_ignored(void **state)
{
	in_child(keep_ignored, 0);
}

static void test_replaceable(void **state)
{
	put_file("f", "x", 1);
	assert_int_equal(ms_file_replaceable(in_folder("f"), &err), 0);
	assert_int_equal(ms_file_replaceable(in_folder("none"), &err), 0);
	assert_int_equal(ms_file_replaceable(in_folder("."), &err), -EISDIR);
	assert_int_equal(ms_file_replaceable("", &err), -ENOENT);
	assert_int_equal(ms_file_replaceable("/dev/null", &err), -EINVAL);
	assert_int_equal(ms_file_replaceable(in_folder("none/f"), &err), -ENOENT);
	/* Nobody writes there, root neither. */
	assert_int_not_equal(ms_file_replaceable("/proc/self/status", &err), 0);
	if (geteuid() == 0)
		return;
	assert_int_equal(chmod(in_folder("."), 0500), 0);
	assert_int_equal(ms_file_replaceable(in_folder("f"), &err), -EACCES);
	assert_string_equal(err.code, "cannot-replace");
	assert_int_equal(chmod(in_folder("."), 0700), 0);
}

static void test_link_over(void **state)
{
	struct stat a, b;

	put_file("a", "new", 3);
	put_file("b", "old", 3);
	assert_int_equal(ms_file_link_over(in_folder("a"), in_folder("b"), &err), 0);
	assert_int_equal(stat(in_folder("a"), &a), 0);
	assert_int_equal(stat(in_folder("b"), &b), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	/* Through a symbolic link: a name of the file, not of the link. */
	put_file("c", "old", 3);
	assert_int_equal(symlink("a", in_folder("link")), 0);
	assert_int_equal(ms_file_link_over(in_folder("link"), in_folder("c"), &err), 0);
	assert_int_equal(lstat(in_folder("c"), &b), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	/* two names of one file already */
	assert_int_equal(ms_file_link_over(in_folder("a"), in_folder("b"), &err), 0);
	assert_int_equal(ms_file_link_over(in_folder("none"), in_folder("c"), &err),
			 -ENOENT);
	assert_file("c", "new", 3);
	assert_int_equal(count_files(MS_FILE_TEMP_PREFIX), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		folder_test(test_new_and_old),
		folder_test(test_relative_name),
		folder_test(test_looks),
		folder_test(test_links),
		folder_test(test_refusals),
		folder_test(test_write_only_folder),
		folder_test(test_limit),
		folder_test(test_replaceable),
		folder_test(test_link_over),
		folder_test(test_inherited_acl),
		folder_test(test_signals),
		folder_test(test_ignored_stays_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
