/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/build_manifest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <syslog.h>
#include <time.h>

#include "lib/pkcs7.h"
#include "signer/agent/log.h"
#include "signer/agent/lookup.h"
#include "signer/agent/store_change.h"

/**
 * struct making - a manifest on its way
 * @build: as JSON; @modules: by path, so that what was signed again is there once
 * @rc, @err: what the lookup thread met with
 */
struct making {
	struct ms_front *f;
	const struct ms_build *b;
	char id[MS_BUILD_ID + 1];
	bool must;
	ms_build_manifest_fn *done;
	void *arg;
	json_t *build, *modules;
	char *text;
	struct ms_buf message;
	int rc;
	struct ms_error err;
};

/* ------------------------------------------------- the text; on the lookup thread */

/* As the client said; else its file's name, with the ending that clients leave out. */
static json_t *path_of(const json_t *row)
{
	json_t *path = json_object_get(row, "path"), *file = json_object_get(row, "file");
	size_t len = json_string_length(file);

	if (path || !file)
		return json_incref(path);
	if (len > 3 && strcmp(json_string_value(file) + len - 3, ".ko") == 0)
		return json_incref(file);
	return json_sprintf("%s.ko", json_string_value(file));
}

static int on_row(const char *key, int64_t number, const char *data, void *arg)
{
	static const char *const facts[] = {"name", "version", "srcversion", "build_id",
					    "vermagic"};
	struct making *m = arg;
	json_t *row = json_loads(data, 0, NULL), *out = json_object();
	const json_t *module = json_object_get(row, "module");
	const char *digest = json_string_value(json_object_get(row, "digest")), *path;
	char unique[2 * MS_DIGEST_MAX + 4 * MS_MODULE_PATH_MAX + 2];
	int r = row && out && digest ? 0 : -EBADMSG;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(facts); i++) {
		if (json_object_get(module, facts[i]))
			json_object_set(out, facts[i], json_object_get(module, facts[i]));
	}
	if (r == 0) {
		json_object_set(out, "digest", json_object_get(row, "digest"));
		json_object_set(out, "hash", json_object_get(row, "hash"));
		json_object_set_new(out, "path", path_of(row));
		path = json_string_value(json_object_get(out, "path"));
		/* A bare name may be that of several files. */
		snprintf(unique, sizeof(unique), "%s %s",
			 path && strchr(path, '/') ? "" : digest, path ? path : "");
		r = json_object_set(m->modules, unique, out) < 0 ? -ENOMEM : 0;
	}
	json_decref(out);
	json_decref(row);
	return r;
}

static void make_text(void *arg)
{
	struct making *m = arg;
	json_t *list = json_array(), *j, *v;
	const char *key;

	m->rc = ms_store_foreach_row(m->f->store, MS_CHANGE_MODULE, m->id, 0, on_row, m,
				     &m->err);
	json_object_foreach(m->modules, key, v) json_array_append(list, v);
	j = json_pack("{s:i, s:O, s:o}", "version", 1, "build", m->build, "modules",
		      list);
	if (m->rc == 0)
		m->text = j ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	if (m->rc == 0 && !m->text)
		m->rc = -ENOMEM;
	json_decref(j);
}

/* ------------------------------------------------------------------- finishing */

static void finish(struct making *m, int rc, const struct ms_error *err)
{
	_cleanup_free_ char *signature = NULL;
	struct ms_manifest ret = {0};
	uint8_t digest[32];
	json_t *j;

	if (m->message.len > 0) {
		signature = malloc(4 * ((m->message.len + 2) / 3) + 1);
		if (signature)
			EVP_EncodeBlock((unsigned char *)signature, m->message.data,
					(int)m->message.len);
	}
	if (rc == 0) {
		j = json_pack("{s:s, s:s*}", "manifest", m->text, "signature", signature);
		ret.data = j ? json_dumps(j, JSON_COMPACT) : NULL;
		json_decref(j);
		rc = ms_digest(MS_HASH_SHA256, m->text, strlen(m->text), digest);
		ms_hex(digest, sizeof(digest), ret.sha256);
	}
	if (rc == 0 && !ret.data)
		rc = -ENOMEM;
	m->done(m->arg, rc, &ret, err);
	json_decref(m->build);
	json_decref(m->modules);
	free(m->text);
	ms_buf_clear(&m->message);
	free(m);
}

/* It is not signed; is that the end of it? */
static void unsigned_(struct making *m, int rc, const struct ms_error *err)
{
	if (rc == -EAGAIN && m->must) {
		finish(m, rc, err);
		return;
	}
	ms_log(LOG_WARNING, "the manifest of build %s is not signed: %s", m->id,
	       err->msg);
	finish(m, 0, err);
}

static void on_signed(void *arg, const struct ms_ipc_msg *a, const struct ms_error *err)
{
	struct making *m = arg;
	const struct ms_front_key *key = ms_key_link_find(m->f->keys, m->b->key);
	struct ms_pkcs7_request req = {.hash = MS_HASH_SHA256};
	struct ms_error why = {0};
	int r;

	if (!a) {
		unsigned_(m, -EAGAIN, err);
		return;
	}
	if (a->op != MS_IPC_SIGNED || a->signed_.rc < 0 || !key || !key->cert) {
		why = a->op == MS_IPC_SIGNED ? a->signed_.err : why;
		unsigned_(m, a->op == MS_IPC_SIGNED ? a->signed_.rc : -EAGAIN, &why);
		return;
	}
	req.embed = m->b->leaf != NULL;
	req.cert = req.embed ? m->b->leaf : key->cert;
	req.sig = a->signed_.sig;
	req.sig_len = a->signed_.sig_len;
	r = ms_pkcs7_build(&req, &m->message);
	if (r < 0) {
		ms_buf_clear(&m->message);
		ms_error_set(&why, r, NULL, "%s", ms_strerror(r));
		unsigned_(m, r, &why);
		return;
	}
	finish(m, 0, &why);
}

static int ask(struct making *m, struct ms_error *err)
{
	const struct ms_front_key *key = ms_key_link_find(m->f->keys, m->b->key);
	struct ms_ipc_msg a = {.op = MS_IPC_SIGN};
	int r;

	if (!key || !key->cert)
		return ms_error_set(err,
				    ms_key_link_loaded(m->f->keys) ? -ENOENT : -EAGAIN,
				    "no-such-key", "there is no key %s", m->b->key);
	r = ms_denied_cert(m->f->denied, key->cert, time(NULL), err);
	if (r < 0)
		return r;
	if (key->info.custody == MS_CUSTODY_LEAF && !m->b->leaf)
		return ms_error_set(err, -ENOENT, "no-leaf",
				    "its leaf key is gone, as the agent was restarted");
	snprintf(a.sign.key, sizeof(a.sign.key), "%s", m->b->key);
	snprintf(a.sign.build, sizeof(a.sign.build), "%s", m->b->leaf ? m->id : "");
	a.sign.hash = MS_HASH_SHA256;
	r = ms_digest(MS_HASH_SHA256, (const uint8_t *)m->text, strlen(m->text),
		      a.sign.digest);
	return r < 0 ? r : ms_key_link_ask(m->f->keys, &a, on_signed, m, err);
}

static void on_text(void *arg)
{
	struct making *m = arg;
	struct ms_error err = {0};
	int r;

	if (m->rc < 0) {
		ms_error_set(&err, m->rc, "manifest", "cannot make the manifest: %s",
			     m->err.msg[0] ? m->err.msg : ms_strerror(m->rc));
		finish(m, m->rc, &err);
		return;
	}
	r = ask(m, &err);
	if (r < 0)
		unsigned_(m, r, &err);
}

void ms_build_manifest(struct ms_front *f, const struct ms_build *b,
		       const struct ms_build_life *life, bool must,
		       ms_build_manifest_fn *done, void *arg)
{
	struct making *m = calloc(1, sizeof(*m));
	const struct ms_manifest none = {0};
	struct ms_error err = {0};
	int r = -ENOMEM;

	if (m) {
		*m = (struct making){.f = f,
				     .b = b,
				     .must = must,
				     .done = done,
				     .arg = arg,
				     .build = ms_build_json(b, life),
				     .modules = json_object(),
				     .message = MS_BUF_INIT(MS_MESSAGE_MAX)};
		memcpy(m->id, b->id, sizeof(m->id));
		r = ms_lookup(f->lookups, make_text, on_text, m);
	}
	if (r == 0)
		return;
	ms_error_set(&err, r, "manifest", "cannot make the manifest: %s", ms_strerror(r));
	if (m)
		finish(m, r, &err);
	else
		done(arg, r, &none, &err);
}
