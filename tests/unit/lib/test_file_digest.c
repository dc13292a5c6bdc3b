/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/file_digest.h"

#include <pthread.h>
#include <stdatomic.h>
#include "folder.h"
#include "lib/fsverity.h"

#define LARGE (16u << 20)

static uint8_t *content(size_t len)
{
	uint8_t *p = test_malloc(len);

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 31 + (i >> 13));
	return p;
}

static void same_as_in_memory(void **state)
{
	static const size_t lens[] = {0, 1, 256u << 10, (256u << 10) + 1, 700000};
	uint8_t *p = content(700000), want[MS_DIGEST_MAX], got[MS_DIGEST_MAX];
	struct ms_fsverity *v = test_malloc(sizeof(*v));
	struct ms_error err = {0};
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		_cleanup_close_ int fd = -1;

		put_file("f", p, lens[i]);
		fd = open(in_folder("f"), O_RDONLY | O_CLOEXEC);
		/* wherever the file's position is */
		assert_true(lseek(fd, 17, SEEK_SET) >= 0);
		assert_int_equal(ms_digest(MS_HASH_SHA384, p, lens[i], want), 0);
		assert_int_equal(ms_file_digest(fd, MS_HASH_SHA384, got, &st, &err), 0);
		assert_memory_equal(got, want, 48);
		assert_int_equal(st.st_size, lens[i]);
		assert_int_equal(ms_fsverity_init(v, MS_HASH_SHA256), 0);
		assert_int_equal(ms_fsverity_update(v, p, lens[i]), 0);
		assert_int_equal(ms_fsverity_final(v, want), 0);
		assert_int_equal(ms_file_fsverity(fd, MS_HASH_SHA256, got, NULL, &err),
				 0);
		assert_memory_equal(got, want, 32);
		assert_int_equal(ms_file_digest_start(fd, MS_HASH_SHA256, lens[i], got,
						      NULL, &err),
				 0);
		assert_int_equal(ms_digest(MS_HASH_SHA256, p, lens[i], want), 0);
		assert_memory_equal(got, want, 32);
	}
	test_free(v);
	test_free(p);
}

static void beginning(void **state)
{
	uint8_t *p = content(700000), want[MS_DIGEST_MAX], got[MS_DIGEST_MAX];
	_cleanup_close_ int fd = -1;
	struct ms_error err = {0};

	put_file("f", p, 700000);
	fd = open(in_folder("f"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(ms_digest(MS_HASH_SHA256, p, 300001, want), 0);
	assert_int_equal(
		ms_file_digest_start(fd, MS_HASH_SHA256, 300001, got, NULL, &err), 0);
	assert_memory_equal(got, want, 32);
	assert_int_equal(
		ms_file_digest_start(fd, MS_HASH_SHA256, 700001, got, NULL, &err),
		-EAGAIN);
	test_free(p);
}

static atomic_bool writing, stop;

static void *keep_writing(void *arg)
{
	int fd = *(int *)arg;

	while (!atomic_load(&stop)) {
		if (write(fd, "x", 1) == 1)
			atomic_store(&writing, true);
	}
	return NULL;
}

static void changes(void **state)
{
	uint8_t *p = content(LARGE), got[MS_DIGEST_MAX] = {1};
	_cleanup_close_ int fd = -1, out = -1;
	struct ms_error err = {0};
	pthread_t t;

	put_file("f", p, LARGE);
	out = open(in_folder("f"), O_WRONLY | O_APPEND | O_CLOEXEC);
	fd = open(in_folder("f"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(pthread_create(&t, NULL, keep_writing, &out), 0);
	while (!atomic_load(&writing))
		continue;
	assert_int_equal(ms_file_digest(fd, MS_HASH_SHA256, got, NULL, &err), -EAGAIN);
	assert_int_equal(got[0], 1);
	assert_string_equal(err.code, "changed");
	assert_int_equal(ms_file_fsverity(fd, MS_HASH_SHA256, got, NULL, &err), -EAGAIN);
	atomic_store(&stop, true);
	pthread_join(t, NULL);
	test_free(p);
}

static void refusals(void **state)
{
	_cleanup_close_ int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int null = open("/dev/null", O_RDONLY | O_CLOEXEC), fd = -1;
	uint8_t got[MS_DIGEST_MAX] = {1};
	struct ms_error err = {0};

	put_file("f", "x", 1);
	fd = open(in_folder("f"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(ms_file_digest(dir, MS_HASH_SHA256, got, NULL, &err), -EISDIR);
	assert_int_equal(ms_file_digest(null, MS_HASH_SHA256, got, NULL, &err), -EINVAL);
	assert_int_equal(ms_file_digest(-1, MS_HASH_SHA256, got, NULL, &err), -EBADF);
	assert_int_equal(ms_file_digest(fd, MS_HASH_NONE, got, NULL, &err), -ENOPKG);
	assert_int_equal(ms_file_fsverity(fd, MS_HASH_SHA384, got, NULL, &err), -ENOPKG);
	assert_int_equal(ms_file_fsverity(dir, MS_HASH_SHA256, got, NULL, &err), -EISDIR);
	assert_int_equal(got[0], 1);
	assert_true(err.msg[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(same_as_in_memory, folder_make,
						folder_remove),
		cmocka_unit_test_setup_teardown(beginning, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(changes, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(refusals, folder_make, folder_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
