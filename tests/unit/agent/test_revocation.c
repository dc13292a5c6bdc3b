/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/revocation.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "signer/agent/denied.h"

#define HEX64 "00112233445566778899aabbccddeeff00112233445566778899aabbccddee0f"
#define UPPER "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEE0F"

static struct ms_error err;

static int parse(const char *text, struct ms_revocation_row *ret)
{
	json_t *j = json_loads(text, 0, NULL);
	int r = ms_revocation_parse(j, ret, &err);

	json_decref(j);
	return r;
}

/* What goes in comes out as it is kept. */
static void same(const char *in, const char *key, const char *out)
{
	_cleanup_(ms_revocation_row_clear) struct ms_revocation_row row = {0};
	char *data, *text;
	json_t *entry;

	assert_int_equal(parse(in, &row), 0);
	assert_string_equal(row.key, key);
	data = json_dumps(row.data, JSON_COMPACT);
	entry = ms_revocation_entry(row.key, data);
	text = json_dumps(entry, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, out);
	json_decref(entry);
	free(text);
	free(data);
}

static void test_entries(void **state)
{
	same("{\"digest\":\"SHA256:" UPPER "\"}", HEX64,
	     "{\"digest\":\"sha256:" HEX64 "\"}");
	same("{\"digest\":\"sha3-256:" HEX64 "\",\"reason\":\"r\"}", HEX64,
	     "{\"digest\":\"sha3-256:" HEX64 "\",\"reason\":\"r\"}");
	same("{\"certificate\":\"" UPPER "\"}", "{\"certificate\":\"" HEX64 "\"}",
	     "{\"certificate\":\"" HEX64 "\"}");
	same("{\"serial\":\"0000ab\",\"issuer\":\"30AB\",\"since\":\"2026-01-02\"}",
	     "{\"issuer\":\"30ab\",\"serial\":\"AB\"}",
	     "{\"issuer\":\"30ab\",\"serial\":\"AB\",\"since\":\"2026-01-02T00:00:"
	     "00Z\"}");
	same("{\"name\":\"m\",\"below\":\"2\"}", "{\"below\":\"2\",\"name\":\"m\"}",
	     "{\"below\":\"2\",\"name\":\"m\"}");
	same("{\"key\":\"AB01\"}", "{\"key\":\"ab01\"}", "{\"key\":\"ab01\"}");
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"[]",
		"{}",
		"{\"name\":\"\"}",
		"{\"name\":1}",
		"{\"nme\":\"x\"}",
		"{\"below\":\"1\"}",
		"{\"name\":\"x\",\"key\":\"00\"}",
		"{\"key\":\"0\"}",
		"{\"key\":\"0g\"}",
		"{\"key\":\"\"}",
		"{\"issuer\":\"3000\"}",
		"{\"serial\":\"01\"}",
		"{\"issuer\":\"3000\",\"serial\":\"1\"}",
		"{\"certificate\":\"00\"}",
		"{\"digest\":\"" HEX64 "\"}",
		"{\"digest\":\"sha384:" HEX64 "\"}",
		"{\"digest\":\"crc32:00000000\"}",
		"{\"name\":\"x\",\"since\":\"soon\"}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct ms_revocation_row row = {0};

		assert_int_equal(parse(bad[i], &row), -EINVAL);
		assert_null(row.key);
		assert_string_equal(err.code, "bad-revocation");
	}
}

static void test_modules(void **state)
{
	struct ms_elf_facts f = {.name = "m", .version = "1.9", .srcversion = "S"};
	struct ms_denied *d = NULL;

	assert_int_equal(ms_denied_new(&d), 0);
	assert_int_equal(ms_denied_module(d, &f, 100, &err), 0);
	assert_int_equal(ms_denied_set(d, HEX64, "{}"), 0);
	assert_int_equal(ms_denied_set(d, "{\"below\":\"1.10\",\"name\":\"m\"}",
				       "{\"since\":100}"),
			 0);
	assert_int_equal(ms_denied_module(d, &f, 99, &err), 0);
	assert_int_equal(ms_denied_module(d, &f, 100, &err), -EACCES);
	memcpy(f.version, "1.10", 5);
	assert_int_equal(ms_denied_module(d, &f, 100, &err), 0);
	f.version[0] = '\0';
	assert_int_equal(ms_denied_module(d, &f, 100, &err), -EACCES);
	memcpy(f.name, "n", 2);
	assert_int_equal(ms_denied_module(d, &f, 100, &err), 0);
	assert_int_equal(ms_denied_set(d, "{\"name\":\"n\",\"srcversion\":\"S\"}", "{}"),
			 0);
	assert_int_equal(ms_denied_module(d, &f, 1, &err), -EACCES);
	memcpy(f.srcversion, "T", 2);
	assert_int_equal(ms_denied_module(d, &f, 1, &err), 0);
	assert_int_equal(ms_denied_set(d, MS_DENIED_NUMBER_KEY, "41"), 0);
	assert_int_equal(ms_denied_next_number(d), 42);
	assert_int_equal(ms_denied_number(d), 42);
	ms_denied_free(d);
}

static void test_serial(void **state)
{
	static const uint8_t der[] = {0x02, 0x03, 0x00, 0xab, 0x01};
	char text[32];

	assert_string_equal(ms_revocation_serial_hex(der, 5, text, sizeof(text)), "AB01");
	assert_string_equal(ms_revocation_serial_hex(der, 4, text, sizeof(text)), "");
	assert_string_equal(ms_revocation_serial_hex(der, 5, text, 10), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_modules),
		cmocka_unit_test(test_serial),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
