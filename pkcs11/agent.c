/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pkcs11/agent.h"
#include <errno.h>
#include <jansson.h>
#include "lib/base64.h"
#include "lib/escape.h"

/* As long as the clients wait: a TPM may be busy with someone else's RSA-4096. */
unsigned int ms_p11_agent_timeout_ms = 120000;

static void json_freep(json_t **j)
{
	json_decref(*j);
}
#define _cleanup_json_ _cleanup_(json_freep)

int ms_p11_agent_open(struct ms_p11_agent *a, struct ms_error *err)
{
	struct ms_client_config c;
	int r;

	if (a->open)
		return 0;
	r = ms_client_config_load(&c, err);
	if (r == 0)
		r = ms_agent_open(&a->http, &c, err);
	if (r < 0)
		return r;
	a->http.timeout_ms = ms_p11_agent_timeout_ms;
	memcpy(a->build, c.build, sizeof(a->build));
	a->open = true;
	return 0;
}

void ms_p11_agent_close(struct ms_p11_agent *a)
{
	if (a->open)
		ms_http_close(&a->http);
	a->open = false;
}

static int bad_answer(struct ms_error *err)
{
	return ms_error_set(err, -EBADMSG, "bad-answer",
			    "the agent's answer is not what was asked for: see its log");
}

static int parse(const struct ms_buf *out, json_t **ret, struct ms_error *err)
{
	json_error_t je;

	*ret = json_loadb((const char *)out->data, out->len, JSON_REJECT_DUPLICATES, &je);
	return json_is_object(*ret) ? 0 : bad_answer(err);
}

/* ------------------------------------------------------------------------ keys */

/* An issuing key signs certificates, never what somebody brings. */
static bool can_sign(const json_t *key)
{
	const char *state = json_string_value(json_object_get(key, "state"));
	const char *custody = json_string_value(json_object_get(key, "custody"));

	return state && custody && strcmp(state, "active") == 0 &&
	       strcmp(custody, "leaf") != 0;
}

static int take_names(const json_t *list, struct ms_p11_key_names *ret,
		      struct ms_error *err)
{
	struct ms_p11_key_names names = {0};
	size_t size = json_array_size(list);

	if (!json_is_array(list) || size > MS_P11_KEYS_MAX)
		return bad_answer(err);
	names.v = calloc(size + 1, sizeof(*names.v));
	if (!names.v)
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	for (size_t i = 0; i < size; i++) {
		const json_t *key = json_array_get(list, i);
		const char *name = json_string_value(json_object_get(key, "name"));

		if (!name || !ms_key_name_valid(name)) {
			free(names.v);
			return bad_answer(err);
		}
		if (can_sign(key))
			memcpy(names.v[names.n++], name, strlen(name) + 1);
	}
	*ret = names;
	return 0;
}

int ms_p11_agent_keys(struct ms_p11_agent *a, struct ms_p11_key_names *ret,
		      struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(MS_HTTP_ANSWER_MAX);
	_cleanup_json_ json_t *j = NULL;
	int r = ms_agent_call(&a->http, "GET", "/v1/keys", "application/json", NULL, NULL,
			      0, &out, err);

	if (r == 0)
		r = parse(&out, &j, err);
	return r < 0 ? r : take_names(json_object_get(j, "keys"), ret, err);
}

int ms_p11_agent_certificate(struct ms_p11_agent *a, const char *key, struct ms_buf *out,
			     struct ms_error *err)
{
	char target[sizeof("/v1/keys//certificate") + MS_KEY_NAME_MAX];

	snprintf(target, sizeof(target), "/v1/keys/%s/certificate", key);
	return ms_agent_call(&a->http, "GET", target, "application/pkix-cert", NULL, NULL,
			     0, out, err);
}

/* ------------------------------------------------------------------ signatures */

static char *request_text(const struct ms_p11_agent *a, enum ms_hash hash,
			  const char *hex)
{
	const char *name = secure_getenv("MODSEAL_PKCS11_NAME");
	char shown[200], program[128];
	_cleanup_json_ json_t *j = NULL;

	snprintf(program, sizeof(program), "pkcs11:%s", program_invocation_short_name);
	ms_escape_str(name && *name ? name : program, shown, sizeof(shown));
	j = json_pack("{s:s, s:s, s:[{s:s, s:s}]}", "hash", ms_hash_name(hash), "type",
		      "raw", "items", "name", shown, "digest", hex);
	if (j && a->build[0] &&
	    json_object_set_new(j, "build", json_string(a->build)) < 0)
		return NULL;
	return j ? json_dumps(j, JSON_COMPACT) : NULL;
}

static int take_refusal(const json_t *e, struct ms_error *err)
{
	const char *code = json_string_value(json_object_get(e, "code"));
	const char *detail = json_string_value(json_object_get(e, "detail"));
	char sentence[400];

	if (!code || !detail)
		return bad_answer(err);
	return ms_error_set(err, -EACCES, code, "%s",
			    ms_escape_str(detail, sentence, sizeof(sentence)));
}

/* The answer says for which digest it is: never is one taken for another. */
static int take_signature(const json_t *items, const char *hex, struct ms_buf *out,
			  struct ms_error *err)
{
	const json_t *item = json_array_get(items, 0);
	const char *digest = json_string_value(json_object_get(item, "digest"));
	const json_t *e = json_object_get(item, "error");
	const char *text;

	if (json_array_size(items) != 1 || !digest || strcmp(digest, hex) != 0)
		return bad_answer(err);
	if (e)
		return take_refusal(e, err);
	text = json_string_value(json_object_get(item, "signature"));
	return text && ms_base64_decode(text, strlen(text), false, out) == 0
		       ? 0
		       : bad_answer(err);
}

int ms_p11_agent_sign(struct ms_p11_agent *a, const char *key, enum ms_hash hash,
		      const uint8_t *digest, struct ms_buf *out, struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf answer = MS_BUF_INIT(MS_HTTP_ANSWER_MAX);
	char target[sizeof("/v1/keys//sign-digests") + MS_KEY_NAME_MAX];
	char hex[2 * MS_DIGEST_MAX + 1];
	_cleanup_json_ json_t *j = NULL;
	_cleanup_free_ char *text = NULL;
	struct iovec body;
	int r;

	ms_hex(digest, ms_hash_size(hash), hex);
	text = request_text(a, hash, hex);
	if (!text)
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	snprintf(target, sizeof(target), "/v1/keys/%s/sign-digests", key);
	body = (struct iovec){.iov_base = text, .iov_len = strlen(text)};
	r = ms_agent_call(&a->http, "POST", target, "application/json",
			  "application/json", &body, 1, &answer, err);
	if (r == 0)
		r = parse(&answer, &j, err);
	if (r == 0)
		r = take_signature(json_object_get(j, "items"), hex, out, err);
	return r;
}
