/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A software TPM for one test program: its state and socket in a temporary folder of its
 * own, ended by its pid. Without swtpm the tests fail, they are never skipped.
 */
#ifndef MS_TEST_SWTPM_H
#define MS_TEST_SWTPM_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <cmocka.h>
#include "lib/buf.h"

struct swtpm {
	char dir[64], tcti[128], sock[96];
	pid_t pid;
};

static inline void swtpm_pause(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

/* Runs a program to its end, quietly; returns its exit status. */
static inline int swtpm_command(char *const argv[])
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 1);
		dup2(null, 2);
		execvp(argv[0], argv);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline bool swtpm_listens(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool up;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	up = connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
	close(fd);
	return up;
}

static inline bool swtpm_answers(const struct swtpm *s)
{
	char ctrl[104];

	snprintf(ctrl, sizeof(ctrl), "%s.ctrl", s->sock);
	return swtpm_listens(ctrl) && swtpm_listens(s->sock);
}

/* Starts it, anew or again with the state that it had. */
static inline void swtpm_start(struct swtpm *s)
{
	char state[96], server[128], ctrl[128];

	snprintf(state, sizeof(state), "dir=%s", s->dir);
	snprintf(server, sizeof(server), "type=unixio,path=%s", s->sock);
	snprintf(ctrl, sizeof(ctrl), "type=unixio,path=%s.ctrl", s->sock);
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0) {
		int log = open("/dev/null", O_WRONLY);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(log, 1);
		dup2(log, 2);
		execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state,
		       "--server", server, "--ctrl", ctrl, "--flags",
		       "not-need-init,startup-clear", (char *)NULL);
		_exit(127);
	}
	for (int i = 0; !swtpm_answers(s); i++) {
		assert_int_equal(waitpid(s->pid, NULL, WNOHANG), 0);
		assert_true(i < 5000);
		swtpm_pause();
	}
}

static inline void swtpm_kill(struct swtpm *s)
{
	char path[128];

	if (s->pid <= 0)
		return;
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	s->pid = 0;
	unlink(s->sock);
	snprintf(path, sizeof(path), "%s.ctrl", s->sock);
	unlink(path);
}

static inline void swtpm_new(struct swtpm *s)
{
	*s = (struct swtpm){.dir = "/tmp/modseal-test-XXXXXX"};
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->sock, sizeof(s->sock), "%s/sock", s->dir);
	snprintf(s->tcti, sizeof(s->tcti), "swtpm:path=%s", s->sock);
	swtpm_start(s);
}

static inline void swtpm_end(struct swtpm *s)
{
	char *const rm[] = {(char[]){"rm"}, (char[]){"-rf"}, s->dir, NULL};

	swtpm_kill(s);
	swtpm_command(rm);
}

/* Runs one of tpm2-tools against it: SWTPM_TOOL(&s, "tpm2_pcrextend", "7:sha256=..."). */
#define SWTPM_TOOL(s, ...)                                                     \
	({                                                                     \
		setenv("TPM2TOOLS_TCTI", (s)->tcti, 1);                        \
		swtpm_command((char *const[]){SWTPM_ARGS(__VA_ARGS__), NULL}); \
	})
#define SWTPM_ARGS(...) __VA_ARGS__

#endif
