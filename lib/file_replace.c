/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Putting new content in a file's place, all or nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <time.h>
#include <stdatomic.h>
#include <sys/random.h>
#include <sys/xattr.h>
#include "lib/file.h"
#include "lib/file_error.h"
#include "lib/limits.h"

#define PIECES_MAX 16
#define LINKS_MAX 40

/* linux/limits.h, which not every libc includes */
#ifndef XATTR_SIZE_MAX
#define XATTR_SIZE_MAX 65536
#endif
#ifndef XATTR_LIST_MAX
#define XATTR_LIST_MAX 65536
#endif

/* ------------------------------------------------- temporary files and signals */

enum slot_state {
	SLOT_FREE,
	SLOT_TAKEN,   /* its path is being written */
	SLOT_OPENING, /* its file is being made */
	SLOT_FILE,    /* its file may be there */
};

static struct temp_slot {
	atomic_int state;
	char path[MS_PATH_MAX];
} temp_slots[256];

/* The program ends: no file is made any more. */
static atomic_bool ending;

#define ENDING_WAIT_MS 200

static const int end_signals[] = {SIGINT, SIGTERM, SIGHUP};

/* Whether a thread is about to make a file still. */
static bool remove_files(void)
{
	bool opening = false;

	for (size_t i = 0; i < ARRAY_SIZE(temp_slots); i++) {
		int state = atomic_load(&temp_slots[i].state);

		if (state == SLOT_OPENING || state == SLOT_FILE)
			unlink(temp_slots[i].path);
		opening |= state == SLOT_TAKEN || state == SLOT_OPENING;
	}
	return opening;
}

void ms_file_remove_temporary(void)
{
	const struct timespec ms = {.tv_nsec = 1000000};
	int saved = errno;

	/* Other threads either see this before they make a file, or are seen here. In a
	 * signal handler the one that makes a file may be the one that waits: not long.
	 */
	atomic_store(&ending, true);
	for (int i = 0; remove_files() && i < ENDING_WAIT_MS; i++)
		(void)nanosleep(&ms, NULL);
	errno = saved;
}

static void remove_and_die(int sig)
{
	ms_file_remove_temporary();
	raise(sig); /* SA_RESETHAND: ends the process once this handler returns */
}

void ms_file_clean_up_on_signals(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(end_signals); i++) {
		struct sigaction old, sa = {.sa_handler = remove_and_die,
					    .sa_flags = (int)SA_RESETHAND};

		if (sigaction(end_signals[i], NULL, &old) == 0 &&
		    old.sa_handler == SIG_DFL)
			sigaction(end_signals[i], &sa, NULL);
	}
}

static struct temp_slot *slot_take(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(temp_slots); i++) {
		int empty = SLOT_FREE;

		if (!atomic_compare_exchange_strong(&temp_slots[i].state, &empty,
						    SLOT_TAKEN))
			continue;
		memcpy(temp_slots[i].path, path, strlen(path) + 1);
		atomic_store(&temp_slots[i].state, SLOT_OPENING);
		return &temp_slots[i];
	}
	return NULL;
}

static void slot_release(struct temp_slot *slot)
{
	if (slot)
		atomic_store(&slot->state, SLOT_FREE);
}

/* ----------------------------------------------------------------- where it goes */

/*
 * Follows the links at the end of @path into @dst. rename() would replace a device as
 * willingly as a file, so what stands there has to be a file or nothing.
 */
static int find_target(const char *path, char dst[MS_PATH_MAX], struct ms_error *err)
{
	char link[MS_PATH_MAX];
	size_t len = strlen(path);
	struct stat st;

	if (len == 0)
		return ms_error_set(err, -ENOENT, "no-such-file", "has an empty name");
	if (len >= MS_PATH_MAX)
		return ms_error_set(err, -ENAMETOOLONG, "name-too-long",
				    "has too long a name");
	memcpy(dst, path, len + 1);
	for (int hops = 0; hops < LINKS_MAX; hops++) {
		char *slash;
		size_t dir;
		ssize_t n;

		if (lstat(dst, &st) < 0) {
			if (errno == ENOENT)
				return 0;
			return ms_error_set(err, -errno, "cannot-replace",
					    "cannot be replaced: %s", ms_strerror(errno));
		}
		if (S_ISREG(st.st_mode))
			return 0;
		if (S_ISDIR(st.st_mode))
			return ms_error_set(err, -EISDIR, "is-a-directory",
					    "is a directory, not a file");
		if (!S_ISLNK(st.st_mode))
			return ms_error_set(err, -EINVAL, "not-a-file",
					    "not a regular file");
		n = readlink(dst, link, sizeof(link));
		slash = strrchr(dst, '/');
		dir = n > 0 && link[0] != '/' && slash ? (size_t)(slash + 1 - dst) : 0;
		if (n <= 0 || dir + (size_t)n >= MS_PATH_MAX)
			break;
		memcpy(dst + dir, link, (size_t)n);
		dst[dir + (size_t)n] = '\0';
	}
	return ms_error_set(err, -ELOOP, "cannot-replace",
			    "cannot be replaced: its symbolic links lead nowhere");
}

static int temp_name(const char *target, char dst[MS_PATH_MAX])
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	const char *slash = strrchr(target, '/');
	size_t dir = slash ? (size_t)(slash + 1 - target) : 0;
	size_t prefix = sizeof(MS_FILE_TEMP_PREFIX) - 1;
	uint8_t random[6];

	if (dir + prefix + sizeof(random) >= MS_PATH_MAX)
		return -ENAMETOOLONG;
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -errno;
	memcpy(dst, target, dir);
	memcpy(dst + dir, MS_FILE_TEMP_PREFIX, prefix);
	for (size_t i = 0; i < sizeof(random); i++)
		dst[dir + prefix + i] = letters[random[i] & 63];
	dst[dir + prefix + sizeof(random)] = '\0';
	return 0;
}

/* -------------------------------------------------------------- what it looks like */

static bool stays_behind(const char *name)
{
	return strcmp(name, "security.ima") == 0 || strcmp(name, "security.evm") == 0;
}

static bool may_be_refused(int e)
{
	return e == ENOTSUP || e == EPERM || e == EACCES;
}

static int copy_xattr(int from, int to, const char *name)
{
	char small[1024];
	_cleanup_free_ char *large = NULL;
	char *value = small;
	ssize_t n = fgetxattr(from, name, small, sizeof(small));

	if (n < 0 && errno == ERANGE) {
		large = malloc(XATTR_SIZE_MAX);
		if (!large)
			return -ENOMEM;
		value = large;
		n = fgetxattr(from, name, large, XATTR_SIZE_MAX);
	}
	if (n < 0)
		return errno == ENODATA || may_be_refused(errno) ? 0 : -errno;
	if (fsetxattr(to, name, value, (size_t)n, 0) < 0 && !may_be_refused(errno))
		return -errno;
	return 0;
}

static int copy_xattrs(int from, int to)
{
	static const char acl[] = "system.posix_acl_access";
	char small[1024];
	_cleanup_free_ char *large = NULL;
	char *names = small;
	bool has_acl = false;
	ssize_t n = flistxattr(from, small, sizeof(small));

	if (n < 0 && errno == ERANGE) {
		large = malloc(XATTR_LIST_MAX);
		if (!large)
			return -ENOMEM;
		names = large;
		n = flistxattr(from, large, XATTR_LIST_MAX);
	}
	if (n < 0)
		return may_be_refused(errno) ? 0 : -errno;
	for (const char *p = names; p < names + n; p += strlen(p) + 1) {
		int r;

		has_acl |= strcmp(p, acl) == 0;
		r = stays_behind(p) ? 0 : copy_xattr(from, to, p);
		if (r < 0)
			return r;
	}
	/* A default ACL of the directory must not open up what was closed before. */
	if (!has_acl)
		(void)!fremovexattr(to, acl);
	return 0;
}

static int copy_looks(int from, int to)
{
	mode_t mode;
	struct stat st;
	int r;

	if (fstat(from, &st) < 0)
		return -errno;
	mode = st.st_mode & 07777;
	if (fchown(to, st.st_uid, st.st_gid) < 0) {
		if (errno != EPERM || st.st_uid != geteuid())
			return -errno;
		mode &= 01777; /* the group is another: no set-id with it */
	}
	r = copy_xattrs(from, to);
	if (r < 0)
		return r;
	return fchmod(to, mode) < 0 ? -errno : 0;
}

/* ------------------------------------------------------------------------ writing */

static int write_all(int fd, const struct iovec *iov, int n)
{
	struct iovec left[PIECES_MAX];
	int first = 0;

	if (n > 0)
		memcpy(left, iov, (size_t)n * sizeof(*iov));
	for (;;) {
		ssize_t done;

		while (first < n && left[first].iov_len == 0)
			first++;
		if (first == n)
			return 0;
		done = writev(fd, left + first, n - first);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		if (done == 0)
			return -EIO;
		while (first < n && (size_t)done >= left[first].iov_len)
			done -= (ssize_t)left[first++].iov_len;
		if (first < n) {
			left[first].iov_base = (char *)left[first].iov_base + done;
			left[first].iov_len -= (size_t)done;
		}
	}
}

int ms_file_write_error(int r, struct ms_error *err)
{
	if (r == -EFBIG)
		return ms_error_set(err, r, "file-too-large",
				    "cannot be written: larger than this process or file "
				    "system allows (ulimit -f)");
	if (r == -ENOSPC || r == -EDQUOT)
		return ms_error_set(
			err, r, "no-space",
			"cannot be written: %s: free some space and try again",
			ms_strerror(r));
	return ms_error_set(err, r, "cannot-write", "cannot be written: %s",
			    ms_strerror(r));
}

static int fill(int fd, int like, const struct iovec *iov, int n, bool sync,
		struct ms_error *err)
{
	int r = write_all(fd, iov, n);

	if (r < 0)
		return ms_file_write_error(r, err);
	r = like < 0 ? 0 : copy_looks(like, fd);
	if (r < 0)
		return ms_error_set(err, r, "cannot-keep-owner",
				    "cannot keep its owner, mode and attributes: %s: "
				    "run as the file's owner",
				    ms_strerror(r));
	if (sync && fsync(fd) < 0)
		return ms_error_set(err, -errno, "cannot-write",
				    "cannot be made durable: %s", ms_strerror(errno));
	return 0;
}

static void put_folder(const char *target, char dir[MS_PATH_MAX])
{
	const char *slash = strrchr(target, '/');
	size_t len = slash ? (size_t)(slash + 1 - target) : 1;

	memcpy(dir, slash ? target : ".", len);
	dir[len] = '\0';
}

static int sync_folder(const char *target)
{
	char dir[MS_PATH_MAX];
	_cleanup_close_ int fd = -1;

	put_folder(target, dir);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/*
 * A rename lasts once the folder is on the disk. A folder that may not be read (-wx)
 * cannot be opened, and not every file system syncs folders: then all of the file system
 * is synced, by way of the open file @fd.
 */
static int make_last(const char *target, int fd, struct ms_error *err)
{
	int r = sync_folder(target);

	if (r == -EACCES || r == -EPERM || r == -EINVAL || r == -ENOTSUP || r == -ENOSYS)
		r = syncfs(fd) < 0 ? -errno : 0;
	return r < 0 ? ms_error_set(err, r, "cannot-write",
				    "is replaced, and may be the old one again after a "
				    "crash: its directory cannot be made durable: %s",
				    ms_strerror(r))
		     : 0;
}

static int create_temp(const char *target, mode_t mode, char path[MS_PATH_MAX],
		       struct temp_slot **ret_slot, struct ms_error *err)
{
	for (int tries = 0; tries < 16; tries++) {
		int fd, r = temp_name(target, path);

		if (r < 0)
			return ms_error_set(err, r, "cannot-replace",
					    "cannot be replaced: %s", ms_strerror(r));
		*ret_slot = slot_take(path);
		if (atomic_load(&ending)) {
			slot_release(*ret_slot);
			return ms_error_set(err, -EINTR, NULL, "the program is ending");
		}
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			  mode);
		if (fd >= 0) {
			if (*ret_slot)
				atomic_store(&(*ret_slot)->state, SLOT_FILE);
			return fd;
		}
		r = -errno;
		slot_release(*ret_slot);
		if (r == -EEXIST)
			continue;
		if (r == -ENOENT || r == -ENOTDIR)
			return ms_error_set(err, r, "no-such-directory",
					    "its directory does not exist");
		return ms_error_set(err, r, "cannot-replace",
				    "no new file can be made in its directory: %s",
				    ms_strerror(r));
	}
	return ms_error_set(err, -EEXIST, "cannot-replace",
			    "no free name for a temporary file in its directory");
}

int ms_file_replace(const char *path, int like, mode_t mode, const struct iovec *iov,
		    int n, bool sync, struct ms_error *err)
{
	char target[MS_PATH_MAX], temp[MS_PATH_MAX];
	struct temp_slot *slot = NULL;
	_cleanup_close_ int synced = -1;
	int fd, r;

	if (n < 0 || n > PIECES_MAX)
		return ms_error_set(err, -EINVAL, NULL,
				    "is to be made of too many pieces");
	r = find_target(path, target, err);
	if (r < 0)
		return r;
	fd = create_temp(target, like < 0 ? mode : 0600, temp, &slot, err);
	if (fd < 0)
		return fd;
	r = fill(fd, like, iov, n, sync, err);
	/* What is on the disk already does not fail in close() any more. */
	if (sync)
		synced = fd;
	else if (close(fd) < 0 && r == 0)
		r = ms_error_set(err, -errno, "cannot-write", "cannot be written: %s",
				 ms_strerror(errno));
	if (r == 0 && rename(temp, target) < 0)
		r = ms_error_set(err, -errno, "cannot-replace", "cannot be replaced: %s",
				 ms_strerror(errno));
	if (r < 0)
		unlink(temp);
	slot_release(slot);
	return r == 0 && sync ? make_last(target, synced, err) : r;
}

int ms_file_replaceable(const char *path, struct ms_error *err)
{
	char target[MS_PATH_MAX], dir[MS_PATH_MAX];
	int r = find_target(path, target, err);

	if (r < 0)
		return r;
	put_folder(target, dir);
	if (faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS) == 0)
		return 0;
	return ms_error_set(err, -errno, "cannot-replace",
			    "no new file can be made in its directory: %s",
			    ms_strerror(errno));
}

static int link_lasts(const char *path, struct ms_error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	return make_last(path, fd, err);
}

int ms_file_link_over(const char *from, const char *path, struct ms_error *err)
{
	char temp[MS_PATH_MAX];

	for (int tries = 0; tries < 16; tries++) {
		struct temp_slot *slot;
		int r = temp_name(path, temp);

		if (r < 0)
			return ms_error_set(err, r, "cannot-replace",
					    "cannot be replaced: %s", ms_strerror(r));
		slot = slot_take(temp);
		r = linkat(AT_FDCWD, from, AT_FDCWD, temp, AT_SYMLINK_FOLLOW) < 0 ? -errno
										  : 0;
		if (r == 0 && rename(temp, path) < 0)
			r = -errno;
		/* Also where there was nothing to do: rename() leaves two names of one
		 * file as they are. */
		if (r != -EEXIST)
			unlink(temp);
		slot_release(slot);
		if (r == 0)
			return link_lasts(path, err);
		if (r != -EEXIST)
			return ms_error_set(err, r, "cannot-replace",
					    "cannot be replaced: %s", ms_strerror(r));
	}
	return ms_error_set(err, -EEXIST, "cannot-replace",
			    "no free name for a temporary file in its directory");
}
