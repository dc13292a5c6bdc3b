/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <elf.h>
#include "tests/unit/verifier/fixture.h"
#include "verifier/kernel_elf.h"

static struct ms_buf module;

static int setup(void **state)
{
	module = MS_BUF_INIT(FIXTURE_MAX);
	fixture_module(&module);
	return 0;
}

static int teardown(void **state)
{
	ms_buf_clear(&module);
	return 0;
}

/* With @n bytes at @at replaced. */
static int patched(size_t at, const void *bytes, size_t n)
{
	uint8_t *copy = malloc(module.len);
	int rc;

	assert_non_null(copy);
	memcpy(copy, module.data, module.len);
	memcpy(copy + at, bytes, n);
	rc = ms_kernel_elf_check(copy, module.len);
	free(copy);
	return rc;
}

static void test_header(void **state)
{
	assert_int_equal(ms_kernel_elf_check(module.data, module.len), 0);
	assert_int_equal(patched(0, "\1", 1), -ENOEXEC);
	/* Seen on running kernels: class and byte order are not looked at. */
	assert_int_equal(patched(EI_CLASS, "\1", 1), 0);
	assert_int_equal(patched(EI_DATA, "\2", 1), 0);
	assert_int_equal(patched(offsetof(Elf64_Ehdr, e_type), "\2", 1), -ENOEXEC);
	assert_int_equal(patched(offsetof(Elf64_Ehdr, e_shentsize), "\1", 1), -ENOEXEC);
	assert_int_equal(
		patched(offsetof(Elf64_Ehdr, e_shoff), "\xff\xff\xff\xff\xff", 5),
		-ENOEXEC);
	assert_int_equal(patched(offsetof(Elf64_Ehdr, e_shnum), "\xff\xff", 2), -ENOEXEC);
	assert_int_equal(patched(offsetof(Elf64_Ehdr, e_shstrndx), "\0\0", 2), -ENOEXEC);
	assert_int_equal(patched(offsetof(Elf64_Ehdr, e_shstrndx), "\xff\xff", 2),
			 -ENOEXEC);
}

static void test_sections(void **state)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)module.data;
	size_t symtab = 0;

	for (size_t i = 1; i < eh->e_shnum; i++) {
		size_t at = eh->e_shoff + i * sizeof(Elf64_Shdr);
		const Elf64_Shdr *sh = (const Elf64_Shdr *)(module.data + at);

		if (sh->sh_type == SHT_SYMTAB)
			symtab = at;
		if (sh->sh_type == SHT_NOBITS || !sh->sh_size)
			continue;
		assert_int_equal(patched(at + offsetof(Elf64_Shdr, sh_offset),
					 "\xff\xff\xff\xff", 4),
				 -ENOEXEC);
		assert_int_equal(patched(at + offsetof(Elf64_Shdr, sh_size),
					 "\xff\xff\xff\xff\xff\xff\xff\xff", 8),
				 -ENOEXEC);
	}
	assert_true(symtab);
	assert_int_equal(patched(symtab + offsetof(Elf64_Shdr, sh_type), "\3", 1),
			 -ENOEXEC);
}

static void test_cut(void **state)
{
	for (size_t len = 0; len < module.len; len += 7) {
		uint8_t *copy = malloc(len ? len : 1);

		assert_non_null(copy);
		memcpy(copy, module.data, len);
		assert_int_equal(ms_kernel_elf_check(copy, len), -ENOEXEC);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
