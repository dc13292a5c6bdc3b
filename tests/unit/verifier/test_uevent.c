/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "tests/unit/verifier/fixture.h"
#include "verifier/uevent.h"

#define PARSE(text, e) ms_uevent_parse((const uint8_t *)(text), sizeof(text) - 1, e)
#define ADD(name)                                                 \
	"add@/module/" name "\0ACTION=add\0DEVPATH=/module/" name \
	"\0SUBSYSTEM=module\0SEQNUM=1\0"

static void test_good(void **state)
{
	struct ms_uevent e;

	assert_int_equal(PARSE(ADD("dummy"), &e), 0);
	assert_true(e.add);
	assert_string_equal(e.name, "dummy");
	assert_int_equal(PARSE("remove@/module/x\0SUBSYSTEM=module\0ACTION=remove\0"
			       "DEVPATH=/module/x\0",
			       &e),
			 0);
	assert_false(e.add);
	assert_string_equal(e.name, "x");
}

static void test_others(void **state)
{
	struct ms_uevent e;

	assert_int_equal(PARSE("add@/devices/x\0ACTION=add\0DEVPATH=/devices/x\0"
			       "SUBSYSTEM=usb\0",
			       &e),
			 -ENODATA);
	assert_int_equal(PARSE("change@/module/x\0ACTION=change\0DEVPATH=/module/x\0"
			       "SUBSYSTEM=module\0",
			       &e),
			 -ENODATA);
	assert_int_equal(PARSE("add@/x\0ACTION=add\0DEVPATH=/x\0", &e), -ENODATA);
}

static void test_bad(void **state)
{
	static const char poison[] = "poison";
	uint8_t big[MS_UEVENT_MAX + 1] = {0};
	struct ms_uevent e;

	memcpy(e.name, poison, sizeof(poison));
	assert_int_equal(PARSE("", &e), -EBADMSG);
	assert_int_equal(PARSE("\0", &e), -EBADMSG);
	assert_int_equal(PARSE("add@/module/x", &e), -EBADMSG);
	assert_int_equal(PARSE("@/module/x\0", &e), -EBADMSG);
	assert_int_equal(PARSE("libudev\0\376\355", &e), -EBADMSG);
	assert_int_equal(PARSE(ADD(".."), &e), -EBADMSG);
	assert_int_equal(PARSE(ADD(""), &e), -EBADMSG);
	assert_int_equal(PARSE(ADD("a/b"), &e), -EBADMSG);
	assert_int_equal(PARSE(ADD("0123456789012345678901234567890123456789"
				   "012345678901234567890123"),
			       &e),
			 -EBADMSG);
	/* The head and the keys say different things; a key twice. */
	assert_int_equal(PARSE("add@/module/x\0ACTION=remove\0DEVPATH=/module/x\0"
			       "SUBSYSTEM=module\0",
			       &e),
			 -EBADMSG);
	assert_int_equal(PARSE("add@/module/x\0ACTION=add\0DEVPATH=/module/y\0"
			       "SUBSYSTEM=module\0",
			       &e),
			 -EBADMSG);
	assert_int_equal(PARSE(ADD("x") "ACTION=add\0", &e), -EBADMSG);
	assert_int_equal(ms_uevent_parse(big, sizeof(big), &e), -EBADMSG);
	assert_string_equal(e.name, poison);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
