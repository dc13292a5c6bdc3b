/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /v1/builds, for who looks: builds, their modules, their manifests. */
#include <errno.h>
#include <openssl/evp.h>

#include "signer/agent/lookup.h"
#include "signer/agent/store_change.h"
#include "signer/agent/web.h"

#define ANSWER_MAX (256u << 20)

void ms_api_build(struct ms_web *w)
{
	const struct ms_build *b = ms_api_build_of(w), *before;
	json_t *j;

	if (!b)
		return;
	before = ms_builds_previous(w->front->builds, b, w->front->config, &w->who);
	j = ms_build_json(b, &b->life);
	if (j && before)
		json_object_set_new(j, "previous", json_string(before->id));
	ms_web_json(w, 200, j);
}

void ms_api_builds(struct ms_web *w)
{
	const char *state = ms_web_param(w, "state"), *only = ms_web_param(w, "request");
	json_t *list = json_array();
	const struct ms_build *b;

	for (size_t i = 0; (b = ms_builds_at(w->front->builds, i)); i++) {
		if (ms_build_may_see(w->front->config, b, &w->who) &&
		    (!only || b->request) &&
		    (!state || strcmp(state, ms_build_state_name(b->life.state)) == 0))
			json_array_append_new(list, ms_build_json(b, &b->life));
	}
	ms_web_json(w, 200, json_pack("{s:o}", "builds", list));
}

/* --------------------------------------------------- what the store has of one */

/**
 * struct look - on its way to the lookup thread and back
 * @what, @n: which rows, and how many there were
 */
struct look {
	struct ms_web *w;
	struct ms_store *store;
	char id[MS_BUILD_ID + 1];
	enum ms_change_what what;
	struct ms_buf out;
	size_t n;
	bool p7s, text;
	int rc;
	struct ms_error err;
};

static void look_free(struct look *l)
{
	ms_buf_clear(&l->out);
	free(l);
}

static void look_failed(struct look *l)
{
	struct ms_web *w = l->w;

	if (!l->err.msg[0])
		ms_error_set(&l->err, l->rc, "store", "cannot read the store: %s",
			     ms_strerror(l->rc));
	ms_web_problem(w, l->rc, &l->err);
	look_free(l);
}

static void look_start(struct ms_web *w, const struct ms_build *b, struct look like,
		       void (*work)(void *arg), void (*done)(void *arg))
{
	struct look *l = malloc(sizeof(*l));
	struct ms_error err = {0};
	int r;

	like.w = w;
	like.store = w->front->store;
	memcpy(like.id, b->id, sizeof(like.id));
	like.out = MS_BUF_INIT(ANSWER_MAX);
	if (l)
		*l = like;
	r = l ? ms_lookup(w->front->lookups, work, done, l) : -ENOMEM;
	if (r == 0)
		return;
	free(l);
	ms_error_set(&err, r, r == -EAGAIN ? "busy" : NULL, "%s",
		     r == -EAGAIN ? "too many others ask for the same: try again"
				  : "out of memory");
	ms_web_problem(w, r, &err);
}

/* ---------------------------------------------------------------------- modules */

static int put_list(const char *key, int64_t number, const char *data, void *arg)
{
	struct look *l = arg;

	l->n++;
	ms_buf_put(&l->out, data, strlen(data));
	return ms_buf_error(&l->out);
}

static int put_signed(const char *key, int64_t number, const char *data, void *arg)
{
	struct look *l = arg;
	json_t *j = json_loads(data, 0, NULL), *facts = json_object_get(j, "module");
	_cleanup_free_ char *text = NULL;

	/* Flat, as in a list; "file" is the name that the client gave. */
	json_object_update_missing(j, facts);
	json_object_del(j, "module");
	text = j ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	json_decref(j);
	if (!text)
		return -EBADMSG;
	ms_buf_printf(&l->out, "%s", l->n++ ? "," : "");
	ms_buf_put(&l->out, text, strlen(text));
	return ms_buf_error(&l->out);
}

static void read_modules(void *arg)
{
	struct look *l = arg;
	bool list = l->what == MS_CHANGE_LIST;

	ms_buf_printf(&l->out, "{\"build\":\"%s\",\"of\":\"%s\",", l->id,
		      list ? "list" : "signed");
	ms_buf_printf(&l->out, list ? "\"list\":" : "\"modules\":[");
	l->rc = ms_store_foreach_row(l->store, l->what, l->id, 0,
				     list ? put_list : put_signed, l, &l->err);
	ms_buf_printf(&l->out, list ? "}" : "]}");
	if (l->rc == 0)
		l->rc = ms_buf_error(&l->out);
	if (l->rc == 0 && list && l->n == 0)
		l->rc = -EBADMSG;
}

static void answer_modules(void *arg)
{
	struct look *l = arg;

	if (l->rc < 0) {
		look_failed(l);
		return;
	}
	ms_web_bytes(l->w, 200, "application/json", l->out.data, l->out.len);
	look_free(l);
}

void ms_api_build_modules(struct ms_web *w)
{
	const struct ms_build *b = ms_api_build_of(w);
	const char *of = ms_web_param(w, "of");
	struct ms_error err = {0};
	bool list;

	if (!b)
		return;
	list = of ? strcmp(of, "list") == 0 : b->list != NULL;
	if (of && !list && strcmp(of, "signed") != 0) {
		ms_error_set(&err, -EINVAL, "bad-request", "of is list or signed");
		ms_web_problem(w, -EINVAL, &err);
		return;
	}
	if (list && !b->list) {
		ms_error_set(&err, -ENOENT, "no-list",
			     "build %s was opened without a list of its modules", b->id);
		ms_web_problem(w, -ENOENT, &err);
		return;
	}
	look_start(w, b,
		   (struct look){.what = list ? MS_CHANGE_LIST : MS_CHANGE_MODULE},
		   read_modules, answer_modules);
}

/* -------------------------------------------------------------------- manifests */

static void read_manifest(void *arg)
{
	struct look *l = arg;

	l->rc = ms_store_foreach_row(l->store, MS_CHANGE_MANIFEST, l->id, 0, put_list, l,
				     &l->err);
}

static void answer_signature(struct ms_web *w, const char *text)
{
	size_t len = strlen(text), pad = 0;
	_cleanup_free_ unsigned char *der = malloc(len + 4);
	int r;

	while (pad < len && text[len - 1 - pad] == '=')
		pad++;
	r = der ? EVP_DecodeBlock(der, (const unsigned char *)text, (int)len) : -1;
	ms_web_bytes(w, r < 0 ? 500 : 200, "application/pkcs7-signature", der,
		     r < 0 ? 0 : (size_t)r - pad);
}

/* Both, a line each: what was signed has no line break in it. */
static void answer_whole(struct ms_web *w, const char *text, const char *signature)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(ANSWER_MAX);

	ms_buf_put(&out, text, strlen(text));
	ms_buf_printf(&out, "\n");
	if (signature) {
		ms_buf_printf(&out, "{\"signature\":\"");
		ms_buf_put(&out, signature, strlen(signature));
		ms_buf_printf(&out, "\"}\n");
	}
	ms_web_bytes(w, ms_buf_error(&out) < 0 ? 500 : 200, "application/jsonl", out.data,
		     out.len);
}

static void answer_manifest(void *arg)
{
	struct look *l = arg;
	json_t *j = l->rc == 0 && l->n ? json_loadb((const char *)l->out.data, l->out.len,
						    0, NULL)
				       : NULL;
	const char *text = json_string_value(json_object_get(j, "manifest"));
	const char *signature = json_string_value(json_object_get(j, "signature"));

	if (l->rc == 0 && (!text || (l->p7s && !signature)))
		l->rc = ms_error_set(
			&l->err, -ENOENT, text ? "manifest-unsigned" : "no-manifest",
			text ? "the manifest of build %s is not signed: the agent was "
			       "restarted before the build ended, or its key was gone"
			     : "build %s has no manifest: only builds that were closed, "
			       "or expired after they were open, have one",
			l->id);
	if (l->rc < 0) {
		json_decref(j);
		look_failed(l);
		return;
	}
	if (l->p7s)
		answer_signature(l->w, signature);
	else if (l->text)
		ms_web_bytes(l->w, 200, "application/json", text, strlen(text));
	else
		answer_whole(l->w, text, signature);
	json_decref(j);
	look_free(l);
}

void ms_api_build_manifest(struct ms_web *w)
{
	const struct ms_build *b = ms_api_build_of(w);
	const char *format = ms_web_param(w, "format");

	if (!b)
		return;
	look_start(w, b,
		   (struct look){.p7s = format && strcmp(format, "p7s") == 0,
				 .text = format && strcmp(format, "json") == 0},
		   read_manifest, answer_manifest);
}
