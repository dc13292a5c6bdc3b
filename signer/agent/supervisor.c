/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>

#include "lib/secmem.h"
#include "signer/agent/alert.h"
#include "signer/agent/front.h"
#include "signer/agent/ipc.h"
#include "signer/agent/keyproc.h"
#include "signer/agent/keys.h"
#include "signer/agent/listen.h"
#include "signer/agent/log.h"
#include "signer/agent/sandbox.h"
#include "signer/agent/stats.h"
#include "signer/agent/systemd.h"
#include "signer/agent/tls.h"
#include "tpm/worker.h"

enum role { ROLE_TPM, ROLE_KEY, ROLE_FRONT, N_ROLES };

static const char *const role_names[N_ROLES] = {"tpm", "key", "front"};

/**
 * struct child - one process of the agent
 * @pid: 0 while it does not run
 * @ctl: its control socket; -1 for the TPM worker, which has none
 * @started_ms, @respawn_ms: when it was started; when it may be started again (0: not
 * due)
 */
struct child {
	pid_t pid;
	int ctl;
	int64_t started_ms, respawn_ms;
};

struct supervisor {
	const struct ms_config *config;
	struct ms_config *own_config; /* is @config once it was reloaded */
	struct child child[N_ROLES];
	int listen_fd, tls_fd, signal_fd;
	sigset_t old_mask;
	bool stopping, activated, told_ready;
	int64_t kill_ms;
	int status;
	struct ms_alerts alerts;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* In the child: give up everything of the supervisor's but its own socket. */
static void become_child(struct supervisor *s, enum role role, int keep)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < N_ROLES; i++)
		if (s->child[i].ctl != keep)
			close_fd(&s->child[i].ctl);
	close_fd(&s->signal_fd);
	if (role != ROLE_FRONT) {
		close_fd(&s->listen_fd);
		close_fd(&s->tls_fd);
	}
	sigprocmask(SIG_SETMASK, &s->old_mask, NULL);
	ms_log_role(role_names[role]);
}

static int run_tpm_worker(const struct ms_config *c, int fd)
{
	struct ms_error err = {0};
	int r = ms_secmem_process(NULL);

	if (r < 0) {
		ms_log(LOG_ERR, "no locked memory for secrets: %s", ms_strerror(r));
		return MS_EXIT_FATAL;
	}
	if (ms_sandbox_apply(MS_ROLE_TPM, c, NULL, &err) < 0) {
		ms_log(LOG_ERR, "%s", err.msg);
		return MS_EXIT_FATAL;
	}
	return ms_tpm_worker_run(fd, c->tcti) < 0 ? 1 : 0;
}

_noreturn_ static void run_child(struct supervisor *s, enum role role, int fd)
{
	int r;

	become_child(s, role, fd);
	if (role == ROLE_TPM)
		r = run_tpm_worker(s->config, fd);
	else if (role == ROLE_KEY)
		r = ms_keyproc_run(s->config, fd);
	else
		r = ms_front_run(s->config, fd, s->listen_fd, s->tls_fd);
	/* No exit handlers: they belong to the supervisor that this was forked from. */
	_exit(r);
}

static enum ms_process process_of(enum role role)
{
	static const enum ms_process of[N_ROLES] = {[ROLE_TPM] = MS_PROCESS_TPM,
						    [ROLE_KEY] = MS_PROCESS_KEY,
						    [ROLE_FRONT] = MS_PROCESS_FRONT};

	return of[role];
}

/* Forks a child; returns the supervisor's end of its socket, or a negative errno. */
static int start_child(struct supervisor *s, enum role role)
{
	struct child *c = &s->child[role];
	int pair[2], r;

	c->respawn_ms = 0;
	c->started_ms = now_ms();
	r = ms_ipc_pair(pair);
	if (r < 0)
		return r;
	c->pid = fork();
	if (c->pid < 0) {
		r = -errno;
		c->pid = 0;
		close(pair[0]);
		close(pair[1]);
		return r;
	}
	if (c->pid == 0) {
		close(pair[0]);
		run_child(s, role, pair[1]);
	}
	ms_stats()->process[process_of(role)].starts++;
	close(pair[1]);
	return pair[0];
}

/* Hands one end of a link to a child; a child that is just dying will be joined anew. */
static void give_peer(struct supervisor *s, enum role to, enum ms_ipc_op op, int fd)
{
	struct ms_ipc_msg m = {.op = op};

	if (s->child[to].ctl >= 0)
		(void)!ms_ipc_send(s->child[to].ctl, &m, fd);
}

static int join_front_and_key(struct supervisor *s)
{
	int pair[2], r;

	r = ms_ipc_pair(pair);
	if (r < 0)
		return r;
	give_peer(s, ROLE_KEY, MS_IPC_PEER_FRONT, pair[0]);
	give_peer(s, ROLE_FRONT, MS_IPC_PEER_KEY, pair[1]);
	close(pair[0]);
	close(pair[1]);
	return 0;
}

static int start(struct supervisor *s, enum role role)
{
	int fd = start_child(s, role);

	if (fd < 0) {
		ms_log(LOG_ERR, "cannot start the %s process: %s", role_names[role],
		       ms_strerror(fd));
		s->child[role].respawn_ms = now_ms() + 1000;
		return fd;
	}
	if (role == ROLE_TPM) {
		give_peer(s, ROLE_KEY, MS_IPC_PEER_TPM, fd);
		close(fd);
		return 0;
	}
	s->child[role].ctl = fd;
	if (s->child[ROLE_KEY].pid && s->child[ROLE_FRONT].pid)
		return join_front_and_key(s);
	return 0;
}

static void stop_all(struct supervisor *s, int status)
{
	if (s->stopping)
		return;
	s->stopping = true;
	ms_sd_notify("STOPPING=1");
	ms_alerts_stop(&s->alerts);
	s->status = status;
	s->kill_ms = now_ms() + 5000;
	if (s->child[ROLE_FRONT].pid)
		kill(s->child[ROLE_FRONT].pid, SIGTERM);
}

/* The front finishes first, as what it has in hand needs the others. */
static void stop_rest(struct supervisor *s)
{
	for (int i = 0; i < N_ROLES; i++) {
		close_fd(&s->child[i].ctl);
		if (s->child[i].pid && i != ROLE_FRONT)
			kill(s->child[i].pid, SIGTERM);
	}
}

static void tell_death(struct supervisor *s, enum role role, int wstatus)
{
	char what[96], text[256];

	if (WIFSIGNALED(wstatus))
		snprintf(what, sizeof(what), "the %s process was ended by signal %d",
			 role_names[role], WTERMSIG(wstatus));
	else if (WEXITSTATUS(wstatus))
		snprintf(what, sizeof(what), "the %s process exited with %d",
			 role_names[role], WEXITSTATUS(wstatus));
	else
		return;
	ms_log(LOG_WARNING, "%s; starting it again", what);
	snprintf(text, sizeof(text), "{\"message\":\"%s\",\"process\":\"%s\"}", what,
		 role_names[role]);
	ms_alerts_put(&s->alerts, s->config, MS_ALERT_PROCESS, text);
}

static void child_died(struct supervisor *s, enum role role, int wstatus)
{
	struct child *c = &s->child[role];
	int64_t lived = now_ms() - c->started_ms;

	c->pid = 0;
	close_fd(&c->ctl);
	if (s->stopping) {
		if (role == ROLE_FRONT)
			stop_rest(s);
		return;
	}
	if (WIFEXITED(wstatus) && WEXITSTATUS(wstatus) == MS_EXIT_FATAL) {
		stop_all(s, 1);
		if (!s->child[ROLE_FRONT].pid)
			stop_rest(s);
		return;
	}
	tell_death(s, role, wstatus);
	c->respawn_ms = now_ms() + (lived < 1000 ? 500 : 0);
}

static void reap(struct supervisor *s)
{
	int wstatus;
	pid_t pid;

	while ((pid = waitpid(-1, &wstatus, WNOHANG)) > 0) {
		if (ms_alerts_reaped(&s->alerts, pid, wstatus))
			continue;
		for (int i = 0; i < N_ROLES; i++)
			if (s->child[i].pid == pid)
				child_died(s, i, wstatus);
	}
}

static int bundle_fd(const struct ms_config *c)
{
	int fd = memfd_create("config", MFD_CLOEXEC);
	size_t n = 0;

	while (fd >= 0 && n < c->bundle.len) {
		ssize_t w = write(fd, c->bundle.data + n, c->bundle.len - n);

		if (w <= 0) {
			close(fd);
			return -EIO;
		}
		n += (size_t)w;
	}
	return fd < 0 ? -errno : fd;
}

/* A new configuration for all, or none. Return: its descriptor for the front. */
static int take_config(struct supervisor *s, struct ms_error *err)
{
	struct ms_config *c = calloc(1, sizeof(*c));
	int fd = -1, r = c ? ms_config_load(s->config->path, c, err) : -ENOMEM;

	if (r < 0) {
		free(c);
		return err->msg[0] ? r : ms_error_set(err, r, NULL, "%s", ms_strerror(r));
	}
	r = ms_config_reloadable(s->config, c, err);
	if (r == 0)
		r = ms_tls_check(c, err);
	if (r == 0) {
		fd = bundle_fd(c);
		if (fd < 0)
			r = ms_error_set(err, fd, NULL, "cannot hand it on: %s",
					 ms_strerror(fd));
	}
	if (r < 0) {
		ms_config_clear(c);
		free(c);
		return r;
	}
	if (s->own_config) {
		ms_config_clear(s->own_config);
		free(s->own_config);
	}
	s->own_config = c;
	s->config = c;
	ms_log_json(c->log_json);
	return fd;
}

static void reload(struct supervisor *s, uint64_t id)
{
	struct ms_ipc_msg m = {.op = MS_IPC_RELOADED, .id = id};
	int fd = take_config(s, &m.done.err);

	if (fd < 0) {
		m.done.rc = fd;
		ms_log(LOG_ERR, "the configuration stays as it was: %s", m.done.err.msg);
	} else {
		ms_log(LOG_NOTICE, "the configuration was read again: %zu rules",
		       s->config->n_rules);
	}
	if (s->child[ROLE_FRONT].ctl >= 0)
		(void)!ms_ipc_send(s->child[ROLE_FRONT].ctl, &m, fd);
	if (fd >= 0)
		close(fd);
}

static void on_signal(struct supervisor *s)
{
	struct signalfd_siginfo si;

	while (read(s->signal_fd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGCHLD)
			reap(s);
		else if (si.ssi_signo == SIGTERM || si.ssi_signo == SIGINT)
			stop_all(s, 0);
		else if (si.ssi_signo == SIGHUP)
			reload(s, 0);
	}
}

/* The front says so when it starts to serve, and as long as its loop goes round. */
static void on_front_alive(struct supervisor *s)
{
	if (!s->told_ready) {
		ms_log(LOG_NOTICE, "serving on %s%s%s", s->config->socket,
		       s->config->tls_listen ? " and " : "",
		       s->config->tls_listen ? s->config->tls_listen : "");
		ms_sd_notify("READY=1");
		s->told_ready = true;
	}
	if (ms_sd_watchdog_ms())
		ms_sd_notify("WATCHDOG=1");
}

static void on_control(struct supervisor *s, enum role role)
{
	struct ms_ipc_msg m;
	int r = ms_ipc_recv(s->child[role].ctl, &m, NULL);

	if (r < 0) {
		/* It is dying; SIGCHLD tells the rest. */
		close_fd(&s->child[role].ctl);
		return;
	}
	if (role == ROLE_KEY && m.op == MS_IPC_REPLACE_TPM && s->child[ROLE_TPM].pid) {
		ms_log(LOG_WARNING,
		       "the TPM did not answer in time; replacing its worker");
		kill(s->child[ROLE_TPM].pid, SIGKILL);
	} else if (role == ROLE_FRONT && m.op == MS_IPC_READY) {
		on_front_alive(s);
	} else if (role == ROLE_FRONT && m.op == MS_IPC_RELOAD) {
		reload(s, m.id);
	} else if (role == ROLE_FRONT && m.op == MS_IPC_ALERT) {
		ms_alerts_put(&s->alerts, s->config, m.alert.kind, m.alert.text);
	}
}

static int next_timeout(const struct supervisor *s)
{
	int64_t now = now_ms(), next = ms_alerts_next(&s->alerts);
	int64_t t = next < 0 ? -1 : MS_MAX(next - now, 0);

	for (int i = 0; i < N_ROLES; i++) {
		int64_t due = s->child[i].respawn_ms;

		if (due && !s->stopping && (t < 0 || due - now < t))
			t = due > now ? due - now : 0;
	}
	if (s->stopping)
		t = s->kill_ms > now ? s->kill_ms - now : 0;
	return (int)t;
}

static void respawn_due(struct supervisor *s)
{
	static const enum role order[] = {ROLE_KEY, ROLE_FRONT, ROLE_TPM};

	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		int64_t due = s->child[order[i]].respawn_ms;

		if (due && due <= now_ms())
			(void)!start(s, order[i]);
	}
}

static void loop_once(struct supervisor *s)
{
	struct pollfd p[1 + N_ROLES] = {{.fd = s->signal_fd, .events = POLLIN}};
	int n;

	for (int i = 0; i < N_ROLES; i++)
		p[1 + i] = (struct pollfd){.fd = s->child[i].ctl, .events = POLLIN};
	n = poll(p, ARRAY_SIZE(p), next_timeout(s));
	if (n < 0 && errno != EINTR)
		stop_all(s, 1);
	for (int i = 0; i < N_ROLES; i++)
		if (n > 0 && p[1 + i].revents)
			on_control(s, i);
	if (n > 0 && p[0].revents)
		on_signal(s);
	if (!s->stopping) {
		respawn_due(s);
		ms_alerts_step(&s->alerts, s->config, now_ms());
	} else if (now_ms() >= s->kill_ms) {
		for (int i = 0; i < N_ROLES; i++)
			if (s->child[i].pid)
				kill(s->child[i].pid, SIGKILL);
		s->kill_ms = now_ms() + 1000;
	}
}

static bool any_child(const struct supervisor *s)
{
	for (int i = 0; i < N_ROLES; i++)
		if (s->child[i].pid)
			return true;
	return false;
}

/* Whoever may write there may exchange keys and the audit log. */
static int check_owner(const char *path, struct ms_error *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return ms_error_set(err, -errno, "state", "%s: %s", path,
				    ms_strerror(errno));
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return ms_error_set(err, -EPERM, "state",
				    "%s belongs to uid %u, who could exchange the keys: "
				    "give it to the agent's user with chown, or run "
				    "modseald as the user that it belongs to",
				    path, st.st_uid);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return ms_error_set(err, -EPERM, "state",
				    "%s can be written by others, who could exchange the "
				    "keys: chmod go-w %s",
				    path, path);
	return 0;
}

/* One agent a state directory: two would number audit records twice. */
static int lock_state(const char *state, struct ms_error *err)
{
	char path[MS_PATH_MAX];
	int fd, r;

	snprintf(path, sizeof(path), "%s/keys", state);
	if (mkdir(state, 0700) < 0 && errno != EEXIST)
		return ms_error_set(
			err, -errno, "state",
			"cannot make the state directory %s: %s: make it, owned by "
			"the agent's user with mode 0700",
			state, ms_strerror(errno));
	/* First, as a folder of the wrong user's would keep the right one out. */
	r = check_owner(state, err);
	if (r < 0)
		return r;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return ms_error_set(err, -errno, "state", "cannot make %s: %s", path,
				    ms_strerror(errno));
	r = check_owner(path, err);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/lock", state);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return ms_error_set(err, -errno, "state", "cannot open %s: %s", path,
				    ms_strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return ms_error_set(err, -EBUSY, "state",
				    "another agent is using %s: stop it first", state);
	}
	return fd;
}

static int set_up(struct supervisor *s, struct ms_error *err)
{
	sigset_t mask;
	int r;

	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGHUP);
	sigprocmask(SIG_BLOCK, &mask, &s->old_mask);
	signal(SIGPIPE, SIG_IGN);
	/* A file at its size limit is an error of the write, not the end of a process. */
	signal(SIGXFSZ, SIG_IGN);
	s->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signal_fd < 0)
		return ms_error_set(err, -errno, NULL, "signalfd: %s",
				    ms_strerror(errno));
	r = ms_sd_listen_fds(&s->listen_fd, &s->tls_fd, err);
	if (r < 0)
		return r;
	s->activated = s->listen_fd >= 0;
	if (!s->activated)
		r = ms_listen_unix(s->config->socket, s->config->socket_mode,
				   &s->listen_fd, err);
	if (r < 0 || !s->config->tls_listen) {
		close_fd(&s->tls_fd);
		return r;
	}
	return s->tls_fd >= 0 ? 0 : ms_listen_tcp(s->config->tls_listen, &s->tls_fd, err);
}

int ms_supervisor_run(const struct ms_config *c)
{
	struct supervisor s = {
		.config = c, .listen_fd = -1, .tls_fd = -1, .signal_fd = -1};
	struct ms_error err = {0};
	_cleanup_close_ int lock = -1;
	int r;

	for (int i = 0; i < N_ROLES; i++)
		s.child[i].ctl = -1;
	ms_log_json(c->log_json);
	umask(0077);
	lock = lock_state(c->state, &err);
	r = lock < 0 ? lock : set_up(&s, &err);
	if (r == 0) {
		r = ms_keys_share_spent();
		if (r == 0)
			r = ms_stats_share();
		if (r < 0)
			ms_error_set(&err, r, NULL, "out of memory");
	}
	if (r == 0)
		r = ms_sandbox_apply(MS_ROLE_SUPERVISOR, c, NULL, &err);
	if (r < 0) {
		ms_log(LOG_ERR, "%s", err.msg);
		return 1;
	}
	s.child[ROLE_KEY].respawn_ms = s.child[ROLE_FRONT].respawn_ms =
		s.child[ROLE_TPM].respawn_ms = 1;
	respawn_due(&s);
	while (!s.stopping || any_child(&s))
		loop_once(&s);
	if (!s.activated)
		ms_listen_remove(c->socket, s.listen_fd);
	close_fd(&s.listen_fd);
	close_fd(&s.tls_fd);
	close_fd(&s.signal_fd);
	if (s.own_config) {
		ms_config_clear(s.own_config);
		free(s.own_config);
	}
	return s.status;
}
