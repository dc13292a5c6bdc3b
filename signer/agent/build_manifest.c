/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/build_manifest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <syslog.h>

#include "lib/pkcs7.h"
#include "signer/agent/log.h"
#include "signer/agent/store_change.h"

/**
 * struct making - a manifest on its way
 * @modules: by digest and file, so that what was signed again is there once
 */
struct making {
	struct ms_front *f;
	const struct ms_build *b;
	ms_build_manifest_fn *done;
	void *arg;
	json_t *modules;
	char *text;
	struct ms_buf message;
};

static void copy(json_t *dst, const char *as, const json_t *src, const char *name)
{
	json_t *v = json_object_get(src, name);

	if (v)
		json_object_set(dst, as, v);
}

static int on_row(const char *key, int64_t number, const char *data, void *arg)
{
	static const char *const facts[] = {"name", "version", "srcversion", "build_id",
					    "vermagic"};
	struct making *m = arg;
	json_t *row = json_loads(data, 0, NULL), *out = json_object();
	const json_t *module = json_object_get(row, "module");
	char unique[2 * MS_DIGEST_MAX + 300];
	const char *file = json_string_value(json_object_get(row, "file"));
	const char *digest = json_string_value(json_object_get(row, "digest"));
	int r = row && out ? 0 : -EBADMSG;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(facts); i++)
		copy(out, facts[i], module, facts[i]);
	if (r == 0) {
		copy(out, "digest", row, "digest");
		copy(out, "hash", row, "hash");
		copy(out, "path", row, "file");
		snprintf(unique, sizeof(unique), "%s %s", digest ? digest : "",
			 file ? file : "");
		r = json_object_set(m->modules, unique, out) < 0 ? -ENOMEM : 0;
	}
	json_decref(out);
	json_decref(row);
	return r;
}

static int make_text(struct making *m, const struct ms_build_life *life)
{
	json_t *list = json_array(), *j, *v, *build = ms_build_json(m->b, life);
	const char *key;

	json_object_foreach(m->modules, key, v) json_array_append(list, v);
	j = json_pack("{s:i, s:O, s:o}", "version", 1, "build", build, "modules", list);
	json_decref(build);
	m->text = j ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	json_decref(j);
	return m->text ? 0 : -ENOMEM;
}

static void finish(struct making *m, const struct ms_error *err)
{
	_cleanup_free_ char *signature = NULL;
	char *data = NULL;
	json_t *j;

	if (m->message.len > 0) {
		signature = malloc(4 * ((m->message.len + 2) / 3) + 1);
		if (signature)
			EVP_EncodeBlock((unsigned char *)signature, m->message.data,
					(int)m->message.len);
	}
	if (m->text) {
		j = json_pack("{s:s, s:s*}", "manifest", m->text, "signature", signature);
		data = j ? json_dumps(j, JSON_COMPACT) : NULL;
		json_decref(j);
	}
	m->done(m->arg, data, err);
	json_decref(m->modules);
	free(m->text);
	ms_buf_clear(&m->message);
	free(m);
}

static void on_signed(void *arg, const struct ms_ipc_msg *a, const struct ms_error *err)
{
	struct making *m = arg;
	const struct ms_front_key *key = ms_key_link_find(m->f->keys, m->b->key);
	struct ms_pkcs7_request req = {.hash = MS_HASH_SHA256};
	struct ms_error none = {0};

	if (a && a->op == MS_IPC_SIGNED && a->signed_.rc == 0 && key && key->cert) {
		req.cert = key->cert;
		req.sig = a->signed_.sig;
		req.sig_len = a->signed_.sig_len;
		if (ms_pkcs7_build(&req, &m->message) < 0)
			ms_buf_clear(&m->message);
	}
	if (m->message.len == 0)
		ms_log(LOG_WARNING, "the manifest of build %s is not signed: %s",
		       m->b->id,
		       a && a->op == MS_IPC_SIGNED ? a->signed_.err.msg
						   : (err ? err->msg : ""));
	finish(m, &none);
}

static int ask(struct making *m, struct ms_error *err)
{
	const struct ms_front_key *key = ms_key_link_find(m->f->keys, m->b->key);
	struct ms_ipc_msg a = {.op = MS_IPC_SIGN};
	int r;

	if (!key || !key->cert || key->info.custody == MS_CUSTODY_LEAF)
		return ms_error_set(err, -EOPNOTSUPP, NULL, "not with this key");
	snprintf(a.sign.key, sizeof(a.sign.key), "%s", m->b->key);
	a.sign.hash = MS_HASH_SHA256;
	r = ms_digest(MS_HASH_SHA256, (const uint8_t *)m->text, strlen(m->text),
		      a.sign.digest);
	return r < 0 ? r : ms_key_link_ask(m->f->keys, &a, on_signed, m, err);
}

void ms_build_manifest(struct ms_front *f, const struct ms_build *b,
		       const struct ms_build_life *life, ms_build_manifest_fn *done,
		       void *arg)
{
	struct making *m = calloc(1, sizeof(*m));
	struct ms_error err = {0}, none = {0};
	int r = m ? 0 : -ENOMEM;

	if (m) {
		*m = (struct making){.f = f,
				     .b = b,
				     .done = done,
				     .arg = arg,
				     .modules = json_object(),
				     .message = MS_BUF_INIT(MS_MESSAGE_MAX)};
		r = ms_store_foreach_row(f->store, MS_CHANGE_MODULE, b->id, 0, on_row, m,
					 &err);
	}
	if (r == 0)
		r = make_text(m, life);
	if (r < 0) {
		ms_error_set(&err, r, "manifest", "cannot make the manifest: %s",
			     ms_strerror(r));
		if (m)
			finish(m, &err);
		else
			done(arg, NULL, &err);
		return;
	}
	if (ask(m, &err) < 0) {
		ms_log(LOG_WARNING, "the manifest of build %s is not signed: %s", b->id,
		       err.msg);
		finish(m, &none);
	}
}
