/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "lib/error.h"
#include "lib/escape.h"
#include "verifier/session.h"

void ms_session_init(struct ms_session *s)
{
	*s = (struct ms_session){.files = {0}};
	ms_caches_init(&s->caches);
}

void ms_session_clear(struct ms_session *s)
{
	ms_results_clear(&s->results);
	ms_filelist_clear(&s->files);
	ms_caches_clear(&s->caches);
	ms_cache_clear(&s->cache);
}

int ms_session_failed(int rc)
{
	if (rc != -ECANCELED)
		ms_complain("could not finish: %s", ms_strerror(rc));
	return MS_EXIT_UNCHECKED;
}

static int run(struct ms_session *s, const struct ms_options *o, struct ms_cache *cache)
{
	return ms_run(&o->q, &s->caches, cache, &s->files, o->threads,
		      !o->quiet && isatty(STDERR_FILENO), &s->results);
}

int ms_session_run(struct ms_session *s, const struct ms_options *o)
{
	struct ms_error err = {0};
	int rc;

	ms_filelist_sort(&s->files);
	if (!o->cache)
		return run(s, o, NULL);
	rc = ms_cache_load(o->cache, &o->q, &s->cache, &err);
	if (!rc)
		rc = run(s, o, &s->cache);
	if (!rc)
		rc = ms_cache_save(&s->cache, o->cache, &o->q, &s->results, &err);
	if (!rc || !*err.msg)
		return rc;
	ms_complain("%s", err.msg);
	return -ECANCELED;
}

int ms_session_report(struct ms_session *s, const struct ms_options *o)
{
	const struct ms_report r = {
		.anchors = &o->anchors,
		.results = &s->results,
		.machine = o->machine,
		.all = o->all,
		.failed_only = o->failed_only,
		.color = isatty(STDOUT_FILENO) && !getenv("NO_COLOR"),
	};
	int rc, status;

	ms_severities_apply(&o->severities, &s->results);
	rc = o->quiet ? 0 : ms_report_print(o->format, &r, stdout);
	status = rc ? ms_session_failed(rc) : ms_results_exit(&s->results);
	return ms_session_expired(o, status);
}

int ms_session_expired(const struct ms_options *o, int status)
{
	char shown[512];

	if (!o->revocations.expired)
		return status;
	ms_complain("revocation list %s has expired: get a newer one",
		    ms_escape_str(o->revocations.expired, shown, sizeof(shown)));
	return status ? status : MS_EXIT_FINDINGS;
}
