/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/agent_client.h"
#include "lib/limits.h"
#include "lib/trailer.h"
#include "signer/client/packed.h"
#include "tests/unit/lib/folder.h"

#define ELF "\177ELF payload"
#define ELF_LEN (sizeof(ELF) - 1)

static const uint8_t msg[] = {'0', 3, 'a', 'b', 'c'};
static struct ms_error err;
static struct ms_packers packers;

/* ELF, @msg and trailer, into @dst */
static size_t sign_fake(char *dst)
{
	memcpy(dst, ELF, ELF_LEN);
	memcpy(dst + ELF_LEN, msg, sizeof(msg));
	ms_trailer_build(sizeof(msg), (uint8_t *)dst + ELF_LEN + sizeof(msg));
	return ELF_LEN + sizeof(msg) + MS_TRAILER_LEN;
}

static void put_packed(const char *name, enum ms_compression kind, const void *data,
		       size_t len, size_t without, size_t zeros)
{
	_cleanup_deflater_ struct ms_deflater d = {0};
	uint8_t *p = calloc(1, len + zeros);

	assert_non_null(p);
	memcpy(p, data, len);
	assert_int_equal(ms_deflate(&d, kind, p, len + zeros), 0);
	put_file(name, d.out, d.len - without);
	free(p);
}

static void assert_packed(const char *name, enum ms_compression kind, const void *data,
			  size_t len)
{
	_cleanup_deflater_ struct ms_deflater d = {0};

	if (kind == MS_PLAIN) {
		assert_file(name, data, len);
		return;
	}
	assert_int_equal(ms_deflate(&d, kind, data, len), 0);
	assert_file(name, d.out, d.len);
}

static void one_kind(enum ms_compression kind)
{
	_cleanup_packed_ struct ms_packed m = MS_PACKED_INIT;
	struct stat st;
	char want[200];
	size_t n = sign_fake(want);

	if (kind == MS_PLAIN)
		put_file("m", ELF, ELF_LEN);
	else
		put_packed("m", kind, ELF, ELF_LEN, 0, 0);
	assert_int_equal(chmod(in_folder("m"), 0604), 0);
	/* The second time there is a signature to be replaced. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ms_packed_read(&m, in_folder("m"), &err), 0);
		assert_int_equal(m.kind, kind);
		assert_int_equal(m.payload_len, ELF_LEN);
		assert_int_equal(m.len, i ? n : ELF_LEN);
		assert_memory_equal(m.data, ELF, ELF_LEN);
		assert_int_equal(ms_packed_write(&m, &packers, in_folder("m"), msg,
						 sizeof(msg), NULL, false, &err),
				 0);
		assert_packed("m", kind, want, n);
	}
	assert_int_equal(stat(in_folder("m"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0604);
	/* And without: what there was before. */
	assert_int_equal(ms_packed_read(&m, in_folder("m"), &err), 0);
	assert_int_equal(ms_packed_write(&m, &packers, in_folder("m"), NULL, 0,
					 in_folder("dest"), false, &err),
			 0);
	assert_packed("dest", kind, ELF, ELF_LEN);
	assert_packed("m", kind, want, n);
	ms_packed_trim(&m, 0);
	assert_null(m.out);
}

static void test_round_trip(void **state)
{
	for (enum ms_compression k = MS_PLAIN; k <= MS_ZSTD; k++)
		one_kind(k);
}

static void refused(int want, const char *code)
{
	_cleanup_packed_ struct ms_packed m = MS_PACKED_INIT;

	err = (struct ms_error){0};
	assert_int_equal(ms_packed_read(&m, in_folder("m"), &err), want);
	assert_string_equal(err.code, code);
}

static void test_refused(void **state)
{
	for (enum ms_compression k = MS_GZIP; k <= MS_ZSTD; k++) {
		_cleanup_deflater_ struct ms_deflater d = {0};

		put_packed("m", k, ELF, ELF_LEN, 1, 0);
		refused(-EBADMSG, "damaged-compression");
		put_packed("m", k, ELF, ELF_LEN, 0, MS_INFLATE_FREE);
		refused(-EFBIG, "too-large");
		put_packed("m", k, "text", 4, 0, 0);
		refused(-ENOEXEC, "not-a-module");
		put_packed("m", k, "", 0, 0, 0);
		refused(-ENOEXEC, "not-a-module");
		assert_int_equal(ms_deflate(&d, k, (const uint8_t *)ELF, ELF_LEN), 0);
		put_packed("m", k, d.out, d.len, 0, 0);
		refused(-ENOEXEC, "compressed-module");
		d.out[d.len++] = 0;
		put_file("m", d.out, d.len);
		refused(-EBADMSG, "trailing-bytes");
	}
	put_file("m", "", 0);
	refused(-ENOEXEC, "not-a-module");
}

static void test_changed(void **state)
{
	_cleanup_packed_ struct ms_packed m = MS_PACKED_INIT;

	put_packed("m", MS_XZ, ELF, ELF_LEN, 0, 0);
	assert_int_equal(ms_packed_read(&m, in_folder("m"), &err), 0);
	put_file("m", ELF, ELF_LEN);
	assert_int_equal(ms_packed_write(&m, &packers, in_folder("m"), msg, sizeof(msg),
					 NULL, false, &err),
			 -EAGAIN);
	assert_string_equal(err.code, "file-changed");
	assert_file("m", ELF, ELF_LEN);
}

static void test_beside(void **state)
{
	const struct ms_sign_options opt = {.detached = true};
	_cleanup_packed_ struct ms_packed m = MS_PACKED_INIT;
	_cleanup_buf_ struct ms_buf message = MS_BUF_INIT(100);

	ms_buf_put(&message, msg, sizeof(msg));
	put_packed("m.ko.xz", MS_XZ, ELF, ELF_LEN, 0, 0);
	assert_int_equal(ms_packed_read(&m, in_folder("m.ko.xz"), &err), 0);
	assert_int_equal(ms_packed_write_signed(&m, &packers, in_folder("m.ko.xz"), &opt,
						&message, &err),
			 0);
	assert_packed("m.ko.xz", MS_XZ, ELF, ELF_LEN);
	assert_file("m.ko.xz.p7s", msg, sizeof(msg));
}

static void *use_packer(void *arg)
{
	_cleanup_packed_ struct ms_packed m = MS_PACKED_INIT;
	const char *path = arg;
	struct ms_error e = {0};

	for (int i = 0; i < 20; i++) {
		if (ms_packed_read(&m, path, &e) ||
		    ms_packed_write(&m, &packers, path, msg, sizeof(msg), NULL, false,
				    &e))
			return arg;
	}
	return NULL;
}

/* More threads than encoders: all of them get their turn. */
static void test_threads(void **state)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
	pthread_t t[ARRAY_SIZE(names)];
	char want[200];
	size_t n = sign_fake(want);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		put_packed(names[i], MS_ZSTD, ELF, ELF_LEN, 0, 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(pthread_create(&t[i], NULL, use_packer,
						(void *)(uintptr_t)in_folder(names[i])),
				 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		void *failed;

		assert_int_equal(pthread_join(t[i], &failed), 0);
		assert_null(failed);
		assert_packed(names[i], MS_ZSTD, want, n);
	}
	assert_int_equal(packers.taken, 0);
}

static int set_up(void **state)
{
	ms_packers_init(&packers, 2);
	return 0;
}

static int tear_down(void **state)
{
	ms_packers_clear(&packers);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		folder_test(test_round_trip), folder_test(test_refused),
		folder_test(test_changed),    folder_test(test_beside),
		folder_test(test_threads),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
