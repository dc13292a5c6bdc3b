/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include "signer/agent/key_life.h"

static void test_round_trip(void **state)
{
	const struct ms_key_life l = {
		.life = MS_LIFE_REVOKED, .since = 1700000000, .from = 5, .reason = "why"};
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(1024);
	struct ms_key_life got;

	assert_int_equal(ms_key_life_write(&l, &b), 0);
	assert_int_equal(ms_key_life_parse((char *)b.data, b.len, &got), 0);
	assert_int_equal(got.life, l.life);
	assert_int_equal(got.since, l.since);
	assert_int_equal(got.from, l.from);
	assert_string_equal(got.reason, "why");
	/* A file that was cut, or that has more, is not understood. */
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(ms_key_life_parse((char *)b.data, n, &got), -EBADMSG);
	ms_buf_put_u8(&b, '\n');
	assert_int_equal(ms_key_life_parse((char *)b.data, b.len, &got), -EBADMSG);
}

/* What takes the second version. */
static void test_overlap(void **state)
{
	struct ms_key_life l = {.since = 5, .until = 86400 * 3, .successor = "next"}, got;
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(1024);
	char text[300];

	assert_int_equal(ms_key_life_write(&l, &b), 0);
	ms_buf_cstr(&b);
	assert_string_equal((char *)b.data,
			    "modseal key state 2\nstate active\nsince 5\nfrom 0\nuntil "
			    "259200\nsuccessor next\nreason \n");
	assert_int_equal(ms_key_life_parse((char *)b.data, b.len, &got), 0);
	assert_int_equal(got.until, l.until);
	assert_string_equal(got.successor, "next");
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(ms_key_life_parse((char *)b.data, n, &got), -EBADMSG);
	assert_int_equal(ms_key_life_at(&l, l.until - 1), MS_LIFE_ACTIVE);
	assert_int_equal(ms_key_life_at(&l, l.until), MS_LIFE_RETIRED);
	assert_string_equal(ms_key_life_sentence(&l, l.until - 1, text, sizeof(text)),
			    "");
	assert_string_equal(ms_key_life_sentence(&l, l.until, text, sizeof(text)),
			    "it was retired on 1970-01-04: its successor is next: it "
			    "signs no more");
	l = (struct ms_key_life){.life = MS_LIFE_PENDING};
	assert_int_equal(ms_key_life_at(&l, INT64_MAX), MS_LIFE_PENDING);
	b.len = 0;
	assert_int_equal(ms_key_life_write(&l, &b), 0);
	assert_int_equal(ms_key_life_parse((char *)b.data, b.len, &got), 0);
	assert_int_equal(got.life, MS_LIFE_PENDING);
}

static void test_refuses(void **state)
{
	static const char *const bad[] = {
		"modseal key state 2\nstate retired\nsince 1\nfrom 0\nreason \n",
		"modseal key state 1\nstate active\nsince 1\nfrom 0\nreason \n",
		"modseal key state 1\nstate pending\nsince 1\nfrom 0\nreason \n",
		"modseal key state 2\nstate active\nsince 1\nfrom 0\nuntil 1\nsuccessor "
		"../x\nreason \n",
		"modseal key state 2\nstate active\nsince 1\nfrom 0\nuntil x\nsuccessor "
		"\nreason \n",
		"modseal key state 2\nstate retired\nsince 1\nfrom 0\nuntil 0\n"
		"successor \nreason \n",
		"modseal key state 2\nstate active\nsince 1\nfrom 0\nuntil 1\nsuccessor "
		"\nmore \nreason \n",
		"modseal key state 3\nstate active\nsince 1\nfrom 0\nuntil 1\nsuccessor "
		"\nreason \n",
		"modseal key state 1\nstate retired\nsince -1\nfrom 0\nreason \n",
		"modseal key state 1\nstate retired\nsince \nfrom 0\nreason \n",
		"modseal key state 1\nstate retired\nsince 1\nfrom 0\nreason \033[m\n",
	};
	struct ms_key_life got;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(ms_key_life_parse(bad[i], strlen(bad[i]), &got),
				 -EBADMSG);
}

/* What cannot be read is not taken for a key that may sign. */
static void test_files(void **state)
{
	char dir[] = "/tmp/ms-life-XXXXXX", path[64], text[300];
	struct ms_key_life l = {.life = MS_LIFE_RETIRED, .since = 86400}, got;
	struct ms_error err = {0};
	FILE *f;

	assert_non_null(mkdtemp(dir));
	ms_key_life_load(dir, "k", &got);
	assert_int_equal(got.life, MS_LIFE_ACTIVE);
	assert_string_equal(ms_key_life_sentence(&got, 0, text, sizeof(text)), "");
	assert_int_equal(ms_key_life_store(dir, "k", &l, &err), 0);
	ms_key_life_load(dir, "k", &got);
	assert_int_equal(got.life, MS_LIFE_RETIRED);
	assert_string_equal(ms_key_life_sentence(&got, 0, text, sizeof(text)),
			    "it was retired on 1970-01-02: it signs no more");
	snprintf(path, sizeof(path), "%s/k.state", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
	ms_key_life_load(dir, "k", &got);
	assert_int_equal(got.life, MS_LIFE_REVOKED);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_overlap),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
