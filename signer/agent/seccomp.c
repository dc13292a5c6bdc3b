/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/seccomp.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

/* clang-format off */
/* Nothing of the agent does this: whoever does is not the agent any more. */
static const char *const hostile[] = {
	"execveat", "ptrace", "process_vm_readv", "process_vm_writev", "kcmp",
	"pidfd_getfd", "bpf", "perf_event_open", "userfaultfd", "io_uring_setup",
	"io_uring_enter", "io_uring_register",
	/* other views of the file system */
	"mount", "umount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree",
	"fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "open_by_handle_at",
	"unshare", "setns",
	/* the kernel itself */
	"kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module",
	"reboot", "swapon", "swapoff", "acct", "quotactl", "quotactl_fd", "iopl",
	"ioperm", "modify_ldt", "settimeofday", "clock_settime", "sethostname",
	"setdomainname", "vhangup", "syslog",
};

/* The supervisor runs the administrator's alert command; nobody else runs anything. */
static const char *const running[] = {"execve"};

/* Memory, threads, time, signals, and descriptors that are open already. */
static const char *const common[] = {
	"read", "readv", "pread64", "preadv", "write", "writev", "pwrite64", "pwritev",
	"close", "close_range", "lseek", "_llseek", "fstat", "fstat64", "newfstatat",
	"fstatat64", "stat", "lstat", "statx", "fstatfs", "fcntl", "fcntl64", "dup",
	"dup2", "dup3", "pipe", "pipe2", "eventfd2", "poll", "ppoll", "ppoll_time64",
	"select", "pselect6", "pselect6_time64", "munmap", "mremap", "madvise", "brk",
	"mlock", "mlock2", "munlock", "mlockall", "munlockall", "msync", "mincore",
	"membarrier", "futex", "futex_time64", "futex_waitv", "set_robust_list",
	"get_robust_list", "rseq", "set_tid_address", "sched_yield",
	"sched_getaffinity", "sched_getparam", "sched_getscheduler", "getcpu", "exit",
	"exit_group", "restart_syscall", "rt_sigaction", "rt_sigprocmask",
	"rt_sigreturn", "rt_sigpending", "rt_sigtimedwait", "sigaltstack", "sigreturn",
	"nanosleep", "clock_nanosleep", "clock_nanosleep_time64", "clock_gettime",
	"clock_gettime64", "clock_getres", "clock_getres_time64", "gettimeofday",
	"time", "getrandom", "getpid", "gettid", "getppid", "getuid", "geteuid",
	"getgid", "getegid", "getresuid", "getresgid", "getgroups", "getpgrp",
	"getrusage", "getrlimit", "ugetrlimit", "uname", "sysinfo", "recvmsg",
	"recvfrom", "recv", "sendmsg", "sendto", "send", "shutdown", "getsockopt",
	"setsockopt", "getsockname", "getpeername",
	/* which files is Landlock's business */
	"open", "openat", "access", "faccessat", "faccessat2", "readlink", "readlinkat",
	"getcwd", "getdents", "getdents64",
};

/* Keeping files of one's own: SQLite's, and the key files. */
static const char *const files[] = {
	"ftruncate", "ftruncate64", "fsync", "fdatasync", "syncfs", "sync_file_range",
	"fallocate", "flock", "fchmod", "fchmodat", "fchown", "fchown32", "unlink",
	"unlinkat", "rename", "renameat", "renameat2", "umask",
};

/* An event loop on a listening socket, and questions to name service daemons. */
static const char *const serving[] = {
	"accept", "accept4", "connect", "epoll_create", "epoll_create1", "epoll_ctl",
	"epoll_wait", "epoll_pwait", "epoll_pwait2", "timerfd_create",
	"timerfd_settime", "timerfd_gettime", "signalfd4", "sendmmsg", "recvmmsg",
};

static const char *const connecting[] = {
	"connect", "sendmmsg", "recvmmsg",
};
/* clang-format on */

bool ms_tcti_is(const char *tcti, const char *name)
{
	size_t len = strlen(name);

	return strncmp(tcti, name, len) == 0 && (tcti[len] == ':' || tcti[len] == '\0');
}

/* A name that this libseccomp or this machine does not have is no loss. */
static int add_names(scmp_filter_ctx ctx, uint32_t action, const char *const *names,
		     size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		int nr = seccomp_syscall_resolve_name(names[i]);

		if (nr == __NR_SCMP_ERROR)
			continue;
		rc = seccomp_rule_add(ctx, action, nr, 0);
		/* the same call under two names, or not on this architecture */
		if (rc == -EEXIST || rc == -EDOM || rc == -EINVAL)
			rc = 0;
	}
	return rc;
}

static struct scmp_arg_cmp equal(unsigned int arg, uint64_t value)
{
	return (struct scmp_arg_cmp){.arg = arg, .op = SCMP_CMP_EQ, .datum_a = value};
}

static struct scmp_arg_cmp masked(unsigned int arg, uint64_t mask, uint64_t value)
{
	return (struct scmp_arg_cmp){
		.arg = arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
}

static int allow_if(scmp_filter_ctx ctx, const char *name, struct scmp_arg_cmp cmp)
{
	int nr = seccomp_syscall_resolve_name(name), rc;

	if (nr == __NR_SCMP_ERROR)
		return 0;
	rc = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, nr, 1, &cmp);
	return rc == -EDOM ? 0 : rc;
}

/* Threads of this process: no new process, no new namespace. */
static int allow_threads(scmp_filter_ctx ctx)
{
	const uint64_t spaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |
				CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
				CLONE_NEWNET;
	const uint64_t want = CLONE_THREAD | CLONE_VM | CLONE_SIGHAND;
#ifdef __s390__
	const unsigned int arg = 1;
#else
	const unsigned int arg = 0;
#endif

	/* clone3() hides its flags in memory; its ENOSYS makes the C library use clone()
	 */
	return allow_if(ctx, "clone", masked(arg, want | spaces, want));
}

static int allow_memory(scmp_filter_ctx ctx, bool code)
{
	static const char *const names[] = {"mmap", "mmap2", "mprotect"};
	int rc = 0;

	if (code)
		return add_names(ctx, SCMP_ACT_ALLOW, names, ARRAY_SIZE(names));
	for (size_t i = 0; i < ARRAY_SIZE(names) && rc == 0; i++)
		rc = allow_if(ctx, names[i], masked(2, PROT_EXEC, 0));
	return rc;
}

static int allow_some(scmp_filter_ctx ctx)
{
	static const unsigned int prctls[] = {
		PR_SET_NAME,	     PR_GET_NAME,     PR_SET_VMA,    PR_SET_NO_NEW_PRIVS,
		PR_GET_NO_NEW_PRIVS, PR_GET_DUMPABLE, PR_GET_SECCOMP};
	static const unsigned int ioctls[] = {FIONBIO, FIONREAD, 0x5401 /* TCGETS */};
	int rc;

	rc = allow_threads(ctx);
	/* abort() and pthread_kill(), but nobody else */
	if (rc == 0)
		rc = allow_if(ctx, "tgkill", equal(0, (uint64_t)getpid()));
	/* asking for limits, not setting them */
	if (rc == 0)
		rc = allow_if(ctx, "prlimit64", equal(2, 0));
	for (size_t i = 0; i < ARRAY_SIZE(prctls) && rc == 0; i++)
		rc = allow_if(ctx, "prctl", equal(0, prctls[i]));
	for (size_t i = 0; i < ARRAY_SIZE(ioctls) && rc == 0; i++)
		rc = allow_if(ctx, "ioctl", equal(1, ioctls[i]));
	return rc;
}

static int allow_sockets(scmp_filter_ctx ctx, bool tcp)
{
	static const unsigned int inet[] = {AF_INET, AF_INET6};
	int rc = allow_if(ctx, "socket", equal(0, AF_UNIX));

	for (size_t i = 0; i < ARRAY_SIZE(inet) && tcp && rc == 0; i++)
		rc = allow_if(ctx, "socket", equal(0, inet[i]));
	return rc;
}

#define ADD(ctx, list) add_names(ctx, SCMP_ACT_ALLOW, list, ARRAY_SIZE(list))

static int allow_role(scmp_filter_ctx ctx, enum ms_role role, const char *tcti)
{
	int rc = ADD(ctx, common);

	if (rc == 0)
		rc = allow_some(ctx);
	/* the TPM worker loads the TCTI's library when it first needs it */
	if (rc == 0)
		rc = allow_memory(ctx, role == MS_ROLE_TPM);
	if (rc == 0 && role != MS_ROLE_TPM)
		rc = ADD(ctx, files);
	if (rc == 0 && role == MS_ROLE_FRONT)
		rc = ADD(ctx, serving);
	if (rc == 0 && role == MS_ROLE_TPM)
		rc = ADD(ctx, connecting);
	if (rc == 0 && role != MS_ROLE_KEY)
		rc = allow_sockets(ctx,
				   role == MS_ROLE_TPM && !ms_tcti_is(tcti, "device"));
	return rc;
}

/* Is it known what this role calls? Of other TCTIs (tabrmd: all of D-Bus) it is not. */
static bool is_known(enum ms_role role, const char *tcti)
{
	if (role == MS_ROLE_TPM)
		return ms_tcti_is(tcti, "device") || ms_tcti_is(tcti, "swtpm") ||
		       ms_tcti_is(tcti, "mssim");
	return role != MS_ROLE_SUPERVISOR;
}

int ms_seccomp_apply(enum ms_role role, const char *tcti)
{
	bool known = is_known(role, tcti);
	scmp_filter_ctx ctx =
		seccomp_init(known ? SCMP_ACT_ERRNO(ENOSYS) : SCMP_ACT_ALLOW);
	int rc;

	if (!ctx)
		return -ENOMEM;
	rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (rc == 0)
		rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	/* a tree instead of a list; older libraries have only the list */
	if (rc == 0)
		(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (rc == 0)
		rc = add_names(ctx, SCMP_ACT_KILL_PROCESS, hostile, ARRAY_SIZE(hostile));
	if (rc == 0 && role != MS_ROLE_SUPERVISOR)
		rc = add_names(ctx, SCMP_ACT_KILL_PROCESS, running, ARRAY_SIZE(running));
	if (rc == 0 && known)
		rc = allow_role(ctx, role, tcti);
	if (rc == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	return rc;
}
