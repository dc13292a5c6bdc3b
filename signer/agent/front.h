/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The front: parses everything that comes from outside, holds no key, decides by the
 * policy, and releases nothing before its audit record is durable. One event loop.
 */
#ifndef MS_AGENT_FRONT_H
#define MS_AGENT_FRONT_H

#include "signer/agent/audit.h"
#include "signer/agent/build.h"
#include "signer/agent/config.h"
#include "signer/agent/denied.h"
#include "signer/agent/key_link.h"
#include "signer/agent/limits.h"

struct ms_conns;
struct ms_tls;
struct ms_log_head;
struct ms_lookups;
struct ms_metrics;
struct ms_turns;
struct ms_watch;

/**
 * struct ms_front - what the request handlers share
 * @tls: NULL without [tls]
 * @own_view: of @store, for the log's check of itself (self_check.h)
 * @own_config: is @config once it was reloaded; @reloads: who waits for that
 * @config_sha256: in hex, of the texts of the configuration's files
 * @started: of the clock that only goes forward; @started_at: seconds since 1970 then
 * @jumped: seconds by which the time was set since, as far as it is on record
 * @overlap_seen: overlap.h
 * @last_checkpoint: the one of a clean stop has been asked for, behind its entry
 * @requests, @open: requests seen, and those not answered yet
 */
struct ms_front {
	const struct ms_config *config;
	struct event_base *base;
	struct ms_conns *conns;
	struct ms_tls *tls;
	struct ms_store *store, *own_view;
	struct ms_audit *audit;
	struct ms_key_link *keys;
	struct ms_log_head *head;
	struct ms_lookups *lookups;
	struct ms_builds *builds;
	struct ms_limits *limits;
	struct ms_turns *turns;
	struct ms_denied *denied;
	struct ms_metrics *metrics;
	struct ms_watch *watch;
	int ctl;
	char config_sha256[65];
	int64_t started, started_at, jumped, overlap_seen;
	uint64_t requests;
	size_t open;
	bool stopping, last_checkpoint;
	struct ms_config *own_config;
	struct ms_reload *reloads;
};

/** ms_front_clock() - seconds of a clock that nobody sets */
int64_t ms_front_clock(void);

/** ms_front_steady() - seconds since 1970, had nobody set the clock since the start: what
 * limits are counted by, which a clock that is set forward shall not empty */
int64_t ms_front_steady(const struct ms_front *f);

/** ms_front_config_is() - remember which configuration is in force, for the record */
void ms_front_config_is(struct ms_front *f, const void *bundle, size_t len);

/**
 * ms_front_run() - be the front until SIGTERM, or until the supervisor goes
 * @ctl: control socket to the supervisor
 * @listen_fd: listening Unix socket; @tls_fd: listening TCP socket, or -1
 * Return: exit status; MS_EXIT_FATAL when it can never work (store damaged, ...).
 */
int ms_front_run(const struct ms_config *c, int ctl, int listen_fd, int tls_fd);

#endif
