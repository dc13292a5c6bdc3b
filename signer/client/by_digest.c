/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/client/by_digest.h"

#include <errno.h>
#include <jansson.h>

#include "lib/base64.h"
#include "lib/der.h"
#include "lib/escape.h"
#include "lib/module_path.h"
#include "signer/client/talk.h"

/* --------------------------------------------------------------------- reading */

static int read_item(struct ms_digest_item *i, enum ms_hash hash)
{
	int r = ms_packed_read(&i->m, i->path, &i->err);

	if (r < 0)
		return r;
	r = ms_elf_facts_read(i->m.data, i->m.payload_len, &i->facts);
	if (r < 0)
		return ms_elf_facts_complain(r, &i->err);
	r = ms_digest(hash, i->m.data, i->m.payload_len, i->digest);
	return r < 0 ? ms_error_set(&i->err, r, NULL, "hash: %s", ms_strerror(r)) : 0;
}

static void prefix(struct ms_digest_item *i)
{
	char shown[300];

	ms_error_prefix(&i->err, "%s", ms_escape_str(i->path, shown, sizeof(shown)));
}

int ms_digest_item_read(struct ms_digest_item *i, const char *path, enum ms_hash hash)
{
	i->path = path;
	i->err = (struct ms_error){0};
	i->message = MS_BUF_INIT(MS_MESSAGE_MAX);
	i->rc = read_item(i, hash);
	if (i->rc < 0) {
		prefix(i);
		return i->rc;
	}
	i->rc = -EINPROGRESS;
	return 0;
}

void ms_digest_item_clear(struct ms_digest_item *i)
{
	ms_packed_close(&i->m);
	ms_buf_clear(&i->message);
}

/* ---------------------------------------------------------------------- asking */

static void put(json_t *j, const char *name, const char *value)
{
	if (value[0])
		json_object_set_new(j, name, json_string(value));
}

static json_t *facts_json(const struct ms_elf_facts *f)
{
	char hex[2 * sizeof(f->build_id) + 1];
	json_t *j = json_object();

	put(j, "name", f->name);
	put(j, "vermagic", f->vermagic);
	put(j, "srcversion", f->srcversion);
	put(j, "version", f->version);
	put(j, "license", f->license);
	put(j, "build_id", ms_hex(f->build_id, f->build_id_len, hex));
	return j;
}

static json_t *item_json(const struct ms_digest_item *i, enum ms_hash hash)
{
	char hex[2 * MS_DIGEST_MAX + 1], shown[300];
	const char *slash = strrchr(i->path, '/');
	const char *name = slash ? slash + 1 : i->path;
	_cleanup_free_ char *plain = strndup(name, ms_module_plain_len(name));

	return json_pack("{s:s, s:s, s:o}", "name",
			 ms_escape_str(plain ? plain : name, shown, sizeof(shown)),
			 "digest", ms_hex(i->digest, ms_hash_size(hash), hex), "facts",
			 facts_json(&i->facts));
}

static char *request_text(const struct ms_sign_options *opt, enum ms_hash hash,
			  const struct ms_digest_item *i, size_t n)
{
	_cleanup_json_ json_t *j =
		json_pack("{s:s, s:s, s:b, s:[]}", "hash", opt->hash, "build",
			  opt->build ? opt->build : "", "keyid", opt->keyid, "items");
	json_t *items = json_object_get(j, "items");

	for (size_t k = 0; k < n && items; k++)
		if (i[k].rc == -EINPROGRESS &&
		    json_array_append_new(items, item_json(&i[k], hash)) < 0)
			return NULL;
	return items ? json_dumps(j, JSON_COMPACT) : NULL;
}

/* ------------------------------------------------------------------- answers */

static int bad_answer(struct ms_error *err)
{
	return ms_error_set(err, -EBADMSG, "bad-answer",
			    "the agent's answer is not what was asked for: see its log");
}

static int decode_message(const char *text, struct ms_buf *out)
{
	struct ms_reader r;
	struct ms_der der;

	if (ms_base64_decode(text, strlen(text), false, out) < 0)
		return -EBADMSG;
	r = (struct ms_reader)MS_READER(out->data, out->len);
	return ms_der_get(&r, MS_DER_SEQUENCE, &der) == 0 && ms_reader_end(&r) == 0
		       ? 0
		       : -EBADMSG;
}

static void take_error(struct ms_digest_item *i, const json_t *j)
{
	const char *code = NULL, *detail = NULL;
	char sentence[400];

	if (json_unpack((json_t *)(uintptr_t)j, "{s:s, s:s}", "code", &code, "detail",
			&detail) < 0) {
		i->rc = bad_answer(&i->err);
	} else {
		i->rc = ms_error_set(&i->err, -EACCES, code, "%s",
				     ms_escape_str(detail, sentence, sizeof(sentence)));
	}
}

/* Each answer says for which digest it is: never is one taken for another. */
static void take_answer(struct ms_digest_item *i, const json_t *j, enum ms_hash hash)
{
	const char *digest = json_string_value(json_object_get(j, "digest"));
	const char *text = json_string_value(json_object_get(j, "signature"));
	const json_t *e = json_object_get(j, "error");
	char hex[2 * MS_DIGEST_MAX + 1];

	i->rc = 0;
	if (!digest || strcmp(digest, ms_hex(i->digest, ms_hash_size(hash), hex)) != 0)
		i->rc = bad_answer(&i->err);
	else if (e)
		take_error(i, e);
	else if (!text || decode_message(text, &i->message) < 0)
		i->rc = bad_answer(&i->err);
	if (i->rc < 0)
		prefix(i);
}

static int take_answers(struct ms_digest_item *i, size_t n, size_t asked,
			const struct ms_buf *out, enum ms_hash hash, struct ms_error *err)
{
	json_error_t je;
	_cleanup_json_ json_t *j = json_loadb((const char *)out->data, out->len,
					      JSON_REJECT_DUPLICATES, &je);
	const json_t *items = json_object_get(j, "items");
	size_t at = 0;

	if (!json_is_array(items) || json_array_size(items) != asked)
		return bad_answer(err);
	for (size_t k = 0; k < n; k++)
		if (i[k].rc == -EINPROGRESS)
			take_answer(&i[k], json_array_get(items, at++), hash);
	return 0;
}

int ms_digest_ask(struct ms_http *h, const struct ms_sign_options *opt,
		  struct ms_digest_item *i, size_t n, struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(MS_HTTP_ANSWER_MAX);
	char target[sizeof("/v1/keys//sign-digests") + MS_KEY_NAME_MAX];
	_cleanup_free_ char *text = NULL;
	enum ms_hash hash;
	struct iovec body;
	size_t asked = 0;
	int r;

	for (size_t k = 0; k < n; k++)
		asked += i[k].rc == -EINPROGRESS;
	if (asked == 0)
		return 0;
	r = ms_hash_from_name(opt->hash, &hash);
	text = r == 0 ? request_text(opt, hash, i, n) : NULL;
	if (!text)
		return ms_error_set(
			err, -EINVAL, "bad-facts",
			"the request cannot be written: a module says of itself "
			"what is not UTF-8");
	snprintf(target, sizeof(target), "/v1/keys/%s/sign-digests", opt->key);
	body = (struct iovec){.iov_base = text, .iov_len = strlen(text)};
	r = ms_agent_call(h, "POST", target, "application/json", "application/json",
			  &body, 1, &out, err);
	return r < 0 ? r : take_answers(i, n, asked, &out, hash, err);
}
