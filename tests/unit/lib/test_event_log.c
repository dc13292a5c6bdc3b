/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>

#include "lib/event_log.h"
#include "lib/file.h"
#include "lib/hash.h"

static void read_log(const char *name, struct ms_file *f)
{
	struct ms_error err = {0};

	assert_int_equal(ms_file_read(AT_FDCWD, name, MS_EVENT_LOG_MAX, 0, f, &err), 0);
}

static void extended(uint8_t pcr[32], const char *event, size_t len)
{
	uint8_t both[64];

	memcpy(both, pcr, 32);
	assert_int_equal(ms_digest(MS_HASH_SHA256, event, len, both + 32), 0);
	assert_int_equal(ms_digest(MS_HASH_SHA256, both, 64, pcr), 0);
}

static void test_replay(void **state)
{
	_cleanup_file_ struct ms_file f = {0};
	uint8_t pcr[MS_PCRS][32], want[32] = {[31] = 3}, zero[32] = {0};

	read_log("tests/fuzz/corpus/event_log/seed-good", &f);
	assert_int_equal(ms_event_log_replay(f.data, f.len, pcr), 0);
	/* started from locality 3 */
	extended(want, "firmware", 8);
	assert_memory_equal(pcr[0], want, 32);
	memset(want, 0, sizeof(want));
	extended(want, "SecureBoot", 10);
	extended(want, "\0\0\0\0", 4);
	assert_memory_equal(pcr[7], want, 32);
	assert_memory_equal(pcr[1], zero, 32);
}

static void test_refusals(void **state)
{
	_cleanup_file_ struct ms_file f = {0}, old = {0};
	uint8_t pcr[MS_PCRS][32];

	read_log("tests/fuzz/corpus/event_log/seed-good", &f);
	memset(pcr, 0xaa, sizeof(pcr));
	assert_int_equal(ms_event_log_replay(f.data, f.len - 1, pcr), -EBADMSG);
	assert_int_equal(ms_event_log_replay(f.data, 10, pcr), -EBADMSG);
	assert_int_equal(pcr[0][0], 0xaa);
	read_log("tests/fuzz/corpus/event_log/seed-sha1", &old);
	assert_int_equal(ms_event_log_replay(old.data, old.len, pcr), -ENOPKG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
