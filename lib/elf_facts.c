/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/elf_facts.h"
#include <errno.h>
#include <pthread.h>
#include <gelf.h>
#include <libelf.h>

#include "lib/error.h"

/* A .modinfo that is larger than this is not one: real ones have a few KB. */
#define MODINFO_MAX (1u << 20)
#define NOTES_MAX 65536u

struct section {
	const uint8_t *p;
	size_t len;
	bool seen;
};

struct scan {
	Elf *elf;
	GElf_Ehdr ehdr;
	struct section modinfo, this_module;
	struct ms_elf_facts facts;
};

static void elf_cleanup(Elf **e)
{
	elf_end(*e);
}

static void start_libelf(void)
{
	elf_version(EV_CURRENT);
}

/* The bytes of a section as they are in the file; it has to have some. */
static int raw_bytes(Elf_Scn *scn, const GElf_Shdr *sh, size_t max, struct section *ret)
{
	Elf_Data *d;

	if (sh->sh_type == SHT_NOBITS || !sh->sh_size || sh->sh_size > max)
		return -EBADMSG;
	d = elf_rawdata(scn, NULL);
	if (!d || !d->d_buf || d->d_size != sh->sh_size)
		return -EBADMSG;
	ret->p = d->d_buf;
	ret->len = d->d_size;
	return 0;
}

/*
 * A section that the kernel looks up by name. It overlooks those without SHF_ALLOC and
 * takes one of several, so none of these may be there to be mistaken for the real one.
 */
static int unique_section(Elf_Scn *scn, const GElf_Shdr *sh, struct section *ret)
{
	if (ret->seen || !(sh->sh_flags & SHF_ALLOC))
		return -EBADMSG;
	ret->seen = true;
	return raw_bytes(scn, sh, MODINFO_MAX, ret);
}

static uint32_t get32(const struct scan *s, const uint8_t *p)
{
	uint32_t v;

	if (s->ehdr.e_ident[EI_DATA] == ELFDATA2MSB)
		v = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
		    p[3];
	else
		v = (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 |
		    p[0];
	return v;
}

static int take_build_id(struct ms_elf_facts *f, const uint8_t *id, size_t len)
{
	if (!len || len > sizeof(f->build_id))
		return -EBADMSG;
	if (f->build_id_len && (f->build_id_len != len || memcmp(f->build_id, id, len)))
		return -EBADMSG;
	memcpy(f->build_id, id, len);
	f->build_id_len = len;
	return 0;
}

/* Notes: 4-byte namesz, descsz, type; name and descriptor padded to 4 bytes (gABI, 5). */
static int scan_notes(struct scan *s, const struct section *notes)
{
	const uint8_t *p = notes->p;
	size_t left = notes->len;

	while (left >= 12) {
		uint64_t namesz = get32(s, p), descsz = get32(s, p + 4);
		uint64_t desc_at = 12 + ((namesz + 3) & ~UINT64_C(3)), next;

		if (desc_at + descsz > left)
			return -EBADMSG;
		if (get32(s, p + 8) == NT_GNU_BUILD_ID && namesz == 4 &&
		    memcmp(p + 12, "GNU", 4) == 0 &&
		    take_build_id(&s->facts, p + desc_at, (size_t)descsz) < 0)
			return -EBADMSG;
		next = desc_at + ((descsz + 3) & ~UINT64_C(3));
		if (next >= left)
			break;
		p += next;
		left -= (size_t)next;
	}
	return 0;
}

static bool starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static int scan_section(struct scan *s, Elf_Scn *scn, size_t names)
{
	struct section notes;
	const char *name;
	GElf_Shdr sh;

	if (!gelf_getshdr(scn, &sh))
		return -EBADMSG;
	name = elf_strptr(s->elf, names, sh.sh_name);
	if (!name)
		return -EBADMSG;
	if (sh.sh_type == SHT_SYMTAB)
		s->facts.has_symtab = true;
	if (starts_with(name, ".debug_") || starts_with(name, ".zdebug_"))
		s->facts.has_debug = true;
	if (strcmp(name, ".modinfo") == 0)
		return unique_section(scn, &sh, &s->modinfo);
	if (strcmp(name, ".gnu.linkonce.this_module") == 0)
		return unique_section(scn, &sh, &s->this_module);
	if (sh.sh_type == SHT_NOTE && starts_with(name, ".note.gnu.build-id")) {
		int rc = raw_bytes(scn, &sh, NOTES_MAX, &notes);

		return rc < 0 ? rc : scan_notes(s, &notes);
	}
	return 0;
}

static int scan_sections(struct scan *s)
{
	Elf_Scn *scn = NULL;
	size_t names;

	if (elf_getshdrstrndx(s->elf, &names) < 0)
		return -EBADMSG;
	while ((scn = elf_nextscn(s->elf, scn))) {
		int rc = scan_section(s, scn, names);

		if (rc < 0)
			return rc;
	}
	return s->modinfo.seen ? 0 : -EBADMSG;
}

/*
 * struct fact - a tag of .modinfo and where its value goes
 * @strict: two different values are an error: a policy decides on this one. Otherwise the
 *          first one holds, as for the kernel.
 */
struct fact {
	const char *tag;
	size_t at;
	bool strict;
};

#define FACT(field) offsetof(struct ms_elf_facts, field)

static int take_fact(struct ms_elf_facts *f, const struct fact *fact, bool *seen,
		     const char *value, size_t len)
{
	char *dst = (char *)f + fact->at;

	if (*seen)
		return fact->strict && strcmp(dst, value) != 0 ? -EBADMSG : 0;
	if (len >= MS_FACT_MAX)
		return -EBADMSG;
	memcpy(dst, value, len + 1);
	*seen = true;
	return 0;
}

/* .modinfo is a run of "tag=value" strings, any number of NULs after each. */
static int read_modinfo(struct scan *s)
{
	static const struct fact known[] = {
		{"name", FACT(name), true},
		{"vermagic", FACT(vermagic), true},
		{"srcversion", FACT(srcversion), false},
		{"version", FACT(version), false},
		{"license", FACT(license), false},
	};
	bool seen[ARRAY_SIZE(known)] = {false};
	const char *p = (const char *)s->modinfo.p, *end = p + s->modinfo.len;

	/* Every string ends inside the section. */
	if (end[-1])
		return -EBADMSG;
	for (size_t len; p < end; p += len + 1) {
		const char *eq;

		len = strlen(p);
		eq = memchr(p, '=', len);
		if (!eq)
			continue;
		if (strcmp(p, "intree=Y") == 0)
			s->facts.intree = true;
		for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
			size_t n = strlen(known[i].tag);

			if ((size_t)(eq - p) == n && memcmp(p, known[i].tag, n) == 0 &&
			    take_fact(&s->facts, &known[i], &seen[i], eq + 1,
				      len - n - 1) < 0)
				return -EBADMSG;
		}
	}
	return 0;
}

/*
 * The name under which the kernel would load it: struct module starts with an enum, a
 * list_head and the name. What .modinfo says is not allowed to differ from it.
 */
static int read_this_module(struct scan *s)
{
	bool is64 = s->ehdr.e_ident[EI_CLASS] == ELFCLASS64;
	size_t at = is64 ? 24 : 12, size = is64 ? 56 : 60, len;
	const char *name;

	if (!s->this_module.seen || s->this_module.len < at + size)
		return 0;
	name = (const char *)s->this_module.p + at;
	len = strnlen(name, size);
	if (!len)
		return 0;
	if (len == size)
		return -EBADMSG;
	if (s->facts.name[0])
		return strcmp(s->facts.name, name) == 0 ? 0 : -EBADMSG;
	memcpy(s->facts.name, name, len + 1);
	return 0;
}

static void set_release(struct ms_elf_facts *f)
{
	size_t n = strcspn(f->vermagic, " ");

	memcpy(f->release, f->vermagic, n);
	f->release[n] = '\0';
}

int ms_elf_facts_read(const uint8_t *mod, size_t len, struct ms_elf_facts *ret)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	_cleanup_(elf_cleanup) Elf *elf = NULL;
	struct scan s = {.elf = NULL};
	int rc;

	if (len < EI_NIDENT || memcmp(mod, ELFMAG, SELFMAG))
		return -ENOEXEC;
	pthread_once(&once, start_libelf);
	/* libelf asks for char *, but only reads what it was given this way. */
	errno = 0;
	elf = elf_memory((char *)(uintptr_t)mod, len);
	if (!elf)
		return errno == ENOMEM ? -ENOMEM : -EBADMSG;
	if (elf_kind(elf) != ELF_K_ELF)
		return -ENOEXEC;
	s.elf = elf;
	if (!gelf_getehdr(elf, &s.ehdr))
		return -EBADMSG;
	if (s.ehdr.e_type != ET_REL)
		return -ENOEXEC;
	s.facts.machine = s.ehdr.e_machine;
	rc = scan_sections(&s);
	if (rc == 0)
		rc = read_modinfo(&s);
	if (rc == 0)
		rc = read_this_module(&s);
	if (rc < 0)
		return rc;
	set_release(&s.facts);
	*ret = s.facts;
	return 0;
}

int ms_elf_facts_complain(int r, struct ms_error *err)
{
	if (r == -ENOEXEC)
		return ms_error_set(
			err, r, "not-a-module",
			"it is not a kernel module (no ELF relocatable file)");
	if (r == -EBADMSG)
		return ms_error_set(
			err, r, "not-a-module",
			"it is not a kernel module, or a damaged one: the ELF file or "
			"what a module says of itself (.modinfo) cannot be read: get or "
			"build it anew");
	return ms_error_set(err, r, NULL, "the module cannot be read: %s",
			    ms_strerror(r));
}
