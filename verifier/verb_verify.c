/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "lib/error.h"
#include "lib/escape.h"
#include "verifier/options.h"
#include "verifier/run.h"

static int failed(int rc)
{
	ms_complain("could not finish: %s", ms_strerror(rc));
	return MS_EXIT_UNCHECKED;
}

static int list_files(const struct ms_options *o, struct ms_filelist *t, bool *ret_empty)
{
	bool empty = false;

	for (int i = 0; i < o->n_args; i++) {
		char shown[512];
		size_t n;
		int rc = ms_filelist_add(t, o->args[i], &n);

		if (rc)
			return rc;
		if (n)
			continue;
		ms_complain("%s: no kernel module below it",
			    ms_escape_str(o->args[i], shown, sizeof(shown)));
		empty = true;
	}
	ms_filelist_sort(t);
	*ret_empty = empty;
	return 0;
}

static int report(const struct ms_options *o, const struct ms_results *results)
{
	const struct ms_report r = {
		.anchors = &o->anchors,
		.results = results,
		.all = o->all,
		.failed_only = o->failed_only,
		.color = isatty(STDOUT_FILENO) && !getenv("NO_COLOR"),
	};

	return o->quiet ? 0 : ms_report_print(o->format, &r, stdout);
}

int ms_verb_verify(struct ms_options *o)
{
	_cleanup_filelist_ struct ms_filelist tree = {0};
	_cleanup_results_ struct ms_results results = {0};
	struct ms_caches caches;
	bool empty = false;
	int rc, status;

	rc = list_files(o, &tree, &empty);
	if (rc)
		return failed(rc);
	ms_caches_init(&caches);
	rc = ms_run(&o->q, &caches, &tree, o->threads, !o->quiet && isatty(STDERR_FILENO),
		    &results);
	if (!rc)
		rc = report(o, &results);
	status = rc ? failed(rc) : ms_results_exit(&results);
	ms_caches_clear(&caches);
	return empty ? MS_EXIT_UNCHECKED : status;
}
