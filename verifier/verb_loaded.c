/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "lib/escape.h"
#include "verifier/efi_vars.h"
#include "verifier/kernel_keys.h"
#include "verifier/kernel_tree.h"
#include "verifier/loaded.h"
#include "verifier/session.h"
#include "verifier/system_state.h"

static const char *known(enum ms_known k)
{
	const char *name = ms_known_name(k);

	return name ? name : "not known";
}

static void print_state(const struct ms_options *o, const char *release,
			const struct ms_system_state *s, const struct ms_loaded *l)
{
	char shown[512];

	if (o->format != MS_FORMAT_TABLE || o->quiet)
		return;
	printf("kernel %s: sig_enforce %s, lockdown %s, Secure Boot %s%s\n",
	       ms_escape_str(release, shown, sizeof(shown)), known(s->sig_enforce),
	       known(s->lockdown), known(s->secure_boot),
	       l->has_proc ? "" : "; there is no /proc/modules to compare with");
}

/* All of a file of /proc, whose size is not known before. Return: 0 or -ENODATA */
static int read_proc(const char *path, char **ret, size_t *ret_len)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	_cleanup_free_ char *text = malloc(MS_PROC_KEYS_MAX);
	size_t n = f && text ? fread(text, 1, MS_PROC_KEYS_MAX, f) : 0;

	if (!n)
		return -ENODATA;
	*ret = TAKE_PTR(text);
	*ret_len = n;
	return 0;
}

static int append(struct ms_results *r, struct ms_result *one)
{
	struct ms_result *more = realloc(r->v, (r->n + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	r->v = more;
	more[r->n++] = *one;
	*one = (struct ms_result){0};
	ms_results_count(r);
	return 0;
}

/* The keys that the running kernel has; not root, and it does not show them. */
static int check_keys(const struct ms_options *o, struct ms_results *results)
{
	_cleanup_free_ char *path = NULL, *dir = NULL, *text = NULL;
	_cleanup_anchors_ struct ms_anchors firmware = {0};
	_cleanup_(ms_revocations_clear) struct ms_revocations none = {0};
	_cleanup_result_ struct ms_result r = {0};
	struct ms_error err = {0};
	struct ms_efi_vars v;
	size_t len, n = 0;
	int rc;

	if (asprintf(&path, "%s/proc/keys", o->root) < 0 ||
	    asprintf(&dir, "%s" MS_EFIVARS, o->root) < 0)
		return -ENOMEM;
	if (read_proc(path, &text, &len))
		return 0;
	rc = ms_efi_vars_load(o->efivars ? o->efivars : dir, &firmware, false, &none, &v,
			      &err);
	if (rc == -ENOMEM)
		return rc;
	rc = ms_kernel_keys_compare(text, len, path, &o->anchors, &firmware, &r, &n);
	if (rc)
		return rc;
	r.kernel.enforce = o->q.enforce;
	return r.policy.n_findings ? append(results, &r) : 0;
}

static int check(const struct ms_options *o, const char *release,
		 const struct ms_loaded *l, struct ms_session *s)
{
	struct ms_results joined = {0};
	char dir[MS_PATH_MAX];
	size_t n;
	int rc = 0;

	if (!ms_kernel_modules_dir(o->root, release, dir, sizeof(dir)))
		rc = ms_filelist_add_tree(&s->files, o->root, dir, &n);
	if (rc)
		return rc;
	ms_loaded_keep(l, &s->files);
	rc = ms_session_run(s, o);
	if (!rc)
		rc = ms_loaded_join(l, &s->results, &joined);
	if (!rc)
		s->results = joined;
	if (!rc)
		rc = check_keys(o, &s->results);
	return rc;
}

static int run(struct ms_options *o, const char *release, const struct ms_loaded *l)
{
	struct ms_machine machine = {.release = release};
	struct ms_session s;
	int rc, status;

	ms_system_state_read(o->root, &machine.state);
	o->machine = &machine;
	if (!o->q.profile)
		ms_options_ask_about(o, release);
	if (!o->enforce_given)
		o->q.enforce = ms_system_state_enforce(&machine.state);
	ms_session_init(&s);
	rc = check(o, release, l, &s);
	if (!rc)
		print_state(o, release, &machine.state, l);
	/* A kernel without loaded modules is as good as it gets. */
	if (!rc && !l->n && !s.results.n) {
		ms_complain("loaded: no modules are loaded");
		status = MS_EXIT_GOOD;
		/* Programs get a whole document that says so. */
		if (o->format != MS_FORMAT_TABLE &&
		    ms_session_report(&s, o) == MS_EXIT_FINDINGS)
			status = MS_EXIT_FINDINGS;
	} else {
		status = rc ? ms_session_failed(rc) : ms_session_report(&s, o);
	}
	ms_session_clear(&s);
	o->machine = NULL;
	return status;
}

int ms_verb_loaded(struct ms_options *o)
{
	struct ms_loaded l = {0};
	char release[256];
	int status, rc;

	if (o->n_args) {
		ms_complain("loaded takes no operands");
		return MS_EXIT_USAGE;
	}
	if (ms_kernel_running(o->root, release, sizeof(release))) {
		ms_complain("loaded: cannot tell which kernel runs");
		return MS_EXIT_UNCHECKED;
	}
	rc = ms_loaded_read(o->root, &l);
	if (rc == -ENOENT) {
		ms_complain("loaded: neither /sys/module nor /proc/modules is there");
		return MS_EXIT_UNCHECKED;
	}
	if (rc)
		return ms_session_failed(rc);
	status = ms_kernel_trust(o, release);
	if (status < 0)
		status = run(o, release, &l);
	ms_loaded_clear(&l);
	return status;
}
