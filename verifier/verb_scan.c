/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <sys/utsname.h>
#include "lib/escape.h"
#include "verifier/kernel_tree.h"
#include "verifier/session.h"
#include "verifier/system_state.h"
#include "verifier/tree_findings.h"

static int is_release(const struct dirent *de)
{
	return de->d_name[0] >= '0' && de->d_name[0] <= '9';
}

/* The one kernel of a mounted system. */
static int only_release(const char *root, char *ret, size_t size)
{
	struct dirent **names = NULL;
	char dir[MS_PATH_MAX];
	int n, rc;

	rc = ms_kernel_modules_dir(root, "", dir, sizeof(dir));
	if (rc)
		return rc;
	n = scandir(dir, &names, is_release, alphasort);
	if (n < 0)
		return -errno;
	rc = n == 1 ? 0 : n ? -E2BIG : -ENOENT;
	if (!rc)
		snprintf(ret, size, "%s", names[0]->d_name);
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return rc;
}

static int choose_release(const struct ms_options *o, char *ret, size_t size)
{
	struct utsname u;
	int rc;

	if (o->n_args > 1 ||
	    (o->n_args && (strchr(o->args[0], '/') || *o->args[0] == '.' ||
			   !*o->args[0] || strlen(o->args[0]) >= size))) {
		ms_complain("scan: name one kernel release, say 6.1.0-56-amd64");
		return MS_EXIT_USAGE;
	}
	if (o->n_args) {
		memcpy(ret, o->args[0], strlen(o->args[0]) + 1);
		return -1;
	}
	if (!*o->root) {
		snprintf(ret, size, "%s", uname(&u) ? "" : u.release);
		return -1;
	}
	rc = only_release(o->root, ret, size);
	if (!rc)
		return -1;
	if (rc == -E2BIG) {
		ms_complain("scan: several kernels below --root: name the release");
		return MS_EXIT_USAGE;
	}
	ms_complain("scan: no kernel's modules below --root: is it mounted there?");
	return MS_EXIT_UNCHECKED;
}

static void ask_about(struct ms_options *o, const char *release)
{
	struct ms_system_state state;
	struct utsname u;

	if (!o->q.profile)
		ms_options_ask_about(o, release);
	if (o->enforce_given || *o->root || uname(&u) || strcmp(u.release, release))
		return;
	ms_system_state_read("", &state);
	o->q.enforce = ms_system_state_enforce(&state);
}

int ms_verb_scan(struct ms_options *o)
{
	char release[256], dir[MS_PATH_MAX], shown[512];
	struct ms_session s;
	size_t n = 0;
	int status, rc;

	status = choose_release(o, release, sizeof(release));
	if (status >= 0)
		return status;
	ms_escape_str(release, shown, sizeof(shown));
	if (ms_kernel_modules_dir(o->root, release, dir, sizeof(dir))) {
		ms_complain("scan: no modules of kernel %s: is it installed?", shown);
		return MS_EXIT_UNCHECKED;
	}
	status = ms_kernel_trust(o, release);
	if (status >= 0)
		return status;
	ask_about(o, release);
	ms_session_init(&s);
	rc = ms_filelist_add_tree(&s.files, o->root, dir, &n);
	if (!rc)
		rc = ms_tree_list_outside(&s.files, o->root, dir, release);
	if (!rc)
		rc = ms_session_run(&s, o);
	if (!rc)
		rc = ms_tree_find(&s.results, o->root, dir, release);
	if (!rc && !n)
		ms_complain("scan: no module of kernel %s", shown);
	status = rc ? ms_session_failed(rc) : ms_session_report(&s, o);
	ms_session_clear(&s);
	return status;
}
