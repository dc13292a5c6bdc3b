/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/alert.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>

#include "signer/agent/log.h"

#define INPUT_MAX (MS_ALERT_MAX + 512u) /* less than a pipe holds: no write waits */

bool ms_alert_text_valid(const char *text)
{
	size_t len = strlen(text);

	if (len < 3 || text[0] != '{' || text[len - 1] != '}')
		return false;
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
	return true;
}

int ms_alert_compose(unsigned int kind, uint32_t count, const char *text, char *dst,
		     size_t size)
{
	char host[65] = "", when[32] = "";
	time_t now = time(NULL);
	struct tm tm;
	int n;

	(void)!gethostname(host, sizeof(host) - 1);
	for (char *p = host; *p; p++)
		if (*p < '!' || *p > '~' || *p == '"' || *p == '\\')
			*p = '_';
	if (gmtime_r(&now, &tm))
		strftime(when, sizeof(when), "%FT%TZ", &tm);
	n = snprintf(
		dst, size,
		"{\"alert\":\"%s\",\"time\":\"%s\",\"host\":\"%s\",\"version\":\"%s\","
		"\"events\":%u,%s\n",
		ms_alert_name(kind), when, host, MS_VERSION, count, text + 1);
	return n < 0 || (size_t)n >= size ? -EFBIG : n;
}

/* ------------------------------------------------------------------- running */

/* Nothing of the agent's environment: it may have paths of credentials. */
static char *const environment[] = {
	(char[]){"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
	(char[]){"LANG=C.UTF-8"}, NULL};

/* In the child. Its output goes where the agent's log goes. */
_noreturn_ static void become_command(const struct ms_strv *command, int input)
{
	const struct rlimit few = {1024, 1024};
	sigset_t none;
	char **argv;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)setpgid(0, 0);
	argv = calloc(command->n + 1, sizeof(*argv));
	if (!argv || dup2(input, STDIN_FILENO) < 0 ||
	    dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		_exit(126);
	for (size_t i = 0; i < command->n; i++)
		argv[i] = command->v[i];
	if (close_range(STDERR_FILENO + 1, ~0U, 0) < 0)
		_exit(126);
	(void)setrlimit(RLIMIT_NOFILE, &few);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (chdir("/") < 0)
		_exit(126);
	execve(argv[0], argv, environment);
	_exit(127);
}

static pid_t run(const struct ms_strv *command, const char *text, size_t len)
{
	int p[2];
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) < 0)
		return -errno;
	if (write(p[1], text, len) != (ssize_t)len) {
		close(p[0]);
		close(p[1]);
		return -EIO;
	}
	close(p[1]);
	pid = fork();
	if (pid == 0)
		become_command(command, p[0]);
	if (pid > 0)
		(void)setpgid(pid, pid);
	else
		pid = -errno;
	close(p[0]);
	return pid;
}

static void start(struct ms_alerts *a, const struct ms_config *c, unsigned int kind,
		  int64_t now_ms)
{
	char input[INPUT_MAX];
	pid_t pid;
	int n;

	n = ms_alert_compose(kind, a->kind[kind].waiting, a->kind[kind].text, input,
			     sizeof(input));
	a->kind[kind].text[0] = '\0';
	a->kind[kind].waiting = 0;
	a->kind[kind].next_ms = now_ms + (int64_t)c->alert.repeat_s * 1000;
	pid = n < 0 ? n : run(&c->alert.command, input, (size_t)n);
	if (pid < 0) {
		ms_stats()->alerts[kind][MS_ALERT_FAILED]++;
		ms_log(LOG_ERR, "cannot run the alert command: %s", ms_strerror(pid));
		return;
	}
	a->kind[kind].pid = pid;
	a->kind[kind].killed = false;
	a->kind[kind].kill_ms = now_ms + (int64_t)c->alert.timeout_s * 1000;
}

/* -------------------------------------------------------------------- events */

void ms_alerts_put(struct ms_alerts *a, const struct ms_config *c, unsigned int kind,
		   const char *text)
{
	struct ms_log_field fields[] = {{"alert", ms_alert_name(kind)}, {"event", text}};
	bool first;

	if (kind >= MS_ALERT_KINDS || !ms_alert_text_valid(text) ||
	    strlen(text) >= sizeof(a->kind[kind].text) ||
	    !(c->alert.kinds & UINT32_C(1) << kind))
		return;
	first = a->kind[kind].waiting == 0;
	ms_stats()->alerts[kind][MS_ALERT_RAISED]++;
	if (!first)
		ms_stats()->alerts[kind][MS_ALERT_REPEATED]++;
	/* One line for what waits, however much it is. */
	if (first)
		ms_log_with(LOG_WARNING, fields, ARRAY_SIZE(fields), "alert");
	memcpy(a->kind[kind].text, text, strlen(text) + 1);
	if (a->kind[kind].waiting < UINT32_MAX)
		a->kind[kind].waiting++;
}

void ms_alerts_step(struct ms_alerts *a, const struct ms_config *c, int64_t now_ms)
{
	for (unsigned int k = 0; k < MS_ALERT_KINDS; k++) {
		if (a->kind[k].pid && now_ms >= a->kind[k].kill_ms) {
			ms_log(LOG_WARNING,
			       "the alert command (%s) is not done after %u s: killed",
			       ms_alert_name(k), c->alert.timeout_s);
			a->kind[k].killed = true;
			kill(-a->kind[k].pid, SIGKILL);
			a->kind[k].kill_ms = now_ms + 1000;
		}
		if (!a->kind[k].text[0] || a->kind[k].pid || now_ms < a->kind[k].next_ms)
			continue;
		if (c->alert.command.n) {
			start(a, c, k, now_ms);
			continue;
		}
		/* Nobody to run: it is in the log. */
		a->kind[k].text[0] = '\0';
		a->kind[k].waiting = 0;
		a->kind[k].next_ms = now_ms + (int64_t)c->alert.repeat_s * 1000;
	}
}

int64_t ms_alerts_next(const struct ms_alerts *a)
{
	int64_t next = -1;

	for (unsigned int k = 0; k < MS_ALERT_KINDS; k++) {
		int64_t due = a->kind[k].pid	   ? a->kind[k].kill_ms
			      : a->kind[k].text[0] ? a->kind[k].next_ms
						   : -1;

		if (due >= 0 && (next < 0 || due < next))
			next = due;
	}
	return next;
}

bool ms_alerts_reaped(struct ms_alerts *a, pid_t pid, int wstatus)
{
	unsigned int k = 0;

	while (k < MS_ALERT_KINDS && a->kind[k].pid != pid)
		k++;
	if (k == MS_ALERT_KINDS)
		return false;
	/* What it left running is not left running. */
	kill(-pid, SIGKILL);
	a->kind[k].pid = 0;
	if (a->kind[k].killed) {
		ms_stats()->alerts[k][MS_ALERT_KILLED]++;
	} else if (WIFEXITED(wstatus) && WEXITSTATUS(wstatus) == 0) {
		ms_stats()->alerts[k][MS_ALERT_DONE]++;
	} else {
		ms_stats()->alerts[k][MS_ALERT_FAILED]++;
		ms_log(LOG_ERR, "the alert command (%s) failed: %s %d", ms_alert_name(k),
		       WIFEXITED(wstatus) ? "exit status" : "signal",
		       WIFEXITED(wstatus) ? WEXITSTATUS(wstatus) : WTERMSIG(wstatus));
	}
	return true;
}

void ms_alerts_stop(struct ms_alerts *a)
{
	for (unsigned int k = 0; k < MS_ALERT_KINDS; k++) {
		a->kind[k].text[0] = '\0';
		if (a->kind[k].pid)
			kill(-a->kind[k].pid, SIGKILL);
	}
}
