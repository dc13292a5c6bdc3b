/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each test is a child that shuts itself in and then does what it should be able to do,
 * and what it should not.
 */
#include "signer/agent/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <cmocka.h>

#include "signer/agent/audit.h"
#include "signer/agent/landlock.h"
#include "lib/file.h"

static char dir[] = "/tmp/modseal-test-sandbox-XXXXXX";
static char dev[sizeof(dir) + 32], tcti[160];
static struct ms_config config;
static struct ms_sandbox got;
static int landlock_abi;

/* In a child: gives up unless it holds; the parent prints the line. */
#define CHECK(cond)                                                      \
	do {                                                             \
		if (!(cond)) {                                           \
			fprintf(stderr, "%d: %s: %s\n", __LINE__, #cond, \
				ms_strerror(errno));                     \
			_exit(1);                                        \
		}                                                        \
	} while (0)

static void path_in(const char *name, char dst[256])
{
	snprintf(dst, 256, "%s/%s", dir, name);
}

static bool can_open(const char *path, int flags)
{
	_cleanup_close_ int fd = open(path, flags | O_CLOEXEC, 0600);

	return fd >= 0;
}

static bool can_open_in(const char *name, int flags)
{
	char path[256];

	path_in(name, path);
	return can_open(path, flags);
}

/* Files are tried only where the kernel has Landlock; else nobody stops them. */
static bool refused(const char *name, int flags)
{
	if (landlock_abi == 0)
		return true;
	if (name[0] == '/' ? can_open(name, flags) : can_open_in(name, flags))
		return false;
	return errno == EACCES || errno == ENOSYS;
}

static void enter(enum ms_role role)
{
	struct ms_error err = {};

	if (ms_sandbox_apply(role, &config, &got, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		_exit(99);
	}
}

static int run_child(void (*fn)(void))
{
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGALRM, SIG_DFL);
		alarm(30);
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void must_pass(void (*fn)(void))
{
	int status = run_child(fn);

	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("the child ended with status 0x%x", (unsigned int)status);
}

/* ------------------------------------------------------- hostile system calls */

static enum ms_role hostile_role;
static long hostile_nr;

static void do_hostile(void)
{
	enter(hostile_role);
	syscall(hostile_nr, 0, 0, 0, 0, 0, 0);
}

static void hostile_calls_kill(void **state)
{
	static const long calls[] = {SYS_execve,
				     SYS_execveat,
				     SYS_ptrace,
				     SYS_process_vm_readv,
				     SYS_process_vm_writev,
				     SYS_bpf,
				     SYS_mount,
				     SYS_umount2,
				     SYS_pivot_root,
				     SYS_chroot,
				     SYS_unshare,
				     SYS_setns,
				     SYS_kexec_load,
				     SYS_init_module,
				     SYS_finit_module,
				     SYS_delete_module,
				     SYS_perf_event_open,
				     SYS_userfaultfd,
				     SYS_io_uring_setup,
				     SYS_open_by_handle_at,
				     SYS_swapon,
				     SYS_acct,
				     SYS_pidfd_getfd};

#ifdef MS_SANITIZE
	skip();
#endif
	for (hostile_role = MS_ROLE_SUPERVISOR; hostile_role <= MS_ROLE_TPM;
	     hostile_role++) {
		for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
			int status;

			/* it runs the alert command */
			if (hostile_role == MS_ROLE_SUPERVISOR && calls[i] == SYS_execve)
				continue;

			hostile_nr = calls[i];
			status = run_child(do_hostile);
			if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
				fail_msg("role %d, call %ld: status 0x%x", hostile_role,
					 calls[i], (unsigned int)status);
		}
	}
}

/* ------------------------------------------------------------ for all children */

static void *in_thread(void *arg)
{
	CHECK(write(*(int *)arg, "x", 1) == 1);
	return arg;
}

static void threads_work(void)
{
	int p[2];
	pthread_t t;
	char c;

	CHECK(pipe2(p, O_CLOEXEC) == 0);
	CHECK(pthread_create(&t, NULL, in_thread, &p[1]) == 0);
	CHECK(pthread_join(t, NULL) == 0);
	CHECK(read(p[0], &c, 1) == 1);
}

static void check_common(void)
{
	struct rlimit lim;
	void *p;

	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	CHECK(getrlimit(RLIMIT_CORE, &lim) == 0 && lim.rlim_max == 0);
	CHECK(got.landlock_abi == landlock_abi);
	threads_work();
	p = malloc(64 << 20);
	CHECK(p);
	memset(p, 1, 64 << 20);
	free(p);
#ifndef MS_SANITIZE
	CHECK(got.seccomp);
	CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	CHECK(prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2);
	CHECK(fork() < 0 && errno == ENOSYS);
	CHECK(kill(getppid(), 0) < 0 && errno == ENOSYS);
	CHECK(syscall(SYS_tgkill, getppid(), getppid(), 0) < 0 && errno == ENOSYS);
	CHECK(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0 && errno == ENOSYS);
	CHECK(socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == ENOSYS);
	CHECK(socket(AF_NETLINK, SOCK_RAW, 0) < 0 && errno == ENOSYS);
	CHECK(socket(AF_PACKET, SOCK_RAW, 0) < 0 && errno == ENOSYS);
	CHECK(syscall(SYS_clone, SIGCHLD | CLONE_NEWUSER, NULL) < 0 && errno == ENOSYS);
	/* the kernel itself would say EINVAL */
	CHECK(syscall(SYS_clone, CLONE_THREAD | CLONE_VM | CLONE_SIGHAND | CLONE_NEWUSER,
		      NULL) < 0);
	CHECK(errno == ENOSYS);
	CHECK(syscall(SYS_setuid, 0) < 0 && errno == ENOSYS);
	CHECK(syscall(SYS_keyctl, 0) < 0 && errno == ENOSYS);
	CHECK(syscall(SYS_mkdirat, AT_FDCWD, "/tmp", 0) < 0 && errno == ENOSYS);
	lim = (struct rlimit){1, 1};
	CHECK(setrlimit(RLIMIT_NOFILE, &lim) < 0 && errno == ENOSYS);
	/* a call that no kernel has yet is not there, rather than forbidden */
	CHECK(syscall(100000) < 0 && errno == ENOSYS);
#endif
	CHECK(refused("other", O_RDONLY));
	CHECK(refused("other", O_RDWR));
	CHECK(refused("new", O_CREAT | O_RDWR));
	CHECK(refused("/proc/self/environ", O_RDONLY));
	CHECK(refused("/root", O_RDONLY | O_DIRECTORY));
	CHECK(refused("/tmp/modseal-test-new", O_CREAT | O_RDWR));
}

static void no_new_code(void)
{
#ifndef MS_SANITIZE
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *p;

	p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	CHECK(mprotect(p, page, PROT_READ) == 0);
	CHECK(mprotect(p, page, PROT_READ | PROT_EXEC) < 0);
	CHECK(mmap(NULL, page, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		   0) == MAP_FAILED);
#endif
}

/* ------------------------------------------------------------------- the front */

static void on_done(void *arg, int rc, uint64_t seq, const struct ms_error *err)
{
	CHECK(rc == 0);
	*(uint64_t *)arg = seq;
}

static int listen_on(const char *name, struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*sa = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(sa->sun_path, sizeof(sa->sun_path), "%s/%s", dir, name);
	(void)unlink(sa->sun_path);
	CHECK(fd >= 0 && bind(fd, (struct sockaddr *)sa, sizeof(*sa)) == 0);
	CHECK(listen(fd, 5) == 0);
	return fd;
}

/* Accept, know the peer, answer: as the event loop does. */
static void serve_one(int fd, const struct sockaddr_un *sa)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int ep = epoll_create1(EPOLL_CLOEXEC), c, s;
	socklen_t len = sizeof(struct ucred);
	struct ucred cred;

	CHECK(ep >= 0 && epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == 0);
	c = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(c >= 0 && connect(c, (const struct sockaddr *)sa, sizeof(*sa)) == 0);
	CHECK(epoll_wait(ep, &ev, 1, 10000) == 1);
	s = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	CHECK(s >= 0);
	CHECK(getsockopt(s, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0);
	CHECK(cred.uid == geteuid());
	CHECK(send(s, "x", 1, MSG_NOSIGNAL) == 1);
	close(c);
	close(s);
	close(ep);
}

static void front(void)
{
	struct ms_store *store;
	struct ms_audit *audit;
	struct ms_error err = {};
	struct sockaddr_un sa;
	uint64_t seq = 0;
	char path[256], buf[4096];
	struct passwd pw, *found = NULL;
	int fd, efd;

	path_in("audit.db", path);
	fd = listen_on("sock", &sa);
	CHECK(ms_store_open(path, &store, &err) == 0);
	enter(MS_ROLE_FRONT);
	check_common();
	no_new_code();
	CHECK(refused("keys/a.key", O_RDONLY));
	CHECK(refused("keys", O_RDONLY | O_DIRECTORY));
	CHECK(refused("/etc", O_RDONLY | O_DIRECTORY));
	CHECK(refused("/usr/bin/env", O_RDONLY));
	CHECK(ms_audit_new(store, &audit, &efd) == 0);
	for (int i = 0; i < 3000; i++)
		CHECK(ms_audit_put(audit, "sign", "k", "uid:1", "r", NULL, on_done,
				   &seq) == 0);
	while (seq < 3000) {
		eventfd_t n;

		CHECK(eventfd_read(efd, &n) == 0 || errno == EAGAIN);
		CHECK(eventfd_write(efd, 1) == 0);
		ms_audit_dispatch(audit);
	}
	CHECK(getpwuid_r(0, &pw, buf, sizeof(buf), &found) == 0 && found);
	CHECK(strcmp(pw.pw_name, "root") == 0);
	serve_one(fd, &sa);
	ms_audit_free(audit);
	ms_store_close(store);
}

/* What the sandboxed front left behind can be opened, and nothing is lost. */
static void front_works(void **state)
{
	struct ms_store *store;
	struct ms_error err = {};
	char path[256];
	uint64_t n;

	must_pass(front);
	path_in("audit.db", path);
	assert_int_equal(ms_store_open(path, &store, &err), 0);
	assert_int_equal(ms_store_entries(store, &n, &err), 0);
	assert_int_equal(n, 3000);
	ms_store_close(store);
}

/* ----------------------------------------------------------------- key process */

static void pass_fd(int via, int fd)
{
	char byte = 0;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} u = {};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = u.buf,
			   .msg_controllen = sizeof(u.buf)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	CHECK(sendmsg(via, &m, MSG_NOSIGNAL) == 1);
}

static int take_fd(int via)
{
	char byte;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} u = {};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = u.buf,
			   .msg_controllen = sizeof(u.buf)};
	int fd = -1;

	CHECK(recvmsg(via, &m, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&m));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

static void key(void)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t) "secret", .iov_len = 6};
	_cleanup_file_ struct ms_file f = {};
	struct ms_error err = {};
	char path[256], other[256];
	int pair[2], fd;
	DIR *d;
	void *p;

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	enter(MS_ROLE_KEY);
	check_common();
	no_new_code();
#ifndef MS_SANITIZE
	CHECK(socket(AF_UNIX, SOCK_STREAM, 0) < 0 && errno == ENOSYS);
	CHECK(connect(pair[0], NULL, 0) < 0 && errno == ENOSYS);
	CHECK(epoll_create1(0) < 0 && errno == ENOSYS);
#endif
	CHECK(refused("audit.db", O_RDONLY));
	CHECK(refused("/etc/passwd", O_RDONLY));
	pass_fd(pair[0], STDERR_FILENO);
	fd = take_fd(pair[1]);
	CHECK(fd > STDERR_FILENO && fcntl(fd, F_GETFD) == FD_CLOEXEC);

	path_in("keys/b.key", path);
	for (int i = 0; i < 2; i++) {
		int rc = ms_file_replace(path, -1, 0600, &iov, 1, true, &err);

		if (rc < 0)
			fprintf(stderr, "%s\n", err.msg);
		CHECK(rc == 0);
	}
	CHECK(ms_file_read(AT_FDCWD, path, 100, 0, &f, &err) == 0 && f.len == 6);
	path_in("keys", path);
	d = opendir(path);
	CHECK(d && readdir(d));
	closedir(d);
	/* not out of its own directory, and no other kinds of file */
	path_in("keys/b.key", path);
	path_in("b.key", other);
	CHECK(landlock_abi == 0 || rename(path, other) < 0);
	path_in("keys/x", other);
	CHECK(landlock_abi == 0 || symlink("/", other) < 0);
	CHECK(unlink(path) == 0);

	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED && mlock(p, 4096) == 0);
	CHECK(madvise(p, 4096, MADV_DONTDUMP) == 0);
	CHECK(madvise(p, 4096, MADV_WIPEONFORK) == 0);
	CHECK(munlock(p, 4096) == 0);
}

static void key_process_works(void **state)
{
	must_pass(key);
}

/* ------------------------------------------------------------------ TPM worker */

static void tpm_device(void)
{
	snprintf(tcti, sizeof(tcti), "device:%s", dev);
	config.tcti = tcti;
	enter(MS_ROLE_TPM);
	check_common();
	CHECK(can_open(dev, O_RDWR));
	CHECK(refused("keys/a.key", O_RDONLY));
	CHECK(refused("audit.db", O_RDONLY));
	CHECK(refused("/dev/zero", O_RDWR));
	CHECK(can_open("/usr/lib", O_RDONLY | O_DIRECTORY) == (landlock_abi == 0));
#ifndef MS_SANITIZE
	CHECK(unlink(dev) < 0 && errno == ENOSYS);
#endif
}

/* The library of the TCTI is loaded from within. */
static void tpm_simulator(void)
{
	struct sockaddr_un sa;
	int fd = listen_on("tpm", &sa), c;

	snprintf(tcti, sizeof(tcti), "swtpm:path=%s", sa.sun_path);
	config.tcti = tcti;
	enter(MS_ROLE_TPM);
	threads_work();
	c = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(c >= 0 && connect(c, (struct sockaddr *)&sa, sizeof(sa)) == 0);
	close(c);
	close(fd);
	CHECK(refused("keys/a.key", O_RDONLY));
	c = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(c >= 0);
	CHECK(can_open("/usr/lib/os-release", O_RDONLY));
}

static void tpm_absent(void)
{
	config.tcti = tcti;
	snprintf(tcti, sizeof(tcti), "device:/dev/modseal-test-none");
	enter(MS_ROLE_TPM);
	/* a device that comes later can be opened */
	CHECK(can_open("/dev/null", O_RDWR));
	CHECK(refused("keys/a.key", O_RDONLY));
}

static void tpm_unknown(void)
{
	config.tcti = tcti;
	snprintf(tcti, sizeof(tcti), "tabrmd");
	enter(MS_ROLE_TPM);
	CHECK(got.landlock_abi == 0);
	CHECK(can_open_in("keys/a.key", O_RDONLY));
}

static void tpm_worker_works(void **state)
{
	must_pass(tpm_device);
	must_pass(tpm_simulator);
	must_pass(tpm_absent);
	must_pass(tpm_unknown);
}

/* ------------------------------------------------------------------ supervisor */

static void supervisor(void)
{
	int status;
	pid_t pid;

	enter(MS_ROLE_SUPERVISOR);
	CHECK(got.landlock_abi == 0);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	/* its children can shut themselves in further */
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		key();
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	CHECK(kill(pid, SIGTERM) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
	CHECK(can_open_in("other", O_RDWR));
	/* the alert command is run, and cannot trace anybody */
	pid = fork();
	if (pid == 0) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(1);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void supervisor_works(void **state)
{
	must_pass(supervisor);
}

/* -------------------------------------------------- a kernel without Landlock */

static void without_landlock(void)
{
#ifdef SYS_landlock_create_ruleset
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_landlock_create_ruleset, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {.len = ARRAY_SIZE(filter), .filter = filter};

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0);
#endif
	landlock_abi = 0;
	key();
}

static void works_without_landlock(void **state)
{
	must_pass(without_landlock);
}

/* --------------------------------------------- threads that are there already */

static int gate[2];

static void *late_call(void *arg)
{
	char c;

	CHECK(read(gate[0], &c, 1) == 1);
	CHECK(socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == ENOSYS);
	return NULL;
}

static void threads_before(void)
{
	pthread_t t;

	CHECK(pipe(gate) == 0);
	CHECK(pthread_create(&t, NULL, late_call, NULL) == 0);
	enter(MS_ROLE_KEY);
	CHECK(write(gate[1], "x", 1) == 1);
	CHECK(pthread_join(t, NULL) == 0);
}

static void earlier_threads_are_filtered(void **state)
{
#ifdef MS_SANITIZE
	skip();
#endif
	must_pass(threads_before);
}

/* ------------------------------------------------------------------------ main */

static void make_file(const char *name)
{
	char path[256];
	int fd;

	path_in(name, path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static int setup(void **state)
{
	char path[256];
	struct ms_landlock l;

	if (!mkdtemp(dir) || ms_config_init(&config) < 0)
		return -1;
	path_in("keys", path);
	if (mkdir(path, 0700) < 0)
		return -1;
	make_file("keys/a.key");
	make_file("other");
	make_file("tpm0");
	snprintf(dev, sizeof(dev), "%s/tpm0", dir);
	free(config.state);
	config.state = strdup(dir);
	if (ms_landlock_begin(true, false, &l) == 0) {
		landlock_abi = l.abi;
		ms_landlock_clear(&l);
	}
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = {
		"keys/a.key", "keys/b.key", "keys",	    "other",	    "tpm0", "tpm",
		"sock",	      "audit.db",   "audit.db-wal", "audit.db-shm", ""};
	char path[256];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		path_in(names[i], path);
		if (unlink(path) < 0)
			(void)rmdir(path);
	}
	ms_config_clear(&config);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_calls_kill),
		cmocka_unit_test(front_works),
		cmocka_unit_test(key_process_works),
		cmocka_unit_test(tpm_worker_works),
		cmocka_unit_test(supervisor_works),
		cmocka_unit_test(works_without_landlock),
		cmocka_unit_test(earlier_threads_are_filtered),
	};

	/* valgrind makes calls of its own, for which no role has a need */
	if (getenv("TEST_VALGRIND")) {
		puts("1..0 # SKIP not under valgrind");
		return 0;
	}
	return cmocka_run_group_tests(tests, setup, teardown);
}
