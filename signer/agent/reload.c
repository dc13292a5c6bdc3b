/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/reload.h"

#include <errno.h>
#include <event2/event.h>
#include <sys/stat.h>
#include <syslog.h>

#include "signer/agent/identity.h"
#include "signer/agent/ipc.h"
#include "signer/agent/log.h"
#include "signer/agent/web.h"

/**
 * struct ms_reload - somebody who waits for the new configuration
 * @asked: number of the question
 */
struct ms_reload {
	struct ms_reload *next;
	struct ms_web *w;
	uint64_t asked;
	int rc;
	struct ms_error err;
};

static int read_all(int fd, char **ret, size_t *ret_len)
{
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t n = 0;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size > MS_CONFIG_BUNDLE_MAX)
		return -EBADMSG;
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	while (n < (size_t)st.st_size) {
		ssize_t r = pread(fd, text + n, (size_t)st.st_size - n, (off_t)n);

		if (r <= 0)
			return -EBADMSG;
		n += (size_t)r;
	}
	*ret = TAKE_PTR(text);
	*ret_len = n;
	return 0;
}

static int swap(struct ms_front *f, int fd, struct ms_error *err)
{
	struct ms_config *c = calloc(1, sizeof(*c));
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int r = c ? read_all(fd, &text, &len) : -ENOMEM;

	if (r == 0)
		r = ms_config_unbundle(text, len, c, err);
	if (r == 0) {
		r = ms_denied_config(f->denied, &c->denied);
		if (r < 0)
			ms_config_clear(c);
	}
	if (r < 0) {
		free(c);
		return err->msg[0] ? r : ms_error_set(err, r, NULL, "%s", ms_strerror(r));
	}
	if (f->own_config) {
		ms_config_clear(f->own_config);
		free(f->own_config);
	}
	f->own_config = c;
	f->config = c;
	ms_front_config_is(f, text, len);
	ms_log_json(c->log_json);
	return 0;
}

static void answer(struct ms_reload *r)
{
	if (r->rc < 0)
		ms_web_problem(r->w, r->rc, &r->err);
	else
		ms_web_json(r->w, 200,
			    json_pack("{s:I}", "rules",
				      (json_int_t)r->w->front->config->n_rules));
	free(r);
}

static void on_recorded(void *arg, int rc, uint64_t seq, const struct ms_error *err)
{
	struct ms_reload *r = arg;

	if (!r)
		return;
	if (rc < 0) {
		r->rc = rc;
		r->err = *err;
	}
	answer(r);
}

static void record(struct ms_front *f, struct ms_reload *r, int rc, const char *before,
		   const struct ms_error *err)
{
	json_t *fields = json_pack(
		"{s:s, s:s, s:I, s:s, s:s}", "user", r ? r->w->who.user : "", "result",
		rc < 0 ? "refused" : "done", "rules", (json_int_t)f->config->n_rules,
		"config", f->config_sha256, "config_before", before);

	if (r)
		ms_identity_put_proof(&r->w->who, fields);
	if (fields && rc < 0)
		json_object_set_new(fields, "reason", ms_web_text(err->msg));
	if (r) {
		r->rc = rc;
		r->err = *err;
	}
	if (ms_audit_put(f->audit, "config-reload", "", r ? r->w->who.id : "",
			 r ? r->w->id : "", fields, on_recorded, r) < 0 &&
	    r)
		answer(r);
}

static struct ms_reload *take_waiter(struct ms_front *f, uint64_t asked)
{
	for (struct ms_reload **p = &f->reloads; asked && *p; p = &(*p)->next) {
		struct ms_reload *r = *p;

		if (r->asked == asked) {
			*p = r->next;
			return r;
		}
	}
	return NULL;
}

void ms_reload_take(struct ms_front *f, const struct ms_ipc_msg *m, int fd)
{
	struct ms_reload *r = take_waiter(f, m->id);
	struct ms_error err = m->done.err;
	char before[sizeof(f->config_sha256)];
	int rc = m->done.rc;

	memcpy(before, f->config_sha256, sizeof(before));
	if (rc == 0) {
		rc = swap(f, fd, &err);
		/* The others have the new one: start again with it. */
		if (rc < 0) {
			ms_log(LOG_ERR, "cannot take the new configuration: %s", err.msg);
			event_base_loopbreak(f->base);
		}
	}
	if (fd >= 0)
		close(fd);
	record(f, r, rc, before, &err);
}

void ms_api_reload(struct ms_web *w)
{
	static uint64_t asked;
	struct ms_ipc_msg m = {.op = MS_IPC_RELOAD};
	struct ms_front *f = w->front;
	struct ms_error err = {0};
	struct ms_reload *r;
	int rc;

	if (!ms_identity_is_admin(f->config, &w->who)) {
		ms_error_set(&err, -EACCES, "not-admin",
			     "%s may not reload: 'admins' in the agent's configuration "
			     "says who may",
			     w->who.id);
		ms_web_problem(w, -EACCES, &err);
		return;
	}
	r = calloc(1, sizeof(*r));
	m.id = ++asked;
	rc = r ? ms_ipc_send(f->ctl, &m, -1) : -ENOMEM;
	if (rc < 0) {
		free(r);
		ms_error_set(&err, rc, "internal", "cannot ask for a reload: %s",
			     ms_strerror(rc));
		ms_web_problem(w, rc, &err);
		return;
	}
	r->w = w;
	r->asked = m.id;
	r->next = f->reloads;
	f->reloads = r;
}
