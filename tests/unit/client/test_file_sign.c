/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/client/file_sign.h"

#include "../lib/folder.h"
#include "../lib/server.h"
#include "lib/agent_client.h"

/* SHA-256 of "content" */
#define DIGEST "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"

static void formats(void **state)
{
	static const char *const names[] = {"detached", "fsverity", "ima",
					    "ima-appended"};
	static const enum ms_sign_type types[] = {MS_SIGN_FILE, MS_SIGN_FSVERITY,
						  MS_SIGN_IMA, MS_SIGN_FILE};
	enum ms_file_format f;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(ms_file_format_from_name(names[i], &f), 0);
		assert_int_equal(f, i);
		assert_string_equal(ms_file_format_name(f), names[i]);
		assert_int_equal(ms_file_format_type(f), types[i]);
	}
	assert_int_equal(ms_file_format_from_name("IMA", &f), -EINVAL);
	assert_int_equal(ms_file_format_from_name("", &f), -EINVAL);
}

static void modules(void **state)
{
	put_file("m", "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\1\0", 18);
	put_file("big-endian", "\177ELF\2\2\1\0\0\0\0\0\0\0\0\0\0\1", 18);
	put_file("program", "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0", 18);
	put_file("short", "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\1", 17);
	put_file("x.ko.xz", "", 0);
	assert_true(ms_is_module(in_folder("m")));
	assert_true(ms_is_module(in_folder("big-endian")));
	assert_true(ms_is_module(in_folder("x.ko.xz")));
	assert_false(ms_is_module(in_folder("program")));
	assert_false(ms_is_module(in_folder("short")));
	assert_false(ms_is_module(in_folder("none")));
	assert_false(ms_is_module(folder));
}

/* One file, and an agent that answers so. Return: what ms_file_sign() returned */
static int sign(const char *body, void (*first)(void), const char **ret_code)
{
	static struct ms_file_signed done;
	char reply[600];
	struct step steps[] = {{.reply = reply, .first = first}};
	struct ms_client_config c = {0};
	const struct ms_file_sign opt = {
		.format = MS_FORMAT_DETACHED, .hash = MS_HASH_SHA256, .key = "k"};
	struct server s;
	struct ms_http h;
	struct ms_error err = {0};

	done = (struct ms_file_signed){.digest = "x"};
	snprintf(reply, sizeof(reply), OK_HEAD "%zu\r\n\r\n%s", strlen(body), body);
	put_file("f", "content", 7);
	server_start(&s, steps, 1);
	snprintf(c.agent, sizeof(c.agent), "unix:%s", s.path);
	assert_int_equal(ms_agent_open(&h, &c, &err), 0);
	done.path = in_folder("f");
	ms_file_sign(&h, &opt, &done, 1);
	ms_http_close(&h);
	server_stop(&s);
	assert_non_null(memmem(s.last.data, s.last.len, DIGEST, 64));
	assert_non_null(memmem(s.last.data, s.last.len, "\"type\":\"file\"", 13));
	ms_buf_clear(&s.last);
	if (!first)
		assert_file("f", "content", 7);
	if (done.rc < 0) {
		assert_string_equal(done.digest, "");
		assert_int_not_equal(access(in_folder("f.p7s"), F_OK), 0);
		assert_int_equal(strncmp(done.err.msg, folder, strlen(folder)), 0);
	}
	*ret_code = done.err.code;
	return done.rc;
}

#define ANSWER(digest, rest) "{\"items\":[{\"digest\":\"" digest "\"," rest "}]}"

static void answers(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"items\":[]}",
		ANSWER(DIGEST, "\"x\":1"),
		ANSWER("00", "\"signature\":\"MAMCAQE=\""),
		/* another item behind it; no base64; no DER; more than one DER */
		"{\"items\":[{\"digest\":\"" DIGEST "\",\"signature\":\"MAMCAQE=\"},{}]}",
		ANSWER(DIGEST, "\"signature\":\"MAMC*QE=\""),
		ANSWER(DIGEST, "\"signature\":\"\""),
		ANSWER(DIGEST, "\"signature\":\"AAAAAAAA\""),
		ANSWER(DIGEST, "\"signature\":\"MAMCAQEw\""),
		ANSWER(DIGEST, "\"signature\":7"),
		ANSWER(DIGEST, "\"error\":7"),
	};
	const char *code;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(sign(bad[i], NULL, &code), -EBADMSG);
		assert_string_equal(code, "bad-answer");
	}
	assert_int_equal(
		sign(ANSWER(DIGEST, "\"error\":{\"code\":\"no-rule\",\"detail\":\"d\"}"),
		     NULL, &code),
		-EACCES);
	assert_string_equal(code, "no-rule");
	assert_int_equal(sign(ANSWER(DIGEST, "\"signature\":\"MAMCAQE=\""), NULL, &code),
			 0);
	assert_file("f.p7s", "\x30\x03\x02\x01\x01", 5);
}

/* SHA-256 of "other" */
#define OTHER "d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa"
#define ITEM(digest) "{\"digest\":\"" digest "\",\"signature\":\"MAMCAQE=\"}"

static int sign_two(const char *items, struct ms_file_signed two[2])
{
	char reply[600];
	const struct step steps[] = {{.reply = reply}};
	struct ms_client_config c = {0};
	const struct ms_file_sign opt = {
		.format = MS_FORMAT_DETACHED, .hash = MS_HASH_SHA256, .key = "k"};
	struct ms_error err = {0};
	struct server s;
	struct ms_http h;

	snprintf(reply, sizeof(reply), OK_HEAD "%zu\r\n\r\n{\"items\":[%s]}",
		 strlen(items) + 12, items);
	put_file("f", "content", 7);
	put_file("g", "other", 5);
	two[0].path = in_folder("f");
	two[1].path = in_folder("g");
	server_start(&s, steps, 1);
	snprintf(c.agent, sizeof(c.agent), "unix:%s", s.path);
	assert_int_equal(ms_agent_open(&h, &c, &err), 0);
	ms_file_sign(&h, &opt, two, 2);
	ms_http_close(&h);
	server_stop(&s);
	ms_buf_clear(&s.last);
	return two[0].rc;
}

/* An answer that is taken for that of another file would sign the wrong one. */
static void pairs(void **state)
{
	static struct ms_file_signed two[2];

	assert_int_equal(sign_two(ITEM(OTHER) "," ITEM(DIGEST), two), -EBADMSG);
	assert_int_equal(two[1].rc, -EBADMSG);
	assert_int_equal(sign_two(ITEM(DIGEST), two), -EBADMSG);
	assert_int_equal(two[1].rc, -EBADMSG);
	assert_int_not_equal(access(in_folder("f.p7s"), F_OK), 0);
	assert_int_equal(sign_two(ITEM(DIGEST) "," ITEM(OTHER), two), 0);
	assert_int_equal(two[1].rc, 0);
	assert_string_equal(two[1].digest, OTHER);
	assert_file("g.p7s", "\x30\x03\x02\x01\x01", 5);
}

static void append(void)
{
	put_file("f", "content and more", 16);
}

/* Same bytes, same time even; but another file. */
static void put_another(void)
{
	put_file("g", "content", 7);
	assert_int_equal(rename(in_folder("g"), in_folder("f")), 0);
}

static void take_away(void)
{
	assert_int_equal(unlink(in_folder("f")), 0);
}

static void changes_meanwhile(void **state)
{
	static void (*const changes[])(void) = {append, put_another, take_away};
	const char *code;

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		assert_int_equal(sign(ANSWER(DIGEST, "\"signature\":\"MAMCAQE=\""),
				      changes[i], &code),
				 -EAGAIN);
		assert_string_equal(code, "changed");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats),
		cmocka_unit_test_setup_teardown(pairs, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(answers, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(changes_meanwhile, folder_make,
						folder_remove),
		cmocka_unit_test_setup_teardown(modules, folder_make, folder_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
