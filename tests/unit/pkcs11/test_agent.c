/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the library asks, and what it takes for an answer. */
#include "fixture.h"

static struct ms_error err;
static const uint8_t digest[32] = {0xab, 0xcd};
#define HEX "abcd000000000000000000000000000000000000000000000000000000000000"

/* One question to an agent that answers @text. */
static int keys(const char *text, struct ms_p11_key_names *ret)
{
	struct token t = {0};
	struct ms_p11_agent a = {0};
	int r;

	token_json(&t, text);
	token_start(&t);
	memset(&err, 0, sizeof(err));
	assert_int_equal(ms_p11_agent_open(&a, &err), 0);
	assert_int_equal(ms_p11_agent_open(&a, &err), 0);
	r = ms_p11_agent_keys(&a, ret, &err);
	ms_p11_agent_close(&a);
	token_stop(&t);
	return r;
}

static void test_keys(void **state)
{
	struct ms_p11_key_names names = {0};

	assert_int_equal(keys(KEYS(KEY("a") "," KEY("b-2")), &names), 0);
	assert_int_equal(names.n, 2);
	assert_string_equal(names.v[1], "b-2");
	free(names.v);
	assert_int_equal(keys(KEYS(""), &names), 0);
	assert_int_equal(names.n, 0);
	free(names.v);
}

/* Neither those that do not sign now, nor those that certify. */
static void test_which_keys(void **state)
{
	struct ms_p11_key_names names = {0};

	assert_int_equal(
		keys(KEYS("{\"name\":\"l\",\"state\":\"locked\",\"custody\":\"sealed\"},"
			  "{\"name\":\"i\",\"state\":\"active\",\"custody\":\"leaf\"},"
			  "{\"name\":\"o\",\"custody\":\"leaf\"}," KEY("a")),
		     &names),
		0);
	assert_int_equal(names.n, 1);
	assert_string_equal(names.v[0], "a");
	free(names.v);
}

static void test_bad_keys(void **state)
{
	static const char *const cases[] = {
		"",
		"[]",
		"{}",
		"{\"keys\":7}",
		KEYS("7"),
		KEYS(KEY("../x")),
		KEYS(KEY("-a")),
		KEYS(KEY("a")) "x",
		KEYS("{\"state\":\"active\",\"custody\":\"sealed\"}"),
		"{\"keys\":[],\"keys\":[]}",
	};
	struct ms_p11_key_names names = {NULL, 55};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(keys(cases[i], &names), -EBADMSG);
		assert_string_equal(err.code, "bad-answer");
	}
	assert_int_equal(names.n, 55);
}

static int sign(const char *text, struct ms_buf *out, struct ms_buf *asked)
{
	struct token t = {0};
	struct ms_p11_agent a = {0};
	int r;

	token_json(&t, text);
	token_start(&t);
	memset(&err, 0, sizeof(err));
	assert_int_equal(ms_p11_agent_open(&a, &err), 0);
	r = ms_p11_agent_sign(&a, "k", MS_HASH_SHA256, digest, out, &err);
	ms_p11_agent_close(&a);
	if (asked) {
		server_stop(&t.server);
		ms_buf_put(asked, t.server.last.data, t.server.last.len);
		ms_buf_clear(&t.server.last);
		server_start(&t.server, t.steps, 0);
	}
	token_stop(&t);
	return r;
}

static void test_sign(void **state)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(100), asked = MS_BUF_INIT(5000);
	const char *text;

	unsetenv("MODSEAL_PKCS11_NAME");
	unsetenv("MODSEAL_BUILD");
	assert_int_equal(sign("{\"items\":[{\"digest\":\"" HEX
			      "\",\"signature\":\"AAECAw==\"}]}",
			      &out, &asked),
			 0);
	assert_int_equal(out.len, 4);
	assert_memory_equal(out.data, "\0\1\2\3", 4);
	text = ms_buf_cstr(&asked);
	assert_int_equal(strncmp(text, "POST /v1/keys/k/sign-digests HTTP/1.1\r\n", 39),
			 0);
	assert_non_null(strstr(text, "\"type\":\"raw\""));
	assert_non_null(strstr(text, "\"hash\":\"sha256\""));
	assert_non_null(strstr(text, "\"digest\":\"" HEX "\""));
	assert_non_null(strstr(text, "\"name\":\"pkcs11:test_agent\""));
	assert_null(strstr(text, "build"));
}

static void test_named(void **state)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(100), asked = MS_BUF_INIT(5000);

	setenv("MODSEAL_PKCS11_NAME", "image \xff\n", 1);
	setenv("MODSEAL_BUILD", "b1", 1);
	assert_int_equal(sign("{\"items\":[{\"digest\":\"" HEX
			      "\",\"signature\":\"AAEC\"}]}",
			      &out, &asked),
			 0);
	assert_int_equal(out.len, 3);
	assert_non_null(strstr(ms_buf_cstr(&asked), "\"name\":\"image \\\\xff\\\\x0a\""));
	assert_non_null(strstr(ms_buf_cstr(&asked), "\"build\":\"b1\""));
	unsetenv("MODSEAL_PKCS11_NAME");
	unsetenv("MODSEAL_BUILD");
}

static void test_refused(void **state)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(100);

	assert_int_equal(sign("{\"items\":[{\"digest\":\"" HEX "\",\"error\":{\"code\":"
			      "\"no-rule\",\"detail\":\"no \\u001brule\"}}]}",
			      &out, NULL),
			 -EACCES);
	assert_string_equal(err.code, "no-rule");
	assert_string_equal(err.msg, "no \\x1brule");
	assert_int_equal(out.len, 0);
}

static void test_bad_signatures(void **state)
{
#define ITEM(rest) "{\"items\":[{\"digest\":\"" HEX "\"" rest "}]}"
	static const char *const cases[] = {
		"{\"items\":[]}",
		"{\"items\":{}}",
		"{\"items\":[7]}",
		"{\"items\":[{\"signature\":\"AAECAw==\"}]}",
		"{\"items\":[{\"digest\":\"abcd\",\"signature\":\"AAECAw==\"}]}",
		"{\"items\":[{\"digest\":\"" HEX "\",\"signature\":\"AAEC\"},{}]}",
		ITEM(""),
		ITEM(",\"signature\":7"),
		ITEM(",\"signature\":\"\""),
		ITEM(",\"signature\":\"AAE\""),
		ITEM(",\"signature\":\"AA!!\""),
		ITEM(",\"error\":{}"),
		ITEM(",\"error\":7,\"signature\":\"AAEC\""),
	};
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(100);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(sign(cases[i], &out, NULL), -EBADMSG);
		assert_string_equal(err.code, "bad-answer");
		assert_int_equal(out.len, 0);
	}
}

/* Far more than any signature: it is not even decoded. */
static void test_huge(void **state)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(100);
	_cleanup_free_ char *text = calloc(1, 1 << 20);
	size_t at;

	assert_non_null(text);
	at = (size_t)snprintf(text, 200,
			      "{\"items\":[{\"digest\":\"" HEX "\",\"signature\":\"");
	memset(text + at, 'A', 1 << 19);
	memcpy(text + at + (1 << 19), "\"}]}", 5);
	assert_int_equal(sign(text, &out, NULL), -EBADMSG);
}

static void test_no_config(void **state)
{
	struct ms_p11_agent a = {0};

	setenv("MODSEAL_CONFIG", "/nonexistent/modseal.conf", 1);
	assert_int_equal(ms_p11_agent_open(&a, &err), -ENOENT);
	assert_false(a.open);
	ms_p11_agent_close(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),	       cmocka_unit_test(test_which_keys),
		cmocka_unit_test(test_bad_keys),       cmocka_unit_test(test_sign),
		cmocka_unit_test(test_named),	       cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bad_signatures), cmocka_unit_test(test_huge),
		cmocka_unit_test(test_no_config),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
