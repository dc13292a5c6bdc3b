/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-vm/guest/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include "test-vm/guest/module.h"
#include "test-vm/guest/report.h"

#define AGENT_SOCKET "/run/modseal/agent.sock"

#define FIELDS_MAX 32
#define OUTPUT_SIZE 16384
#define FILE_SIZE_MAX (4 << 20)

#define UNTIL_SECONDS 120
#define UNTIL_PAUSE_NS (50 * 1000 * 1000)

static pid_t started;

/* The child's end of a pipe becomes its output; -1 leaves it the console. */
static pid_t spawn(char *const argv[], int out)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (out >= 0) {
		dup2(out, STDOUT_FILENO);
		dup2(out, STDERR_FILENO);
	}
	execvp(argv[0], argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static int wait_status(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Reads to the end, keeps what fits. */
static void collect(int fd, char *ret, size_t size)
{
	size_t have = 0;
	char rest[512];
	ssize_t n;

	do {
		if (have + 1 < size) {
			n = read(fd, ret + have, size - 1 - have);
			have += n > 0 ? (size_t)n : 0;
		} else {
			n = read(fd, rest, sizeof(rest));
		}
	} while (n > 0 || (n < 0 && errno == EINTR));
	ret[have] = '\0';
}

static int run(char *const argv[], char *ret_output, size_t size)
{
	int fds[2];
	pid_t pid;

	ret_output[0] = '\0';
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	pid = spawn(argv, fds[1]);
	close(fds[1]);
	collect(fds[0], ret_output, size);
	close(fds[0]);
	return wait_status(pid);
}

static int run_until(char *const argv[], char *ret_output, size_t size)
{
	const struct timespec pause = {.tv_nsec = UNTIL_PAUSE_NS};
	struct timespec now, end;
	int status;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += UNTIL_SECONDS;
	do {
		status = run(argv, ret_output, size);
		if (status == 0)
			return 0;
		nanosleep(&pause, NULL);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec < end.tv_sec);
	return status;
}

static int report_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *data = NULL;
	ssize_t n;

	if (type != FTW_F || !S_ISREG(st->st_mode) || st->st_size > FILE_SIZE_MAX)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	data = malloc((size_t)st->st_size + 1);
	if (fd < 0 || !data)
		return 0;
	n = read(fd, data, (size_t)st->st_size);
	ms_report_begin("file-below", path);
	ms_report_number("mode", st->st_mode & 07777);
	ms_report_hex("hex", data, n > 0 ? (size_t)n : 0);
	ms_report_end();
	return 0;
}

static void report_run(const char *label, int status, const char *output)
{
	ms_report_begin("step", label);
	ms_report_number("status", status);
	ms_report_text("output", output);
	ms_report_end();
}

static int split(char *line, char *fields[FIELDS_MAX + 1])
{
	int n = 0;

	line[strcspn(line, "\n")] = '\0';
	for (char *field; n < FIELDS_MAX && (field = strsep(&line, "\t"));)
		fields[n++] = field;
	fields[n] = NULL;
	return n;
}

static void step(const char *verb, const char *label, char *const rest[])
{
	static char output[OUTPUT_SIZE];
	int status = 0;

	output[0] = '\0';
	if (strcmp(verb, "run") == 0)
		status = run(rest, output, sizeof(output));
	else if (strcmp(verb, "until") == 0)
		status = run_until(rest, output, sizeof(output));
	else if (strcmp(verb, "start") == 0)
		started = spawn(rest, -1);
	else if (strcmp(verb, "stop") == 0 && started > 0)
		status = kill(started, SIGTERM) < 0 ? -1 : wait_status(started);
	else if (strcmp(verb, "tree") == 0)
		status = nftw(rest[0], report_file, 16, FTW_PHYS);
	else if (strcmp(verb, "load") != 0)
		status = -1;
	report_run(label, status, output);
	if (strcmp(verb, "load") == 0)
		ms_module_judge(rest[0], true);
}

void ms_steps_run(const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	_cleanup_free_ char *line = NULL;
	char *fields[FIELDS_MAX + 1];
	size_t size = 0;

	setenv("PATH", "/bin", 1);
	setenv("MODSEAL_AGENT", "unix:" AGENT_SOCKET, 1);
	while (f && getline(&line, &size, f) > 0)
		if (split(line, fields) >= 2)
			step(fields[0], fields[1], fields + 2);
}
