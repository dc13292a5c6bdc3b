/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A real module (tests/data/module) and what becomes of it when its bytes are changed.
 */
#include "data.h"
#include <elf.h>
#include <sys/mman.h>
#include "lib/elf_facts.h"
#include "lib/error.h"

struct module {
	struct ms_buf buf;
	Elf64_Ehdr *eh;
	Elf64_Shdr *sh;
};

static void module_load(struct module *m)
{
	m->buf = MS_BUF_INIT(DATA_MAX);
	data_read("module/ms_test.ko", &m->buf);
	m->eh = (Elf64_Ehdr *)m->buf.data;
	m->sh = (Elf64_Shdr *)(m->buf.data + m->eh->e_shoff);
}

static void module_clear(struct module *m)
{
	ms_buf_clear(&m->buf);
}

static Elf64_Shdr *section(const struct module *m, const char *name)
{
	const char *names = (char *)m->buf.data + m->sh[m->eh->e_shstrndx].sh_offset;

	for (unsigned int i = 1; i < m->eh->e_shnum; i++)
		if (strcmp(names + m->sh[i].sh_name, name) == 0)
			return &m->sh[i];
	fail_msg("no section %s", name);
	return NULL;
}

static char *in_modinfo(const struct module *m, const char *text)
{
	Elf64_Shdr *sh = section(m, ".modinfo");
	char *p =
		memmem(m->buf.data + sh->sh_offset, sh->sh_size, text, strlen(text) + 1);

	assert_non_null(p);
	return p;
}

static int facts(const struct module *m, struct ms_elf_facts *f)
{
	return ms_elf_facts_read(m->buf.data, m->buf.len, f);
}

#define FRESH(m)                                         \
	_cleanup_(module_clear) struct module m = { 0 }; \
	module_load(&m)

static void test_facts(void **state)
{
	static const uint8_t id_start[] = { 'G', 'N', 'U', 0 };
	struct ms_elf_facts f;
	const uint8_t *id;
	FRESH(m);

	assert_int_equal(facts(&m, &f), 0);
	assert_string_equal(f.name, "ms_test");
	assert_string_equal(f.version, "1.2.3-test");
	assert_string_equal(f.license, "GPL");
	assert_string_equal(f.vermagic, in_modinfo(&m, f.vermagic));
	assert_memory_equal(f.vermagic, f.release, strlen(f.release));
	assert_int_equal(f.vermagic[strlen(f.release)], ' ');
	assert_string_equal(f.release, "6.1.0-56-amd64");
	assert_int_equal(strlen(f.srcversion), 23);
	assert_int_equal(f.machine, EM_X86_64);
	assert_true(f.has_symtab);
	assert_false(f.has_debug);
	assert_false(f.intree);
	assert_int_equal(f.build_id_len, 20);
	id = m.buf.data + section(&m, ".note.gnu.build-id")->sh_offset + 12;
	assert_memory_equal(id, id_start, 4);
	assert_memory_equal(f.build_id, id + 4, 20);
}

/* 32 and 64 bits, little and big endian: made by tests/data/make-elf. */
static void test_other_machines(void **state)
{
	static const char *const names[] = { "module/elf32le.ko", "module/elf32be.ko",
					     "module/elf64le.ko", "module/elf64be.ko" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(DATA_MAX);
		struct ms_elf_facts f;

		data_read(names[i], &b);
		assert_int_equal(ms_elf_facts_read(b.data, b.len, &f), 0);
		assert_string_equal(f.name, "tiny");
		assert_string_equal(f.vermagic, "5.10.0-mips SMP mod_unload ");
		assert_string_equal(f.release, "5.10.0-mips");
		assert_string_equal(f.license, "GPL v2");
		assert_string_equal(f.version, "");
		assert_true(f.intree && f.has_symtab && f.has_debug);
		assert_int_equal(f.machine, EM_MIPS);
		assert_int_equal(f.build_id_len, 20);
		for (uint8_t k = 0; k < 20; k++)
			assert_int_equal(f.build_id[k], k + 1);
		/* Where the kernel's name for it is depends on the class. */
		memcpy(memmem(b.data, b.len, "\0tiny\0\0\0", 8), "\0tony", 5);
		assert_int_equal(ms_elf_facts_read(b.data, b.len, &f), -EBADMSG);
	}
}

/* From any alignment, with bytes after it, and out of memory that cannot be written. */
static void test_memory_is_only_read(void **state)
{
	struct ms_elf_facts want, f;
	FRESH(m);

	assert_int_equal(facts(&m, &want), 0);
	for (size_t shift = 0; shift < 9; shift++) {
		size_t size = 16384;
		uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		assert_true(p != MAP_FAILED);
		memcpy(p + shift, m.buf.data, m.buf.len);
		memcpy(p + shift + m.buf.len, "more", 4);
		assert_int_equal(mprotect(p, size, PROT_READ), 0);
		memset(&f, 0xa5, sizeof(f));
		assert_int_equal(ms_elf_facts_read(p + shift, m.buf.len + 4, &f), 0);
		assert_string_equal(f.name, want.name);
		assert_string_equal(f.vermagic, want.vermagic);
		assert_memory_equal(f.build_id, want.build_id, want.build_id_len);
		munmap(p, size);
	}
}

static void test_not_a_module(void **state)
{
	struct ms_elf_facts f, poison;
	FRESH(m);

	memset(&f, 0xa5, sizeof(f));
	poison = f;
	assert_int_equal(ms_elf_facts_read((const uint8_t *)"", 0, &f), -ENOEXEC);
	assert_int_equal(
		ms_elf_facts_read((const uint8_t *)"#!/bin/sh\nexit 0\n", 17, &f),
		-ENOEXEC);
	assert_int_equal(
		ms_elf_facts_read((const uint8_t *)"\x1f\x8b\x08zzzzzzzzzzzzzz", 17, &f),
		-ENOEXEC);
	m.eh->e_type = ET_DYN;
	assert_int_equal(facts(&m, &f), -ENOEXEC);
	m.eh->e_type = ET_EXEC;
	assert_int_equal(facts(&m, &f), -ENOEXEC);
	m.eh->e_type = ET_REL;
	assert_memory_equal(&f, &poison, sizeof(f));
	assert_int_equal(facts(&m, &f), 0);
}

static void test_no_modinfo(void **state)
{
	struct ms_elf_facts f;
	Elf64_Shdr *sh;
	FRESH(m);

	sh = section(&m, ".modinfo");
	sh->sh_flags &= ~(Elf64_Xword)SHF_ALLOC; /* the kernel would not find it */
	assert_int_equal(facts(&m, &f), -EBADMSG);
	sh->sh_flags |= SHF_ALLOC;
	sh->sh_name++;
	assert_int_equal(facts(&m, &f), -EBADMSG);
	sh->sh_name--;
	sh->sh_type = SHT_NOBITS;
	assert_int_equal(facts(&m, &f), -EBADMSG);
	sh->sh_type = SHT_PROGBITS;
	sh->sh_size--; /* the last string does not end */
	assert_int_equal(facts(&m, &f), -EBADMSG);
	sh->sh_size = 0;
	assert_int_equal(facts(&m, &f), -EBADMSG);
	sh->sh_size = m.buf.len;
	assert_int_equal(facts(&m, &f), -EBADMSG);
	sh->sh_size = UINT64_MAX;
	assert_int_equal(facts(&m, &f), -EBADMSG);
}

/* Two sections of the same name: the kernel takes one, a policy might see the other. */
static void test_decoys(void **state)
{
	struct ms_elf_facts f;
	Elf64_Shdr *sh;
	FRESH(m);

	sh = section(&m, "__versions");
	sh->sh_name = section(&m, ".modinfo")->sh_name;
	assert_int_equal(facts(&m, &f), -EBADMSG);
	sh->sh_flags &= ~(Elf64_Xword)SHF_ALLOC;
	assert_int_equal(facts(&m, &f), -EBADMSG);
	sh->sh_flags |= SHF_ALLOC;
	sh->sh_name = section(&m, ".gnu.linkonce.this_module")->sh_name;
	assert_int_equal(facts(&m, &f), -EBADMSG);
}

static void test_duplicate_tags(void **state)
{
	struct ms_elf_facts f;
	char *p;
	FRESH(m);

	/* Eleven characters that nobody needs become another tag. */
	p = in_modinfo(&m, "retpoline=Y");
	memcpy(p, "name=zz_evi", 11);
	assert_int_equal(facts(&m, &f), -EBADMSG);
	memcpy(p, "name=\0\0\0\0\0", 11); /* says nothing: not the same as the other */
	assert_int_equal(facts(&m, &f), -EBADMSG);
	memcpy(p, "vermagic=5.", 11);
	assert_int_equal(facts(&m, &f), -EBADMSG);
	/* Where no policy looks, the first one holds, as for the kernel. */
	memcpy(p, "license=BSD", 11);
	assert_int_equal(facts(&m, &f), 0);
	assert_string_equal(f.license, "GPL");
	memcpy(p, "version=9.9", 11);
	assert_int_equal(facts(&m, &f), 0);
	assert_string_equal(f.version, "1.2.3-test");
	memcpy(p, "intree=Y\0\0", 11);
	assert_int_equal(facts(&m, &f), 0);
	assert_true(f.intree);
}

static char *this_module_name(const struct module *m)
{
	return (char *)m->buf.data + section(m, ".gnu.linkonce.this_module")->sh_offset +
	       24;
}

/* The kernel loads it under the name in struct module, not the one in .modinfo. */
static void test_two_names(void **state)
{
	struct ms_elf_facts f;
	char *name;
	FRESH(m);

	name = this_module_name(&m);
	assert_string_equal(name, "ms_test");
	name[0] = 'x';
	assert_int_equal(facts(&m, &f), -EBADMSG);
	memset(name, 'm', 56); /* does not end */
	assert_int_equal(facts(&m, &f), -EBADMSG);
	memset(name, 0, 56);
	assert_int_equal(facts(&m, &f), 0);
	assert_string_equal(f.name, "ms_test");
}

static void test_name_of_old_modules(void **state)
{
	struct ms_elf_facts f;
	FRESH(m);

	memcpy(in_modinfo(&m, "name=ms_test"), "nome", 4);
	assert_int_equal(facts(&m, &f), 0);
	assert_string_equal(f.name, "ms_test");
	memset(this_module_name(&m), 0, 56);
	assert_int_equal(facts(&m, &f), 0);
	assert_string_equal(f.name, "");
}

/* A value that does not fit is refused, never cut. */
static void test_long_values(void **state)
{
	for (size_t n = MS_FACT_MAX - 2; n <= MS_FACT_MAX + 2; n++) {
		struct ms_elf_facts f;
		Elf64_Shdr *sh;
		char *p;
		FRESH(m);

		/* Point .modinfo at something larger than it was: the symbols. */
		sh = section(&m, ".modinfo");
		sh->sh_offset = section(&m, ".symtab")->sh_offset;
		sh->sh_size = 400;
		p = (char *)m.buf.data + sh->sh_offset;
		memset(p, 0, 400);
		memcpy(p, "license=", 8);
		memset(p + 8, 'G', n);
		assert_int_equal(facts(&m, &f), n < MS_FACT_MAX ? 0 : -EBADMSG);
		if (n < MS_FACT_MAX)
			assert_int_equal(strlen(f.license), n);
	}
}

static void test_build_id(void **state)
{
	struct ms_elf_facts f;
	uint8_t *note;
	Elf64_Shdr *sh;
	FRESH(m);

	sh = section(&m, ".note.gnu.build-id");
	note = m.buf.data + sh->sh_offset;
	note[4] = 21; /* beyond the section */
	assert_int_equal(facts(&m, &f), -EBADMSG);
	note[4] = 0;
	assert_int_equal(facts(&m, &f), -EBADMSG);
	note[4] = 19;
	assert_int_equal(facts(&m, &f), 0);
	assert_int_equal(f.build_id_len, 19);
	memset(note + 4, 0xff, 4);
	assert_int_equal(facts(&m, &f), -EBADMSG);
	memset(note, 0xff, 4);
	assert_int_equal(facts(&m, &f), -EBADMSG);
	note[8] = 9; /* not a build-id */
	memset(note, 0, 8);
	note[0] = 4;
	note[4] = 20;
	assert_int_equal(facts(&m, &f), 0);
	assert_int_equal(f.build_id_len, 0);
	sh->sh_size = 80; /* reaches into the notes after it and cuts the last one */
	assert_int_equal(facts(&m, &f), -EBADMSG);
}

static void test_debug_and_symbols(void **state)
{
	struct ms_elf_facts f;
	Elf64_Shdr *names;
	char *p;
	FRESH(m);

	section(&m, ".symtab")->sh_type = SHT_PROGBITS;
	names = &m.sh[m.eh->e_shstrndx];
	p = memmem(m.buf.data + names->sh_offset, names->sh_size, ".orc_unwind_ip", 15);
	assert_non_null(p);
	memcpy(p, ".debug_info", 12);
	assert_int_equal(facts(&m, &f), 0);
	assert_false(f.has_symtab);
	assert_true(f.has_debug);
}

/* Whatever byte is cut off or flipped: an answer, and no touch of memory beyond. */
static void test_damage(void **state)
{
	struct ms_elf_facts f;
	unsigned int good = 0;
	FRESH(m);

	for (size_t n = 0; n < m.buf.len; n++) {
		_cleanup_free_ uint8_t *cut = malloc(n ? n : 1);

		memcpy(cut, m.buf.data, n);
		assert_true(ms_elf_facts_read(cut, n, &f) < 0);
	}
	for (size_t i = 0; i < m.buf.len; i++) {
		m.buf.data[i] ^= 0xff;
		good += facts(&m, &f) == 0;
		m.buf.data[i] ^= 0xff;
	}
	assert_in_range(good, 1, m.buf.len - 1);
}

/* In words, not as the C library calls an errno. */
static void test_complaints(void **state)
{
	struct ms_error err = {0};

	assert_int_equal(ms_elf_facts_complain(-ENOEXEC, &err), -ENOEXEC);
	assert_string_equal(err.code, "not-a-module");
	assert_null(strstr(err.msg, "format error"));
	assert_int_equal(ms_elf_facts_complain(-EBADMSG, &err), -EBADMSG);
	assert_string_equal(err.code, "not-a-module");
	assert_null(strstr(err.msg, "Bad message"));
	assert_int_equal(ms_elf_facts_complain(-ENOMEM, &err), -ENOMEM);
	assert_string_equal(err.code, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_other_machines),
		cmocka_unit_test(test_memory_is_only_read),
		cmocka_unit_test(test_not_a_module),
		cmocka_unit_test(test_no_modinfo),
		cmocka_unit_test(test_decoys),
		cmocka_unit_test(test_duplicate_tags),
		cmocka_unit_test(test_two_names),
		cmocka_unit_test(test_name_of_old_modules),
		cmocka_unit_test(test_long_values),
		cmocka_unit_test(test_build_id),
		cmocka_unit_test(test_debug_and_symbols),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_complaints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
