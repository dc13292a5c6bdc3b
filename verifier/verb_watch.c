/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal-verify watch: one line of JSON for each load, unload and change of a file. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <linux/netlink.h>
#include "lib/escape.h"
#include "verifier/kernel_tree.h"
#include "verifier/loaded.h"
#include "verifier/session.h"
#include "verifier/system_state.h"
#include "verifier/uevent.h"
#include "verifier/watch_tree.h"

#define RECEIVE_BUFFER (1 << 20)

/**
 * struct watching - what is watched
 * @dir: the running kernel's modules
 * @uevents: socket; -1: loads and unloads are not seen
 * @tree.fd: -1: files are not seen
 */
struct watching {
	struct ms_options *o;
	char dir[MS_PATH_MAX];
	int uevents, signals;
	struct ms_watch_tree tree;
};

/* ------------------------------------------------------------------- events */

static int say(const struct watching *w, const char *event, const struct ms_result *r)
{
	return ms_report_event(event, w->o->q.now, r, stdout);
}

/* Only this is known of it. */
static int say_bare(const struct watching *w, const char *event, const char *path,
		    const char *name)
{
	_cleanup_result_ struct ms_result r = {.path = NULL};

	r.path = path ? strdup(path) : NULL;
	r.name = name ? strdup(name) : NULL;
	if ((path && !r.path) || (name && !r.name))
		return -ENOMEM;
	r.kernel.enforce = w->o->q.enforce;
	return say(w, event, &r);
}

static int say_all(const struct watching *w, const char *event, struct ms_session *s)
{
	int rc = 0;

	ms_severities_apply(&w->o->severities, &s->results);
	for (size_t i = 0; i < s->results.n && !rc; i++)
		rc = say(w, event, &s->results.v[i]);
	return rc;
}

static int check_loaded(const struct watching *w, const struct ms_loaded *one,
			struct ms_session *s)
{
	struct ms_results joined = {0};
	size_t n;
	int rc = *w->dir ? ms_filelist_add_tree(&s->files, w->o->root, w->dir, &n) : 0;

	if (rc)
		return rc;
	ms_loaded_keep(one, &s->files);
	rc = ms_session_run(s, w->o);
	if (!rc)
		rc = ms_loaded_join(one, &s->results, &joined);
	if (!rc)
		s->results = joined;
	return rc;
}

static int on_load(const struct watching *w, const char *name)
{
	struct ms_loaded l = {0}, one = {0};
	struct ms_session s;
	int rc = ms_loaded_read(w->o->root, &l);

	one.v = rc ? NULL : ms_loaded_find(&l, name);
	one.n = 1;
	one.has_proc = l.has_proc;
	/* It has gone again, or cannot be looked at: that it came is known all the same.
	 */
	if (!one.v) {
		ms_loaded_clear(&l);
		return say_bare(w, "load", NULL, name);
	}
	ms_session_init(&s);
	rc = check_loaded(w, &one, &s);
	if (!rc)
		rc = say_all(w, "load", &s);
	ms_session_clear(&s);
	ms_loaded_clear(&l);
	return rc;
}

static int on_file(void *arg, enum ms_tree_change what, const char *path)
{
	const struct watching *w = arg;
	struct ms_session s;
	size_t n;
	int rc;

	if (what != MS_TREE_WRITTEN || access(path, F_OK))
		return say_bare(w, what == MS_TREE_LOST ? "lost" : "file-removed", path,
				NULL);
	ms_session_init(&s);
	rc = ms_filelist_add(&s.files, path, &n);
	if (!rc)
		rc = ms_session_run(&s, w->o);
	if (!rc)
		rc = say_all(w, "file-written", &s);
	ms_session_clear(&s);
	return rc;
}

/* ------------------------------------------------------------------ sockets */

static int open_uevents(void)
{
	struct sockaddr_nl a = {.nl_family = AF_NETLINK, .nl_groups = 1};
	_cleanup_close_ int fd =
		socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       NETLINK_KOBJECT_UEVENT);
	int size = RECEIVE_BUFFER;

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)))
		return -errno;
	return TAKE_FD(fd);
}

/* The kernel's own: udev's to its clients, and whoever else's, have a sender. */
static bool from_kernel(const struct watching *w, const struct sockaddr_nl *a,
			socklen_t len)
{
	if (w->o->uevents >= 0)
		return true;
	return len == sizeof(*a) && a->nl_family == AF_NETLINK && a->nl_pid == 0;
}

/* Return: 0; -EPIPE where no more will come; ... */
static int on_uevent(const struct watching *w)
{
	uint8_t buf[MS_UEVENT_MAX];
	struct sockaddr_nl a = {0};
	socklen_t len = sizeof(a);
	struct ms_uevent e;
	ssize_t n = recvfrom(w->uevents, buf, sizeof(buf), MSG_DONTWAIT | MSG_TRUNC,
			     (struct sockaddr *)&a, &len);

	if (n < 0 && errno == ENOBUFS)
		return say_bare(w, "lost", NULL, NULL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!n)
		return -EPIPE;
	if ((size_t)n > sizeof(buf) || !from_kernel(w, &a, len) ||
	    ms_uevent_parse(buf, (size_t)n, &e))
		return 0;
	return e.add ? on_load(w, e.name) : say_bare(w, "unload", NULL, e.name);
}

/* Return: 0 to go on, 1 to end, or a negative errno */
static int turn(struct watching *w)
{
	struct pollfd p[] = {
		{w->signals, POLLIN, 0},
		{w->uevents, POLLIN, 0},
		{w->tree.fd, POLLIN, 0},
	};
	int rc = 0;

	if (poll(p, ARRAY_SIZE(p), -1) < 0)
		return errno == EINTR ? 0 : -errno;
	if (p[0].revents)
		return 1;
	w->o->q.now = time(NULL);
	if (p[1].revents)
		rc = on_uevent(w);
	if (!rc && p[2].revents)
		rc = ms_watch_tree_read(&w->tree, on_file, w);
	return rc;
}

static int follow(struct watching *w)
{
	int rc = 0;

	while (!rc)
		rc = turn(w);
	if (rc == 1)
		return MS_EXIT_GOOD;
	if (rc == -EPIPE)
		ms_complain(
			"watch: nobody tells of loads any more: the socket is closed");
	return rc == -EPIPE ? MS_EXIT_UNCHECKED : ms_session_failed(rc);
}

/* -------------------------------------------------------------------- start */

static void start_uevents(struct watching *w)
{
	w->uevents = w->o->uevents >= 0 ? w->o->uevents : open_uevents();
	if (w->uevents >= 0)
		return;
	ms_complain("watch: loads and unloads are not seen: uevents: %s",
		    ms_strerror(w->uevents));
	w->uevents = -1;
}

static void start_tree(struct watching *w, const char *release)
{
	struct ms_error err = {0};
	char shown[512];

	if (ms_kernel_modules_dir(w->o->root, release, w->dir, sizeof(w->dir))) {
		w->dir[0] = 0;
		ms_complain("watch: files are not seen: no modules of kernel %s",
			    ms_escape_str(release, shown, sizeof(shown)));
		return;
	}
	ms_escape_str(w->dir, shown, sizeof(shown));
	if (ms_watch_tree_open(w->dir, &w->tree, &err))
		ms_complain("watch: files are not seen: %s: %s", shown, err.msg);
	else if (w->tree.unseen)
		ms_complain("watch: %s: %zu folders cannot be watched: are they "
			    "readable, is fs.inotify.max_user_watches large enough?",
			    shown, w->tree.unseen);
}

static int start(struct watching *w, const char *release)
{
	sigset_t set;
	char shown[512];

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	w->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (w->signals < 0)
		return ms_session_failed(-errno);
	start_uevents(w);
	start_tree(w, release);
	if (w->uevents < 0 && w->tree.fd < 0) {
		ms_complain("watch: there is nothing that can be watched");
		return MS_EXIT_UNCHECKED;
	}
	ms_complain("watch: watching %s%s%s%s", w->uevents >= 0 ? "loads" : "",
		    w->uevents >= 0 && w->tree.fd >= 0 ? " and " : "",
		    w->tree.fd >= 0 ? "files below " : "",
		    w->tree.fd >= 0 ? ms_escape_str(w->dir, shown, sizeof(shown)) : "");
	return follow(w);
}

static void ask_about(struct ms_options *o, const char *release)
{
	struct ms_system_state state;

	ms_system_state_read(o->root, &state);
	if (!o->q.profile)
		o->q.profile = ms_kernel_profile_find(release);
	if (!o->enforce_given)
		o->q.enforce = ms_system_state_enforce(&state);
	/* No progress, and nothing that is remembered wrongly. */
	o->quiet = true;
	o->cache = NULL;
}

int ms_verb_watch(struct ms_options *o)
{
	struct watching w = {.o = o, .uevents = -1, .signals = -1, .tree = {.fd = -1}};
	char release[256];
	int status;

	if (o->n_args) {
		ms_complain("watch takes no operands");
		return MS_EXIT_USAGE;
	}
	if (ms_kernel_running(o->root, release, sizeof(release))) {
		ms_complain("watch: cannot tell which kernel runs");
		return MS_EXIT_UNCHECKED;
	}
	status = ms_kernel_trust(o, release);
	if (status >= 0)
		return status;
	ask_about(o, release);
	status = start(&w, release);
	ms_watch_tree_clear(&w.tree);
	if (w.uevents >= 0)
		close(w.uevents);
	if (w.signals >= 0)
		close(w.signals);
	return status;
}
