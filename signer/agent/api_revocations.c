/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /v1/revocations: digests of modules that are not to be signed. */
#include <errno.h>
#include <time.h>

#include "signer/agent/store_change.h"
#include "signer/agent/web.h"

#define BODY_MAX (4u << 20)

void ms_api_revocations(struct ms_web *w)
{
	const struct ms_denied *d = w->front->denied;
	json_t *list = json_array();
	const char *hex, *data;

	for (size_t i = 0; (hex = ms_denied_at(d, i, &data)); i++) {
		json_t *j = json_loads(data, 0, NULL);

		if (!j)
			j = json_object();
		json_object_set_new(j, "digest", json_string(hex));
		json_array_append_new(list, j);
	}
	ms_web_json(w, 200,
		    json_pack("{s:o, s:I}", "digests", list, "from_file",
			      (json_int_t)w->front->config->denied.n));
}

/**
 * struct revoking - a change of the list on its way
 * @digests: hex texts; @data: what is kept of each; NULL: they come off
 */
struct revoking {
	struct ms_web *w;
	json_t *digests;
	char *data;
};

static void revoking_free(struct revoking *r)
{
	json_decref(r->digests);
	free(r->data);
	free(r);
}

static void on_recorded(void *arg, int rc, uint64_t seq, const struct ms_error *err)
{
	struct revoking *r = arg;
	size_t n = json_array_size(r->digests);

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = ms_denied_set(r->w->front->denied,
				   json_string_value(json_array_get(r->digests, i)),
				   r->data);
	if (rc < 0)
		ms_web_problem(r->w, rc, err);
	else
		ms_web_json(r->w, 200, json_pack("{s:I}", "digests", (json_int_t)n));
	revoking_free(r);
}

static int read_request(struct ms_web *w, struct revoking *r, struct ms_error *err)
{
	const char *reason = "";
	json_t *list = NULL, *j = NULL, *data;
	const char *body;
	size_t len, i;
	int withdraw = 0;
	json_t *v;

	body = (const char *)ms_web_body(w, &len);
	if (body && len <= BODY_MAX)
		j = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
	if (!j ||
	    json_unpack_ex(j, NULL, JSON_STRICT, "{s:o, s?s, s?b}", "digests", &list,
			   "reason", &reason, "withdraw", &withdraw) < 0 ||
	    json_array_size(list) == 0) {
		json_decref(j);
		return ms_error_set(err, -EINVAL, "bad-request",
				    "the request is not {\"digests\": [HEX, ...], "
				    "\"reason\": TEXT}, with \"withdraw\": true at will");
	}
	r->digests = json_array();
	json_array_foreach(list, i, v)
	{
		char hex[2 * MS_DIGEST_MAX + 1];

		if (!json_is_string(v) || ms_denied_hex(json_string_value(v), hex) < 0) {
			json_decref(j);
			return ms_error_set(err, -EINVAL, "bad-digest",
					    "digest %zu is not 64, 96 or 128 hex digits",
					    i + 1);
		}
		json_array_append_new(r->digests, json_string(hex));
	}
	data = json_pack("{s:s, s:s, s:I}", "reason", reason, "by", w->who.id, "time",
			 (json_int_t)time(NULL));
	if (!withdraw)
		r->data = data ? json_dumps(data, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	json_decref(data);
	json_decref(j);
	return withdraw || r->data ? 0 : -ENOMEM;
}

static int check(struct ms_web *w, struct revoking *r, struct ms_error *err)
{
	if (ms_identity_is_admin(w->front->config, &w->who))
		return read_request(w, r, err);
	return ms_error_set(err, -EACCES, "not-admin",
			    "%s may not revoke: 'admins' in the agent's configuration "
			    "says who may",
			    w->who.id);
}

static int record(struct revoking *r)
{
	struct ms_web *w = r->w;
	struct ms_change *changes = NULL;
	json_t *fields =
		json_pack("{s:s, s:O, s:b, s:s?}", "user", w->who.user, "digests",
			  r->digests, "withdraw", !r->data, "details", r->data);
	size_t i;
	json_t *v;

	ms_identity_put_proof(&w->who, fields);
	json_array_foreach(r->digests, i, v)
	{
		if (ms_change_add(&changes, MS_CHANGE_DENIED, json_string_value(v), 0,
				  r->data) < 0) {
			ms_change_free(changes);
			json_decref(fields);
			return -ENOMEM;
		}
	}
	return ms_audit_put_with(w->front->audit, "revoke", "", w->who.id, w->id, fields,
				 changes, on_recorded, r);
}

void ms_api_revoke(struct ms_web *w)
{
	struct revoking *r = calloc(1, sizeof(*r));
	struct ms_error err = {0};
	json_t *fields;
	int rc = -ENOMEM;

	if (r) {
		r->w = w;
		rc = check(w, r, &err);
		if (rc == -EACCES) {
			fields = json_pack("{s:s, s:s, s:s, s:s}", "user", w->who.user,
					   "action", "revoke", "code", err.code, "reason",
					   err.msg);
			ms_identity_put_proof(&w->who, fields);
			(void)!ms_audit_put(w->front->audit, "refuse", "", w->who.id,
					    w->id, fields, NULL, NULL);
		}
		if (rc == 0)
			rc = record(r);
	}
	if (rc < 0) {
		if (r)
			revoking_free(r);
		ms_web_problem(w, rc, &err);
	}
}
