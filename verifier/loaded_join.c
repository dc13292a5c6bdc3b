/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loaded modules and their files. */
#include <errno.h>
#include <sys/stat.h>
#include "lib/escape.h"
#include "verifier/loaded.h"

/* The name that the kernel has for a file: foo-bar.ko.xz is foo_bar. */
static void name_of(const char *path, char *dst, size_t size)
{
	const char *base = strrchr(path, '/'), *end;
	size_t n;

	base = base ? base + 1 : path;
	end = strstr(base, ".ko");
	n = end ? (size_t)(end - base) : strlen(base);
	n = MS_MIN(n, size - 1);
	for (size_t i = 0; i < n; i++)
		dst[i] = base[i] == '-' ? '_' : base[i];
	dst[n] = 0;
}

void ms_loaded_keep(const struct ms_loaded *l, struct ms_filelist *files)
{
	size_t kept = 0;

	for (size_t i = 0; i < files->n; i++) {
		char name[256];

		name_of(files->v[i].path, name, sizeof(name));
		if (files->v[i].error || ms_loaded_find(l, name))
			files->v[kept++] = files->v[i];
		else
			ms_entry_clear(&files->v[i]);
	}
	files->n = kept;
}

/* The file that was loaded: same name and build-id; else any of that name. */
static struct ms_result *file_of(const struct ms_loaded_module *m,
				 struct ms_results *files, bool *ret_same)
{
	struct ms_result *other = NULL;

	for (size_t i = 0; i < files->n; i++) {
		struct ms_result *r = &files->v[i];

		if (!r->path || !r->name || strcmp(r->name, m->name))
			continue;
		*ret_same =
			*m->build_id && r->build_id && !strcmp(r->build_id, m->build_id);
		if (*ret_same)
			return r;
		other = other ? other : r;
	}
	return other;
}

static int taint_findings(const struct ms_loaded_module *m, struct ms_result *r)
{
	/* kernel/panic.c, taint_flags[]: those that a module may have. */
	static const struct {
		char letter;
		enum ms_finding_code code;
		const char *says;
	} taints[] = {
		{'E', MS_FINDING_LOADED_UNVERIFIED,
		 "the kernel loaded it without a signature that it could verify"},
		{'F', MS_FINDING_LOADED_FORCED, "it was loaded by force"},
		{'O', MS_FINDING_LOADED_TAINT, "it is not part of the kernel's tree"},
		{'P', MS_FINDING_LOADED_TAINT, "its licence is proprietary"},
		{'C', MS_FINDING_LOADED_TAINT, "it is a staging driver"},
		{'K', MS_FINDING_LOADED_TAINT, "it patches the kernel live"},
		{'X', MS_FINDING_LOADED_TAINT, "its distribution marks it as auxiliary"},
		{'T', MS_FINDING_LOADED_TAINT, "it was built with randomised structures"},
		{'N', MS_FINDING_LOADED_TAINT, "it is a test"},
	};
	char known[ARRAY_SIZE(taints) + 1] = "";
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(taints) && !rc; i++) {
		known[i] = taints[i].letter;
		if (strchr(m->taints, taints[i].letter))
			rc = ms_result_amend(r, taints[i].code, "taint %c: %s",
					     taints[i].letter, taints[i].says);
	}
	for (const char *p = m->taints; *p && !rc; p++)
		if (!strchr(known, *p))
			rc = ms_result_amend(r, MS_FINDING_LOADED_TAINT,
					     "taint %c, which is not known here", *p);
	return rc;
}

static int no_file(const struct ms_loaded_module *m, struct ms_result *r)
{
	*r = (struct ms_result){.name = strdup(m->name)};
	if (!r->name || asprintf(&r->path, "/sys/module/%s", m->name) < 0)
		return -ENOMEM;
	if (*m->build_id) {
		r->build_id = strdup(m->build_id);
		if (!r->build_id)
			return -ENOMEM;
	}
	/* It was looked for, and this is what came out. */
	r->policy.verdict = MS_POLICY_FINDINGS;
	return ms_result_amend(
		r, MS_FINDING_LOADED_NO_FILE,
		"it is loaded, and there is no file of it in /lib/modules: it came from "
		"elsewhere (an initramfs, say), or the file was removed");
}

/*
 * The folder's time is when the kernel first showed it to somebody, at the earliest when
 * the module was loaded: what has changed after that was not loaded.
 */
static int file_is_newer(const struct ms_loaded_module *m, struct ms_result *r)
{
	struct stat st;

	if (!m->seen || stat(r->path, &st) || st.st_ctim.tv_sec <= m->seen)
		return 0;
	return ms_result_amend(r, MS_FINDING_LOADED_NEWER_FILE,
			       "the file was written or replaced after it was loaded");
}

static int with_file(const struct ms_loaded_module *m, bool same, struct ms_result *file,
		     struct ms_result *r)
{
	*r = *file;
	*file = (struct ms_result){0};
	if (same)
		return file_is_newer(m, r);
	if (!*m->build_id || !r->build_id)
		return ms_result_amend(r, MS_FINDING_LOADED_UNIDENTIFIED,
				       "there is no build-id that says that this file is "
				       "what was loaded");
	return ms_result_amend(r, MS_FINDING_LOADED_OTHER,
			       "what is loaded has the build-id %s, and the file has %s",
			       m->build_id, r->build_id);
}

static int join_one(const struct ms_loaded *l, const struct ms_loaded_module *m,
		    struct ms_results *files, struct ms_result *r)
{
	bool same = false;
	struct ms_result *file = file_of(m, files, &same);
	int rc = file ? with_file(m, same, file, r) : no_file(m, r);

	if (!rc && l->has_proc && m->in_sys != m->in_proc)
		rc = ms_result_amend(r, MS_FINDING_LOADED_HIDDEN,
				     "only %s knows that it is loaded",
				     m->in_sys ? "/sys/module" : "/proc/modules");
	return rc ? rc : taint_findings(m, r);
}

int ms_loaded_join(const struct ms_loaded *l, struct ms_results *files,
		   struct ms_results *ret)
{
	struct ms_results out = {0};
	int rc = 0;

	out.v = calloc(l->n ? l->n : 1, sizeof(*out.v));
	if (!out.v)
		return -ENOMEM;
	for (size_t i = 0; i < l->n && !rc; i++) {
		rc = join_one(l, &l->v[i], files, &out.v[i]);
		out.n++;
	}
	if (rc) {
		ms_results_clear(&out);
		return rc;
	}
	ms_results_clear(files);
	ms_results_count(&out);
	*ret = out;
	return 0;
}
