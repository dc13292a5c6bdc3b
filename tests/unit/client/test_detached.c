/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/limits.h"
#include "lib/trailer.h"
#include "signer/client/detached.h"
#include "tests/unit/lib/data.h"
#include "tests/unit/lib/folder.h"

static void add_trailer(struct ms_buf *b, size_t msg_len)
{
	uint8_t trailer[MS_TRAILER_LEN];

	ms_trailer_build((uint32_t)msg_len, trailer);
	ms_buf_put(b, trailer, sizeof(trailer));
}

/* Messages that sign-file made, one after the other, and what they are behind a module.
 */
static void make(const char *const *names, size_t n, struct ms_buf *msgs,
		 struct ms_buf *tail)
{
	for (size_t i = 0; i < n; i++) {
		size_t before = tail->len;

		data_read(names[i], msgs);
		data_read(names[i], tail);
		add_trailer(tail, tail->len - before);
	}
}

static void test_both_ways(void **state)
{
	static const char *const names[] = {"pkcs7/rsa4096-sha256.p7s",
					    "pkcs7/p256-sha512-keyid.p7s",
					    "pkcs7/rsa2048-sha384.p7s"};

	for (size_t n = 1; n <= ARRAY_SIZE(names); n++) {
		_cleanup_buf_ struct ms_buf msgs = MS_BUF_INIT(DATA_MAX);
		_cleanup_buf_ struct ms_buf tail = MS_BUF_INIT(DATA_MAX);
		_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(DATA_MAX);

		make(names, n, &msgs, &tail);
		assert_int_equal(ms_detached_split(tail.data, tail.len, &out), 0);
		assert_int_equal(out.len, msgs.len);
		assert_memory_equal(out.data, msgs.data, out.len);
		out.len = 0;
		assert_int_equal(ms_detached_join(msgs.data, msgs.len, &out), 0);
		assert_int_equal(out.len, tail.len);
		assert_memory_equal(out.data, tail.data, out.len);
	}
}

static void test_cut_and_damaged(void **state)
{
	static const char *const names[] = {"pkcs7/p256-sha256.p7s"};
	_cleanup_buf_ struct ms_buf msgs = MS_BUF_INIT(DATA_MAX);
	_cleanup_buf_ struct ms_buf tail = MS_BUF_INIT(DATA_MAX);
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(DATA_MAX);

	make(names, 1, &msgs, &tail);
	assert_int_equal(ms_detached_split(NULL, 0, &out), -ENODATA);
	assert_int_equal(ms_detached_join(NULL, 0, &out), -ENODATA);
	for (size_t len = 1; len < tail.len; len++)
		assert_int_not_equal(ms_detached_split(tail.data, len, &out), 0);
	for (size_t len = 1; len < msgs.len; len++)
		assert_int_not_equal(ms_detached_join(msgs.data, len, &out), 0);
	/* The trailer: nothing of it may be other than it is made. */
	for (size_t i = msgs.len; i < tail.len; i++) {
		tail.data[i] ^= 1;
		assert_int_equal(ms_detached_split(tail.data, tail.len, &out), -EBADMSG);
		tail.data[i] ^= 1;
	}
	ms_buf_put_u8(&msgs, 0);
	assert_int_not_equal(ms_detached_join(msgs.data, msgs.len, &out), 0);
	ms_buf_put_u8(&tail, 0);
	assert_int_not_equal(ms_detached_split(tail.data, tail.len, &out), 0);
}

/* A SEQUENCE that is none of ours, and an OID of another content type. */
static void test_no_message(void **state)
{
	_cleanup_buf_ struct ms_buf msg = MS_BUF_INIT(DATA_MAX);
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(DATA_MAX);

	assert_int_not_equal(ms_detached_join((const uint8_t *)"\x30\x00", 2, &out), 0);
	data_read("pkcs7/p256-sha256.p7s", &msg);
	msg.data[12] ^= 1;
	assert_int_not_equal(ms_detached_join(msg.data, msg.len, &out), 0);
	assert_int_equal(out.len, 0);
}

static void path_is(const char *path, const char *dir, const char *want)
{
	static char root[] = "t/lib/", deeper[] = "t/lib/x", top[] = "/", file[] = "a.ko",
		    empty[] = "";
	char *const roots[] = {root, deeper, file, empty};
	struct ms_error err = {0};
	char got[200];

	assert_int_equal(ms_detached_path(path, roots, ARRAY_SIZE(roots), dir, false, got,
					  sizeof(got), &err),
			 0);
	assert_string_equal(got, want);
	if (path[0] == '/') {
		assert_int_equal(ms_detached_path(path, (char *const[]){top}, 1, "d",
						  false, got, sizeof(got), &err),
				 0);
		assert_string_equal(got, "d/x/a.ko.p7s");
	}
}

static void test_path(void **state)
{
	struct ms_error err = {0};
	char got[20];

	path_is("t/lib/a.ko", NULL, "t/lib/a.ko.p7s");
	path_is("t/lib/k/a.ko.xz", "d", "d/k/a.ko.xz.p7s");
	path_is("t/lib//k/a.ko", "d/e", "d/e/k/a.ko.p7s");
	path_is("t/lib/x/y/a.ko", "d", "d/y/a.ko.p7s");
	path_is("t/libs/a.ko", "d", "d/a.ko.p7s");
	path_is("a.ko", "d", "d/a.ko.p7s");
	path_is("/x/a.ko", "d", "d/a.ko.p7s");
	assert_int_equal(ms_detached_path("a-rather-long-name.ko", NULL, 0, NULL, false,
					  got, sizeof(got), &err),
			 -ENAMETOOLONG);
	assert_string_equal(err.code, "name-too-long");
}

static void test_distinct(void **state)
{
	char *roots[] = {(char[]){"t"}, (char[]){"u/"}};
	char *paths[] = {(char[]){"t/k/a.ko"}, (char[]){"t/k/b.ko"}, (char[]){"u/l/a.ko"},
			 (char[]){"u/k/a.ko"}};
	struct ms_error err = {0};

	assert_int_equal(ms_detached_distinct(paths, 0, roots, 2, "d", &err), 0);
	assert_int_equal(ms_detached_distinct(paths, 3, roots, 2, "d", &err), 0);
	assert_int_equal(ms_detached_distinct(paths, 4, roots, 2, NULL, &err), 0);
	assert_int_equal(ms_detached_distinct(paths, 4, roots, 2, "d", &err), -EEXIST);
	assert_string_equal(err.code, "same-name");
	/* named one by one */
	assert_int_equal(ms_detached_distinct(paths, 3, paths, 3, "d", &err), -EEXIST);
}

static void test_folders(void **state)
{
	static char root[] = "t";
	struct ms_error err = {0};
	struct stat st;
	char got[200];

	for (int i = 0; i < 2; i++)
		assert_int_equal(ms_detached_path("t/a/b/m.ko", (char *const[]){root}, 1,
						  in_folder("new/d"), true, got,
						  sizeof(got), &err),
				 0);
	assert_int_equal(stat(in_folder("new/d/a/b"), &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	put_file("file", "x", 1);
	assert_int_equal(ms_detached_path("t/a/m.ko", (char *const[]){root}, 1,
					  in_folder("file"), true, got, sizeof(got),
					  &err),
			 -ENOTDIR);
	assert_string_equal(err.code, "cannot-write");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),  cmocka_unit_test(test_cut_and_damaged),
		cmocka_unit_test(test_no_message), cmocka_unit_test(test_path),
		cmocka_unit_test(test_distinct),   folder_test(test_folders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
