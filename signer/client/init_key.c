/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal init: the key and its certificate. */
#include <errno.h>

#include "signer/client/facts.h"
#include "signer/client/init_step.h"
#include "signer/client/init_text.h"

#define DEFAULT_ALG "rsa4096"
#define VALID_DAYS 3650

/* What people see in a list of enrolled certificates: which machine's it is. */
static void subject(const struct ms_init *in, char ret[64])
{
	char host[33] = "";

	if (gethostname(host, sizeof(host) - 1) || !ms_init_plain(host))
		snprintf(ret, 64, "%.63s", in->config.key);
	else
		snprintf(ret, 64, "%s kernel modules", host);
}

static int key_make(struct ms_init *in, json_t **ret)
{
	_cleanup_buf_ struct ms_buf body = MS_BUF_INIT(MS_CONFIG_MAX);
	const char *alg = ms_cli_opt(in->cli, "alg");
	_cleanup_json_ json_t *question = NULL;
	_cleanup_free_ char *text = NULL;
	char name[64];

	subject(in, name);
	question = json_pack("{s:s, s:s, s:s, s:s, s:i, s:[i], s:b}", "name",
			     in->config.key, "algorithm", alg ? alg : DEFAULT_ALG,
			     "custody", "sealed", "subject", name, "days", VALID_DAYS,
			     "pcrs", 7, "module_only", 1);
	text = question ? json_dumps(question, JSON_COMPACT) : NULL;
	if (!text)
		return ms_init_fail("there is not enough memory");
	ms_buf_put(&body, text, strlen(text));
	return ms_talk_ask(&in->talk, "POST", "/v1/keys", "application/json", &body, ret);
}

static const json_t *key_find(const json_t *answer, const char *name)
{
	const json_t *keys = json_object_get(answer, "keys");

	for (size_t i = 0; i < json_array_size(keys); i++) {
		const json_t *key = json_array_get(keys, i);
		const char *s = json_string_value(json_object_get(key, "name"));

		if (s && !strcmp(s, name))
			return key;
	}
	return NULL;
}

static int key_usable(const struct ms_init *in, const json_t *key)
{
	char state[MS_FACT_TEXT], why[MS_FACT_TEXT];

	if (!strcmp(ms_fact_text(key, "state", state), "active"))
		return MS_EXIT_OK;
	return ms_init_fail(
		"the key %s is there, but %s: %s: it stays as it is: see 'modseal key "
		"show %s'",
		in->config.key, state, ms_fact_text(key, "reason", why), in->config.key);
}

int ms_init_key(struct ms_init *in)
{
	_cleanup_json_ json_t *answer = NULL, *fresh = NULL;
	char what[3 * MS_FACT_TEXT], alg[MS_FACT_TEXT], custody[MS_FACT_TEXT];
	const json_t *key;
	int status = ms_talk_ask(&in->talk, "GET", "/v1/keys", NULL, NULL, &answer);

	if (status)
		return status;
	key = key_find(answer, in->config.key);
	if (!key)
		status = key_make(in, &fresh);
	if (!status)
		status = key_usable(in, key ? key : fresh);
	if (status)
		return status;
	snprintf(what, sizeof(what), "%s, %s, %s", in->config.key,
		 ms_fact_text(key ? key : fresh, "algorithm", alg),
		 ms_fact_text(key ? key : fresh, "custody", custody));
	ms_init_done(in, "Key", "key", what, !key);
	json_object_update_new(json_object_get(in->done, "key"),
			       json_pack("{s:s, s:s, s:s}", "name", in->config.key,
					 "algorithm", alg, "custody", custody));
	return MS_EXIT_OK;
}

int ms_init_cert(struct ms_init *in, const char *format, const char *type)
{
	_cleanup_buf_ struct ms_buf cert = MS_BUF_INIT(MS_CERT_FILE_MAX);
	_cleanup_file_ struct ms_file f = {0};
	char target[256], tail[64], name[16], path[MS_PATH_MAX];
	int r, status;

	snprintf(tail, sizeof(tail), "/certificate?format=%s", format);
	snprintf(name, sizeof(name), "cert.%s", format);
	status =
		ms_talk_key_target(in->cli, in->config.key, tail, target, sizeof(target));
	if (!status)
		status = ms_talk_fetch(&in->talk, target, type, &cert);
	if (status)
		return status;
	r = ms_init_read(in, name, &f);
	if (r == -ENOENT)
		return ms_init_write_new(in, "Certificate", name, cert.data, cert.len);
	if (r < 0)
		return MS_EXIT_FAILED;
	ms_init_path(in, name, path);
	if (f.len != cert.len || memcmp(f.data, cert.data, f.len) != 0)
		return ms_init_fail(
			"%s is there and is not the certificate of the key %s: it "
			"stays as it is: move it away and run this again",
			path, in->config.key);
	ms_init_done(in, "Certificate", name, path, false);
	return MS_EXIT_OK;
}
