/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/front.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <syslog.h>
#include <time.h>

#include "signer/agent/conn.h"
#include "signer/agent/event_memory.h"
#include "signer/agent/grant.h"
#include "signer/agent/ipc.h"
#include "signer/agent/log.h"
#include "signer/agent/log_head.h"
#include "signer/agent/lookup.h"
#include "signer/agent/metrics.h"
#include "signer/agent/overlap.h"
#include "signer/agent/reload.h"
#include "signer/agent/sandbox.h"
#include "signer/agent/supervisor.h"
#include "signer/agent/tls.h"
#include "signer/agent/watch.h"
#include "signer/agent/web.h"

#define DRAIN_S 4	/* for open requests after SIGTERM */
#define CLOCK_JUMP_S 30 /* is more than an NTP client slews within a tick */
#define TICK_S 5	/* says that the loop goes round; gives memory back */

static void on_last_checkpoint(void *arg, int rc, const struct ms_error *err)
{
	struct ms_front *f = arg;

	event_base_loopbreak(f->base);
}

int64_t ms_front_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec;
}

int64_t ms_front_steady(const struct ms_front *f)
{
	return f->started_at + (ms_front_clock() - f->started);
}

/* Entries have the time that the clock showed; that it was set is an entry, too. */
static void watch_clock(struct ms_front *f)
{
	int64_t off = (int64_t)time(NULL) - ms_front_steady(f), by = off - f->jumped;

	if (by > -CLOCK_JUMP_S && by < CLOCK_JUMP_S)
		return;
	f->jumped = off;
	ms_log(LOG_WARNING,
	       "the clock was set %s by %lld seconds: limits and builds go by the time "
	       "that has passed",
	       by < 0 ? "back" : "forward", (long long)(by < 0 ? -by : by));
	(void)!ms_audit_put(f->audit, "clock-jump", "", "", "",
			    json_pack("{s:I}", "seconds", (json_int_t)by), NULL, NULL);
}

void ms_front_config_is(struct ms_front *f, const void *bundle, size_t len)
{
	uint8_t digest[32];

	f->config_sha256[0] = '\0';
	if (ms_digest(MS_HASH_SHA256, bundle, len, digest) == 0)
		ms_hex(digest, sizeof(digest), f->config_sha256);
}

static void on_stop_recorded(void *arg, int rc, uint64_t seq, const struct ms_error *err)
{
	struct ms_front *f = arg;

	ms_log_head_make(f->head, on_last_checkpoint, f);
}

/* Everything answered; what was recorded since the last checkpoint gets one, too. */
static void stop_if_done(struct ms_front *f)
{
	if (!f->stopping || f->open > 0 || f->last_checkpoint)
		return;
	f->last_checkpoint = true;
	ms_overlap_watch(f);
	if (ms_audit_put(f->audit, "stop", "", "", "",
			 json_pack("{s:I, s:I}", "requests", (json_int_t)f->requests,
				   "seconds",
				   (json_int_t)(ms_front_clock() - f->started)),
			 on_stop_recorded, f) < 0)
		ms_log_head_make(f->head, on_last_checkpoint, f);
}

static void on_audit(evutil_socket_t fd, short what, void *arg)
{
	struct ms_front *f = arg;

	ms_audit_dispatch(f->audit);
	stop_if_done(f);
}

static void on_lookups(evutil_socket_t fd, short what, void *arg)
{
	struct ms_front *f = arg;

	ms_lookups_dispatch(f->lookups);
	stop_if_done(f);
}

/* Another certificate, CA or revocation list: as soon as it is there. */
static void refresh_tls(struct ms_front *f, bool force)
{
	static struct ms_error told;
	struct ms_error err = {0};
	bool changed = false;

	if (!f->tls)
		return;
	if (ms_tls_refresh(f->tls, force, &changed, &err) < 0 &&
	    strcmp(told.msg, err.msg) != 0)
		ms_log(LOG_ERR, "TLS goes on with the files it had: %s", err.msg);
	told = err;
	if (changed)
		ms_log(LOG_NOTICE, "the files of [tls] were read again");
	if (changed || force)
		ms_conns_reloaded(f->conns);
}

static void on_control(evutil_socket_t fd, short what, void *arg)
{
	struct ms_front *f = arg;
	struct ms_ipc_msg m;
	int peer = -1, r;

	r = ms_ipc_recv(fd, &m, &peer);
	if (r == -EAGAIN)
		return;
	if (r < 0) {
		/* The supervisor is gone, or shutting down. */
		event_base_loopbreak(f->base);
		return;
	}
	if (m.op == MS_IPC_RELOADED) {
		ms_reload_take(f, &m, peer);
		refresh_tls(f, true);
	} else if (m.op == MS_IPC_PEER_KEY && peer >= 0)
		ms_key_link_set_fd(f->keys, peer);
	else if (peer >= 0)
		close(peer);
}

static void on_term(evutil_socket_t fd, short what, void *arg)
{
	struct ms_front *f = arg;
	struct timeval drain = {.tv_sec = DRAIN_S};

	f->stopping = true;
	ms_conns_stop(f->conns);
	event_base_loopexit(f->base, &drain);
	stop_if_done(f);
}

/* Gives memory back when a burst of large modules is over: they leave large holes. */
static void trim_when_idle(struct ms_front *f)
{
	static uint64_t seen, trimmed;

	if (f->requests == seen && trimmed != seen && f->open == 0) {
		malloc_trim(0);
		trimmed = seen;
	}
	seen = f->requests;
}

static void on_builds(evutil_socket_t fd, short what, void *arg)
{
	ms_api_builds_tick(arg);
	refresh_tls(arg, false);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct ms_ipc_msg alive = {.op = MS_IPC_READY};
	struct ms_front *f = arg;

	(void)!ms_ipc_send(f->ctl, &alive, -1);
	watch_clock(f);
	ms_overlap_watch(f);
	trim_when_idle(f);
}

static int add_event(struct ms_front *f, int fd, short what, event_callback_fn fn,
		     const struct timeval *every)
{
	struct event *ev = event_new(f->base, fd, what | EV_PERSIST, fn, f);

	return ev && event_add(ev, every) == 0 ? 0 : -ENOMEM;
}

static int record_start(struct ms_front *f)
{
	json_t *fields;

	ms_front_config_is(f, f->config->bundle.data, f->config->bundle.len);
	fields = json_pack("{s:s, s:i, s:I, s:s}", "version", MS_VERSION, "rules",
			   (int)f->config->n_rules, "unsigned",
			   (json_int_t)ms_log_head_unsigned(f->head), "config",
			   f->config_sha256);

	return ms_audit_put(f->audit, "start", "", "", "", fields, NULL, NULL);
}

/* Opens what needs the file system, then gives up the rest of it. */
static int open_store(struct ms_front *f)
{
	struct ms_error err = {0};
	char path[MS_PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "%s/audit.db", f->config->state);
	r = ms_store_open(path, &f->store, &err);
	if (r == 0)
		f->overlap_seen = ms_overlap_seen(f->store);
	if (r == 0)
		r = ms_store_view(path, &f->own_view, &err);
	if (r == 0)
		r = ms_tls_new(f->config, &f->tls, &err);
	if (r == 0)
		r = ms_grants_load(f, &err);
	if (r == 0)
		r = ms_sandbox_apply(MS_ROLE_FRONT, f->config, NULL, &err);
	if (r < 0) {
		ms_log(LOG_ERR, "%s", err.msg);
		return MS_EXIT_FATAL;
	}
	return 0;
}

static int set_up(struct ms_front *f, int listen_fd, int tls_fd)
{
	struct timeval tick = {.tv_sec = TICK_S}, builds = {.tv_sec = 1};
	struct ms_error err = {0};
	int fd, r;

	ms_event_memory();
	evthread_use_pthreads();
	f->base = event_base_new();
	if (!f->base)
		return -ENOMEM;
	r = ms_audit_new(f->store, &f->audit, &fd);
	if (r == 0)
		r = add_event(f, fd, EV_READ, on_audit, NULL);
	if (r == 0)
		r = ms_lookups_new(&f->lookups, &fd);
	if (r == 0)
		r = add_event(f, fd, EV_READ, on_lookups, NULL);
	if (r == 0)
		r = ms_key_link_new(f->base, &f->keys);
	if (r == 0)
		r = evutil_make_socket_nonblocking(f->ctl) < 0 ? -errno : 0;
	if (r == 0)
		r = add_event(f, f->ctl, EV_READ, on_control, NULL);
	if (r == 0)
		r = add_event(f, SIGTERM, EV_SIGNAL, on_term, NULL);
	if (r == 0)
		r = add_event(f, -1, 0, on_tick, &tick);
	if (r == 0)
		r = ms_metrics_new(&f->metrics);
	if (r == 0)
		r = ms_watch_new(f, &f->watch);
	if (r == 0)
		r = ms_log_head_new(f, &f->head, &err);
	if (r == 0)
		r = record_start(f);
	if (r == 0)
		r = add_event(f, -1, 0, on_builds, &builds);
	if (r == 0)
		r = ms_conns_new(f, listen_fd, f->tls ? tls_fd : -1, &f->conns);
	return r;
}

/* A connection is a descriptor; the usual soft limit is there for programs with select().
 */
static void raise_descriptor_limit(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		return;
	l.rlim_cur = l.rlim_max;
	(void)!setrlimit(RLIMIT_NOFILE, &l);
}

int ms_front_run(const struct ms_config *c, int ctl, int listen_fd, int tls_fd)
{
	struct ms_front f = {.config = c,
			     .ctl = ctl,
			     .started = ms_front_clock(),
			     .started_at = time(NULL)};
	struct ms_ipc_msg ready = {.op = MS_IPC_READY};
	int r;

	/* Module bodies are large and short-lived: no arenas of their own for the
	 * threads. */
	(void)mallopt(M_ARENA_MAX, 1);
	raise_descriptor_limit();
	r = open_store(&f);
	if (r)
		return r;
	r = set_up(&f, listen_fd, tls_fd);
	if (r < 0) {
		ms_log(LOG_ERR, "cannot start: %s", ms_strerror(r));
		return 1;
	}
	(void)!ms_ipc_send(ctl, &ready, -1);
	event_base_dispatch(f.base);
	/* Records that are queued are still written; their answers are not. */
	ms_lookups_free(f.lookups);
	ms_audit_free(f.audit);
	/* The writer last: closing it empties the WAL. */
	ms_store_close(f.own_view);
	ms_store_close(f.store);
	ms_grants_free(&f);
	ms_tls_free(f.tls);
	ms_watch_free(f.watch);
	ms_metrics_free(f.metrics);
	if (f.own_config) {
		ms_config_clear(f.own_config);
		free(f.own_config);
	}
	return 0;
}
