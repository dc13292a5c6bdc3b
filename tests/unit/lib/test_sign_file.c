/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server.h"
#include "folder.h"
#include "lib/agent_client.h"
#include "lib/file.h"
#include "lib/trailer.h"

#define ELF "\177ELF payload"
#define ELF_LEN (sizeof(ELF) - 1)
#define MESSAGE "0\003abc"
#define GOOD OK_HEAD "5\r\nContent-Type: application/pkcs7-signature\r\n\r\n" MESSAGE

static struct ms_error err;
static char wanted[100];
static size_t wanted_len;

/* Signs the file "mod.ko" against an agent that answers so. */
static int sign(const char *reply, const struct ms_sign_options *opt, struct ms_buf *req)
{
	const struct step steps[] = {{.reply = reply}};
	_cleanup_file_ struct ms_file f = {0};
	struct server s;
	struct ms_http h;
	int r;

	memcpy(wanted, ELF MESSAGE, ELF_LEN + 5);
	ms_trailer_build(5, (uint8_t *)wanted + ELF_LEN + 5);
	wanted_len = ELF_LEN + 5 + MS_TRAILER_LEN;
	memset(&err, 0, sizeof(err));
	server_start(&s, steps, 1);
	assert_int_equal(ms_http_open(&h, s.path, 20000, &err), 0);
	r = ms_agent_sign_file(&h, in_folder("mod.ko"), opt, &f, &err);
	ms_http_close(&h);
	server_stop(&s);
	if (req)
		ms_buf_put(req, s.last.data, s.last.len);
	ms_buf_clear(&s.last);
	return r;
}

static void test_in_place(void **state)
{
	const struct ms_sign_options opt = {.key = "k", .hash = "sha3-256"};
	_cleanup_buf_ struct ms_buf req = MS_BUF_INIT(1000), again = MS_BUF_INIT(1000);
	static const char line[] =
		"POST /v1/keys/k/sign?name=mod&hash=sha3-256 HTTP/1.1\r\n";

	put_file("mod.ko", ELF, ELF_LEN);
	assert_int_equal(sign(GOOD, &opt, &req), 0);
	assert_file("mod.ko", wanted, wanted_len);
	assert_memory_equal(req.data, line, sizeof(line) - 1);
	assert_memory_equal(req.data + req.len - ELF_LEN - 2, "\r\n" ELF, ELF_LEN + 2);
	/* what is sent, and written, is the module without its old signature */
	assert_int_equal(sign(GOOD, &opt, &again), 0);
	assert_file("mod.ko", wanted, wanted_len);
	assert_int_equal(again.len, req.len);
	assert_memory_equal(again.data, req.data, req.len);
	assert_int_equal(count_files(""), 3); /* with "." and ".." */
}

static void test_elsewhere(void **state)
{
	struct ms_sign_options opt = {.key = "k", .hash = "h", .dest = in_folder("dest")};

	put_file("mod.ko", ELF, ELF_LEN);
	assert_int_equal(sign(GOOD, &opt, NULL), 0);
	assert_file("mod.ko", ELF, ELF_LEN);
	assert_file("dest", wanted, wanted_len);
}

static void test_detached(void **state)
{
	struct ms_sign_options opt = {.key = "k", .hash = "h", .detached = true};
	struct ms_sign_options named = {.key = "k", .hash = "h", .detached = true};
	struct ms_sign_options both = {.key = "k", .hash = "h", .keep_detached = true};

	named.dest = in_folder("sig");
	put_file("mod.ko", ELF, ELF_LEN);
	assert_int_equal(sign(GOOD, &opt, NULL), 0);
	assert_file("mod.ko", ELF, ELF_LEN);
	assert_file("mod.ko.p7s", MESSAGE, 5);
	assert_int_equal(sign(GOOD, &named, NULL), 0);
	assert_file("sig", MESSAGE, 5);
	assert_file("mod.ko", ELF, ELF_LEN);
	assert_int_equal(unlink(in_folder("mod.ko.p7s")), 0);
	assert_int_equal(sign(GOOD, &both, NULL), 0);
	assert_file("mod.ko", wanted, wanted_len);
	assert_file("mod.ko.p7s", MESSAGE, 5);
}

static void test_request(void **state)
{
	const struct ms_sign_options opt = {.key = "a b", .hash = "x&y", .keyid = true};
	_cleanup_buf_ struct ms_buf req = MS_BUF_INIT(1000);
	static const char line[] =
		"POST /v1/keys/a%20b/sign?name=mod&hash=x%26y&keyid=1 HTTP/1.1\r\n";

	put_file("mod.ko", ELF, ELF_LEN);
	assert_int_equal(sign(GOOD, &opt, &req), 0);
	assert_memory_equal(req.data, line, sizeof(line) - 1);
}

static void test_refused(void **state)
{
	static const struct {
		const char *reply;
		int want;
		const char *code;
	} cases[] = {
		{"HTTP/1.1 403 X\r\nContent-Type: text/plain\r\nContent-Length: "
		 "10\r\n\r\n"
		 "denied\nno\n",
		 -EACCES, "denied"},
		{OK_HEAD "0\r\n\r\n", -EBADMSG, "bad-answer"},
		{OK_HEAD "4\r\n\r\n0\003ab", -EBADMSG, "bad-answer"},	/* cut off */
		{OK_HEAD "6\r\n\r\n0\003abcd", -EBADMSG, "bad-answer"}, /* and more */
		{OK_HEAD "5\r\n\r\n1\003abc", -EBADMSG, "bad-answer"},	/* another tag */
		{OK_HEAD "6\r\n\r\n0\x81\003abc", -EBADMSG, "bad-answer"}, /* not DER */
		{OK_HEAD "300000\r\n\r\n", -EFBIG, "bad-answer"},
	};
	const struct ms_sign_options opt = {
		.key = "k", .hash = "h", .keep_detached = true};

	put_file("mod.ko", ELF, ELF_LEN);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(sign(cases[i].reply, &opt, NULL), cases[i].want);
		assert_string_equal(err.code, cases[i].code);
		assert_int_equal(strncmp(err.msg, folder, strlen(folder)), 0);
		assert_file("mod.ko", ELF, ELF_LEN);
		assert_int_equal(count_files(""), 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		folder_test(test_in_place), folder_test(test_elsewhere),
		folder_test(test_detached), folder_test(test_request),
		folder_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
