/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the tests of the PKCS#11 library: an agent that follows a script and has one key,
 * the library started, a session opened, and what it says on standard error kept.
 */
#ifndef MS_TESTS_PKCS11_H
#define MS_TESTS_PKCS11_H

#include "tests/unit/lib/server.h"
#include <fcntl.h>
#include <openssl/evp.h>
#include "lib/cert.h"
#include "pkcs11/agent.h"
#include "pkcs11/module.h"

#define KEYS(list) "{\"keys\":[" list "]}"
#define KEY(name) "{\"name\":\"" name "\",\"state\":\"active\",\"custody\":\"sealed\"}"

struct token {
	struct server server;
	struct step steps[STEPS_MAX];
	struct ms_buf replies[STEPS_MAX];
	size_t n;
	EVP_PKEY *key;
	uint8_t *cert;
	size_t cert_len;
	char config[64];
	int said, stderr_was;
	ck_session_handle_t session;
};

static inline void token_key(struct token *t, enum ms_alg alg)
{
	const struct ms_cert_request req = {.common_name = "k", .days = 9};

	EVP_PKEY_free(t->key);
	free(t->cert);
	assert_int_equal(ms_key_generate(alg, &t->key), 0);
	assert_int_equal(ms_cert_self_sign(t->key, &req, &t->cert, &t->cert_len), 0);
}

/* What the agent answers next. */
static inline void token_answer(struct token *t, const char *type, const void *body,
				size_t len)
{
	struct ms_buf *b = &t->replies[t->n];

	*b = MS_BUF_INIT(16u << 20);
	ms_buf_printf(b,
		      "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: "
		      "%zu\r\n\r\n",
		      type, len);
	ms_buf_put(b, body, len);
	assert_int_equal(ms_buf_error(b), 0);
	t->steps[t->n].reply = (const char *)b->data;
	t->steps[t->n].reply_len = b->len;
	t->n++;
}

static inline void token_json(struct token *t, const char *text)
{
	token_answer(t, "application/json", text, strlen(text));
}

/* The answers to a first search: the key "k". */
static inline void token_has_key(struct token *t)
{
	token_json(t, KEYS(KEY("k")));
	token_answer(t, "application/pkix-cert", t->cert, t->cert_len);
}

/* @digest echoed, with @sig. */
static inline void token_signs(struct token *t, const char *hex, const uint8_t *sig,
			       size_t len)
{
	char text[4096];
	unsigned char base64[2048];

	EVP_EncodeBlock(base64, sig, (int)len);
	snprintf(text, sizeof(text),
		 "{\"items\":[{\"digest\":\"%s\",\"signature\":\"%s\"}]}", hex,
		 (char *)base64);
	token_json(t, text);
}

static inline void token_start(struct token *t)
{
	char agent[128], path[] = "/tmp/ms-p11.XXXXXX", said[] = "/tmp/ms-p11.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	memcpy(t->config, path, sizeof(path));
	t->said = mkstemp(said);
	assert_true(t->said >= 0);
	unlink(said);
	t->stderr_was = dup(STDERR_FILENO);
	assert_true(dup2(t->said, STDERR_FILENO) >= 0);
	server_start(&t->server, t->steps, t->n);
	snprintf(agent, sizeof(agent), "unix:%s", t->server.path);
	setenv("MODSEAL_CONFIG", t->config, 1);
	setenv("MODSEAL_AGENT", agent, 1);
	ms_p11_agent_timeout_ms = 5000;
	assert_int_equal(C_Initialize(NULL), CKR_OK);
	assert_int_equal(
		C_OpenSession(MS_P11_SLOT, CKF_SERIAL_SESSION, NULL, NULL, &t->session),
		CKR_OK);
}

/* What was said on standard error so far; the caller frees. */
static inline char *token_said(struct token *t)
{
	char *text = calloc(1, 8192);

	assert_non_null(text);
	assert_true(pread(t->said, text, 8191, 0) >= 0);
	return text;
}

static inline void assert_said(struct token *t, const char *part)
{
	_cleanup_free_ char *text = token_said(t);

	if (!strstr(text, part))
		fail_msg("said \"%s\", without \"%s\"", text, part);
	assert_int_equal(strncmp(text, "libmodseal-pkcs11: ", 19), 0);
}

static inline void token_stop(struct token *t)
{
	assert_int_equal(C_Finalize(NULL), CKR_OK);
	server_stop(&t->server);
	ms_buf_clear(&t->server.last);
	for (size_t i = 0; i < t->n; i++)
		ms_buf_clear(&t->replies[i]);
	dup2(t->stderr_was, STDERR_FILENO);
	close(t->stderr_was);
	close(t->said);
	unlink(t->config);
	EVP_PKEY_free(t->key);
	free(t->cert);
}

/* The one object of a class; 0: none. */
static inline ck_object_handle_t token_find(struct token *t, ck_object_class_t class)
{
	struct ck_attribute templ = {CKA_CLASS, &class, sizeof(class)};
	ck_object_handle_t found[2] = {0, 0};
	unsigned long n = 0;

	if (C_FindObjectsInit(t->session, &templ, 1) != CKR_OK)
		return 0;
	assert_int_equal(C_FindObjects(t->session, found, 2, &n), CKR_OK);
	assert_int_equal(C_FindObjectsFinal(t->session), CKR_OK);
	assert_true(n <= 1);
	return found[0];
}

#endif
