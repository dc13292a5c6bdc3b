/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* What the installed header may be too old to have; the numbers are the kernel's for
 * good. */
#define FS_EXECUTE (UINT64_C(1) << 0)
#define FS_WRITE_FILE (UINT64_C(1) << 1)
#define FS_READ_FILE (UINT64_C(1) << 2)
#define FS_READ_DIR (UINT64_C(1) << 3)
#define FS_REMOVE_FILE (UINT64_C(1) << 5)
#define FS_MAKE_REG (UINT64_C(1) << 8)
#define FS_TRUNCATE (UINT64_C(1) << 14)
#define NET_BIND_TCP (UINT64_C(1) << 0)
#define NET_CONNECT_TCP (UINT64_C(1) << 1)
#define SCOPE_ABSTRACT_UNIX (UINT64_C(1) << 0)
#define SCOPE_SIGNAL (UINT64_C(1) << 1)

struct ruleset {
	uint64_t fs, net, scoped;
};

/* All rights of a version: 13, then REFER, TRUNCATE, (TCP), IOCTL_DEV. */
static uint64_t all_fs(int abi)
{
	unsigned int bits = abi >= 5 ? 16 : abi >= 3 ? 15 : abi == 2 ? 14 : 13;

	return (UINT64_C(1) << bits) - 1;
}

int ms_landlock_begin(bool tcp, bool local, struct ms_landlock *ret)
{
	struct ruleset r = {};
	size_t size = sizeof(r.fs);
	long abi, fd;

	abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
		      LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 1)
		return -EOPNOTSUPP;
	r.fs = all_fs((int)abi);
	if (abi >= 4) {
		r.net = tcp ? 0 : NET_BIND_TCP | NET_CONNECT_TCP;
		size = offsetof(struct ruleset, scoped);
	}
	if (abi >= 6) {
		r.scoped = local ? SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL : 0;
		size = sizeof(r);
	}
	fd = syscall(SYS_landlock_create_ruleset, &r, size, 0);
	if (fd < 0)
		return -errno;
	*ret = (struct ms_landlock){.fd = (int)fd, .abi = (int)abi};
	return 0;
}

int ms_landlock_allow(struct ms_landlock *l, const char *path, unsigned int what)
{
	_cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr rule = {.parent_fd = fd};
	uint64_t access = 0;
	struct stat st;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0
									      : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (what & MS_LANDLOCK_READ)
		access |= FS_READ_FILE;
	if (what & MS_LANDLOCK_WRITE)
		access |= FS_WRITE_FILE | FS_TRUNCATE;
	if (S_ISDIR(st.st_mode) && what & MS_LANDLOCK_LIST)
		access |= FS_READ_DIR;
	if (S_ISDIR(st.st_mode) && what & MS_LANDLOCK_CHANGE)
		access |= FS_MAKE_REG | FS_REMOVE_FILE;
	rule.allowed_access = access & all_fs(l->abi);
	if (syscall(SYS_landlock_add_rule, l->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) <
	    0)
		return -errno;
	return 0;
}

int ms_landlock_enforce(struct ms_landlock *l)
{
	return syscall(SYS_landlock_restrict_self, l->fd, 0) < 0 ? -errno : 0;
}

void ms_landlock_clear(struct ms_landlock *l)
{
	if (l->fd >= 0)
		close(l->fd);
	*l = (struct ms_landlock){.fd = -1};
}
