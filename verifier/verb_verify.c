/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/escape.h"
#include "verifier/session.h"

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
	*ret_empty = empty;
	return 0;
}

int ms_verb_verify(struct ms_options *o)
{
	struct ms_session s;
	bool empty = false;
	int rc, status;

	if (!o->n_args) {
		ms_complain("nothing to verify: name files or directories");
		return MS_EXIT_USAGE;
	}
	status = ms_options_trust(o);
	if (status >= 0)
		return status;
	ms_session_init(&s);
	rc = list_files(o, &s.files, &empty);
	if (!rc)
		rc = ms_session_run(&s, o);
	status = rc ? ms_session_failed(rc) : ms_session_report(&s, o);
	ms_session_clear(&s);
	return empty ? MS_EXIT_UNCHECKED : status;
}
