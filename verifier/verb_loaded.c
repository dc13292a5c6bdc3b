/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "lib/escape.h"
#include "verifier/kernel_tree.h"
#include "verifier/loaded.h"
#include "verifier/session.h"
#include "verifier/system_state.h"

static const char *known(enum ms_known k)
{
	return k == MS_YES ? "on" : k == MS_NO ? "off" : "not known";
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

static int check(const struct ms_options *o, const char *release,
		 const struct ms_loaded *l, struct ms_session *s)
{
	struct ms_results joined = {0};
	char dir[MS_PATH_MAX];
	size_t n;
	int rc = 0;

	if (!ms_kernel_modules_dir(o->root, release, dir, sizeof(dir)))
		rc = ms_filelist_add(&s->files, dir, &n);
	if (rc)
		return rc;
	ms_loaded_keep(l, &s->files);
	rc = ms_session_run(s, o);
	if (!rc)
		rc = ms_loaded_join(l, &s->results, &joined);
	if (!rc)
		s->results = joined;
	return rc;
}

static int run(struct ms_options *o, const char *release, const struct ms_loaded *l)
{
	struct ms_system_state state;
	struct ms_session s;
	int rc, status;

	ms_system_state_read(o->root, &state);
	if (!o->q.profile)
		o->q.profile = ms_kernel_profile_find(release);
	if (!o->enforce_given)
		o->q.enforce = ms_system_state_enforce(&state);
	ms_session_init(&s);
	rc = check(o, release, l, &s);
	if (!rc)
		print_state(o, release, &state, l);
	/* A kernel without loaded modules is as good as it gets. */
	if (!rc && !l->n) {
		ms_complain("loaded: no modules are loaded");
		status = MS_EXIT_GOOD;
	} else {
		status = rc ? ms_session_failed(rc) : ms_session_report(&s, o);
	}
	ms_session_clear(&s);
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
