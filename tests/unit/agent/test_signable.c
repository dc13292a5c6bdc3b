/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/signable.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static const char *check(const void *p, size_t len)
{
	static struct ms_error err;

	err = (struct ms_error){0};
	return ms_signable_file(p, len, &err) == 0 ? "ok" : err.code;
}

#define OK(text) assert_string_equal(check(text, sizeof(text) - 1), "ok")
#define TBS(text) assert_string_equal(check(text, sizeof(text) - 1), "is-to-be-signed")
#define MODULE(text) assert_string_equal(check(text, sizeof(text) - 1), "is-a-module")

static void files(void **state)
{
	OK("\0");
	OK("firmware");
	OK("0");
	OK("1\n");
	OK("1.0\n");
	OK("0123456789abcdef\n");
	OK("FSVerity is a kernel feature, and this a text of more than seventy-six "
	   "bytes.");
	OK("{\"name\": \"x\"}");
	OK("[\"entries\"]");
	OK("\x1f\x8b\x08");
}

/* What the kernel's elf_validity_check() looks at, and no more. */
static void modules(void **state)
{
	MODULE("\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\1\0");
	MODULE("\177ELF\1\1\1\0\0\0\0\0\0\0\0\0\1\0");
	MODULE("\177ELF\2\2\1\0\0\0\0\0\0\0\0\0\0\1");
	/* odd headers: class, byte order, version, padding */
	MODULE("\177ELF\xff\x09\0ZZZZZZZZZ\1\0\x3e\0more");
	MODULE("\177ELF\2\2\1\0\0\0\0\0\0\0\0\0\1\0");
	MODULE("\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\0\1");
	/* programs and libraries, and what ends before the kernel could look */
	OK("\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0");
	OK("\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0");
	OK("\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\1");
}

static void to_be_signed(void **state)
{
	/* TBSCertificate, v3 and v1; CertificationRequestInfo */
	TBS("\x30\x08\xa0\x03\x02\x01\x02\x02\x01\x07");
	TBS("\x30\x03\x02\x01\x07");
	TBS("\x30\x81\x03\x02\x01\x07");
	TBS("\x30\x84\0\0\0\x03\x02\x01\x07");
	TBS("\x30\x80\x02\x01\x07\0\0");
	/* TBSCertList without a version: AlgorithmIdentifier, Name */
	TBS("\x30\x07\x30\x03\x06\x01\x2a\x30\0");
	/* a public key: AlgorithmIdentifier, BIT STRING; a certificate; a CMS message */
	OK("\x30\x09\x30\x03\x06\x01\x2a\x03\x02\0\x01");
	OK("\x30\x07\x30\x05\xa0\x03\x02\x01\x02");
	OK("\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02");
	/* lengths and tags as nobody writes them, but some read them */
	TBS("\x30\x89\0\0\0\0\0\0\0\0\x03\x02\x01\x07");
	TBS("\x3f\x10\x03\x02\x01\x07");
	TBS("\x3f\x80\x10\x03\x02\x01\x07");
	TBS("\x30\x05\xbf\x00\x02\x01\x02");
	TBS("\x30\x05\xa1\x03\x02\x01\x02");
	TBS("\x30\x04\x1f\x02\x01\x07");
	TBS("\x30\x04\x30\x80\x06\x01");
	TBS("\x30\x00");
	TBS("\x30\x03\x02\x05\x07");
	/* too long for anybody, and cut off */
	OK("\x30\x89\1\0\0\0\0\0\0\0\x03\x02\x01\x07");
	OK("\x30\xff\x02\x01\x07");
	OK("\x30\x82\x01");
	OK("\x30");
	OK("0\xc3\xa9 is UTF-8");
	OK("\x3f\x10");
	OK("?\n");
	/* a text that begins with 0 */
	OK("0\x02\x02\x01\x07 and more");
}

/* Strenzke's attack: a signature of attributes is one of any content. */
static void attributes(void **state)
{
	TBS("\x31\x03\x30\x01\x00");
	TBS("\x31\x81\x03\x30\x01\x00");
	TBS("\x31\x80\x30\x01\x00\0\0");
	TBS("\x3f\x11\x03\x30\x01\x00");
	OK("\x31\x03\x30\x01");
	OK("\x31\x03\x30\x01\x00\x00");
}

static void others(void **state)
{
	uint8_t formatted[44] = "FSVerity\1\0\x20";
	uint8_t file_id[34] = {6, 4}, long_id[66] = {3, 6};
	uint8_t db[64] = "d\0b\0\xcb\xb2\x19\xd7\x3a\x3d\x96\x45\xa3\xbc\xda\xd0\x0e\x67"
			 "\x65\x6f\x27";

	assert_string_equal(check(formatted, sizeof(formatted)), "is-to-be-signed");
	assert_string_equal(check(db, sizeof(db)), "is-to-be-signed");
	assert_string_equal(check(file_id, sizeof(file_id)), "is-to-be-signed");
	assert_string_equal(check(file_id, sizeof(file_id) - 1), "ok");
	assert_string_equal(check(long_id, sizeof(long_id)), "is-to-be-signed");
	TBS("\x30\x0d\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x01\x0f\x30\x00\x30\x00");
	/* the first member without a length */
	TBS("\x30\x80\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x01\x0f\0\0\x30\x00");
	TBS(" \n{\"version\":1,\"entries\":[]}");
	TBS("{\"modules\" : []}");
	TBS("{\"\\u0065ntries\":[]}");
	TBS("{\"mod\\u0075les\":[]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files),	cmocka_unit_test(modules),
		cmocka_unit_test(to_be_signed), cmocka_unit_test(attributes),
		cmocka_unit_test(others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
