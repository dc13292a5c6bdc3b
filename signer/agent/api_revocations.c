/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /v1/revocations: what is not to be trusted, and so not signed, any more. */
#include <errno.h>
#include <time.h>

#include "signer/agent/revocation.h"

#include "signer/agent/store_change.h"
#include "signer/agent/web.h"

#define BODY_MAX (4u << 20)

void ms_api_revocations(struct ms_web *w)
{
	const struct ms_denied *d = w->front->denied;
	json_t *digests = json_array(), *entries = json_array();
	const char *key, *data;

	for (size_t i = 0; (key = ms_denied_at(d, i, &data)); i++) {
		json_t *j = json_loads(data, 0, NULL), *what;

		if (!j)
			j = json_object();
		if (*key != '{') {
			json_object_set_new(j, "digest", json_string(key));
			json_array_append_new(digests, j);
			continue;
		}
		what = ms_revocation_entry(key, data);
		if (json_object_get(j, "by"))
			json_object_set(what, "by", json_object_get(j, "by"));
		if (json_object_get(j, "time"))
			json_object_set(what, "time", json_object_get(j, "time"));
		json_array_append_new(entries, what);
		json_decref(j);
	}
	ms_web_json(w, 200,
		    json_pack("{s:o, s:o, s:I, s:I}", "digests", digests, "entries",
			      entries, "from_file",
			      (json_int_t)w->front->config->denied.n, "number",
			      (json_int_t)ms_denied_number(d)));
}

/**
 * struct revoking - a change of the list on its way
 * @rows: by the store's key, what is kept of each
 * @withdraw: they come off the list
 * @digests: how many of them are digests
 */
struct revoking {
	struct ms_web *w;
	json_t *rows;
	bool withdraw;
	size_t digests;
};

static void revoking_free(struct revoking *r)
{
	json_decref(r->rows);
	free(r);
}

/* What is stored of a row; NULL: nothing, or no memory. */
static char *stored(const struct revoking *r, const json_t *data)
{
	return r->withdraw ? NULL : json_dumps(data, JSON_COMPACT | JSON_SORT_KEYS);
}

static void on_recorded(void *arg, int rc, uint64_t seq, const struct ms_error *err)
{
	struct revoking *r = arg;
	const char *key;
	json_t *data;

	json_object_foreach(r->rows, key, data)
	{
		_cleanup_free_ char *text = stored(r, data);

		if (rc == 0)
			rc = text || r->withdraw
				     ? ms_denied_set(r->w->front->denied, key, text)
				     : -ENOMEM;
	}
	if (rc < 0)
		ms_web_problem(r->w, rc, err);
	else
		ms_web_json(
			r->w, 200,
			json_pack("{s:I, s:I}", "digests", (json_int_t)r->digests,
				  "entries",
				  (json_int_t)(json_object_size(r->rows) - r->digests)));
	revoking_free(r);
}

/* Members of the request hold for those entries that do not say it themselves. */
static int add_row(struct revoking *r, struct ms_revocation_row *row, const char *reason,
		   int64_t since)
{
	json_t *data = row->data;

	if (!json_object_get(data, "reason"))
		json_object_set_new(data, "reason", json_string(reason));
	if (!json_object_get(data, "since") && since)
		json_object_set_new(data, "since", json_integer(since));
	json_object_set_new(data, "by", json_string(r->w->who.id));
	json_object_set_new(data, "time", json_integer(time(NULL)));
	if (row->key[0] != '{' && !json_object_get(r->rows, row->key))
		r->digests++;
	return json_object_set(r->rows, row->key, data) < 0 ? -ENOMEM : 0;
}

static int add_digest(const json_t *v, struct ms_revocation_row *ret)
{
	char hex[2 * MS_DIGEST_MAX + 1];

	if (!json_is_string(v) || ms_denied_hex(json_string_value(v), hex) < 0)
		return -EINVAL;
	ret->key = strdup(hex);
	ret->data = json_object();
	return ret->key && ret->data ? 0 : -ENOMEM;
}

static int read_lists(struct revoking *r, const json_t *digests, const json_t *entries,
		      const char *reason, int64_t since, struct ms_error *err)
{
	size_t n = json_array_size(digests), m = json_array_size(entries);
	int rc = 0;

	for (size_t i = 0; i < n + m && rc == 0; i++) {
		_cleanup_(ms_revocation_row_clear) struct ms_revocation_row row = {0};

		if (i < n)
			rc = add_digest(json_array_get(digests, i), &row);
		else
			rc = ms_revocation_parse(json_array_get(entries, i - n), &row,
						 err);
		if (rc == -EINVAL && i < n)
			return ms_error_set(err, rc, "bad-digest",
					    "digest %zu is not 64, 96 or 128 hex digits",
					    i + 1);
		if (rc == 0)
			rc = add_row(r, &row, reason, since);
		if (rc < 0 && n + m > 1)
			ms_error_prefix(err, "entry %zu", i - n + 1);
	}
	return rc;
}

static int read_request(struct ms_web *w, struct revoking *r, struct ms_error *err)
{
	json_t *digests = NULL, *entries = NULL, *j = NULL;
	const char *body, *reason = "", *from = NULL;
	int64_t since = 0;
	int withdraw = 0, rc;
	size_t len;

	body = (const char *)ms_web_body(w, &len);
	if (body && len <= BODY_MAX)
		j = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
	if (!j ||
	    json_unpack_ex(j, NULL, JSON_STRICT, "{s?o, s?o, s?s, s?s, s?b}", "digests",
			   &digests, "entries", &entries, "reason", &reason, "since",
			   &from, "withdraw", &withdraw) < 0 ||
	    json_array_size(digests) + json_array_size(entries) == 0 ||
	    strlen(reason) > MS_REVOCATION_REASON_MAX ||
	    (from && ms_revocation_time(from, &since) < 0)) {
		json_decref(j);
		return ms_error_set(err, -EINVAL, "bad-request",
				    "the request is not {\"digests\": [HEX, ...], "
				    "\"entries\": [...], \"reason\": TEXT, \"since\": "
				    "TIME}, with \"withdraw\": true at will");
	}
	r->rows = json_object();
	r->withdraw = withdraw;
	rc = r->rows ? read_lists(r, digests, entries, reason, since, err) : -ENOMEM;
	json_decref(j);
	return rc;
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
	json_t *fields = json_pack("{s:s, s:O, s:b}", "user", w->who.user, "revoked",
				   r->rows, "withdraw", r->withdraw);
	const char *key;
	json_t *data;

	ms_identity_put_proof(&w->who, fields);
	json_object_foreach(r->rows, key, data)
	{
		_cleanup_free_ char *text = stored(r, data);

		if ((!text && !r->withdraw) ||
		    ms_change_add(&changes, MS_CHANGE_DENIED, key, 0, text) < 0) {
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
