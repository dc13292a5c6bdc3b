/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include "lib/error.h"
#include "verifier/cache.h"
#include "verifier/check_archive.h"
#include "verifier/parallel.h"
#include "verifier/run.h"

/* No progress line for what is over before anyone could read it. */
#define PROGRESS_AFTER_MS 300
#define PROGRESS_EVERY_MS 100

struct job {
	const struct ms_filelist *tree;
	struct ms_checker *checkers;
	struct ms_cache *cache;
	struct ms_results *results, *inside;
	pthread_mutex_t large;
	int64_t next_line_ms;
	bool drawn;
};

void ms_results_clear(struct ms_results *r)
{
	for (size_t i = 0; i < r->n; i++)
		ms_result_clear(&r->v[i]);
	free(r->v);
	*r = (struct ms_results){0};
}

int ms_results_exit(const struct ms_results *r)
{
	if (r->unchecked || !r->n)
		return 3;
	return r->findings ? 1 : 0;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void draw(void *arg, size_t done)
{
	struct job *job = arg;
	int64_t now = now_ms();

	if (now < job->next_line_ms)
		return;
	fprintf(stderr, "\r%zu of %zu modules checked", done, job->tree->n);
	job->next_line_ms = now + PROGRESS_EVERY_MS;
	job->drawn = true;
}

static int not_listed(const struct ms_question *q, const struct ms_entry *e,
		      struct ms_result *r)
{
	int rc;

	r->kernel.enforce = q->enforce;
	r->path = strdup(e->path);
	if (!r->path)
		return -ENOMEM;
	rc = ms_result_add(r, MS_FINDING_UNREADABLE, "it cannot be listed or opened: %s",
			   ms_strerror(e->error));
	ms_result_settle(r, false);
	return rc;
}

/* What takes much memory is done by one thread at a time, and its memory given back. */
static int check_file(struct ms_checker *c, const struct ms_entry *e,
		      struct ms_result *ret)
{
	const char *path = ms_entry_open_path(e);
	size_t len = strlen(path);
	bool plain = len > 3 && !strcmp(path + len - 3, ".ko");
	struct stat st;
	int rc;

	if (!stat(path, &st) &&
	    st.st_size > (plain ? MS_MODULE_LARGE : MS_MODULE_LARGE / MS_INFLATE_RATIO))
		ms_checker_large(c);
	rc = ms_check_file(c, AT_FDCWD, path, e->path, ret);
	ms_checker_rest(c);
	return rc;
}

static int check_entry(void *arg, unsigned int thread, size_t i)
{
	struct job *job = arg;
	const struct ms_entry *e = &job->tree->v[i];
	struct ms_checker *c = &job->checkers[thread];

	if (e->error)
		return not_listed(c->q, e, &job->results->v[i]);
	if (job->cache && !ms_cache_take(job->cache, e, &job->results->v[i]))
		return 0;
	if (e->named && !ms_filelist_is_module_name(e->path)) {
		int rc = ms_check_archive(c, e->path, &job->inside[i]);

		if (rc != -ENOMSG)
			return rc;
	}
	return check_file(c, e, &job->results->v[i]);
}

void ms_results_count(struct ms_results *r)
{
	r->trusted = r->findings = r->unchecked = 0;
	for (size_t i = 0; i < r->n; i++) {
		switch (r->v[i].policy.verdict) {
		case MS_POLICY_TRUSTED:
			r->trusted++;
			break;
		case MS_POLICY_FINDINGS:
			r->findings++;
			break;
		case MS_POLICY_UNCHECKED:
			r->unchecked++;
			break;
		}
	}
}

/* What was in archives takes the archives' places. */
static int flatten(struct ms_results *r, struct ms_results *inside)
{
	struct ms_result *v;
	size_t n = 0, k = 0;

	for (size_t i = 0; i < r->n; i++)
		n += inside[i].v ? inside[i].n : 1;
	v = calloc(n ? n : 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < r->n; i++) {
		if (!inside[i].v) {
			v[k++] = r->v[i];
			continue;
		}
		memcpy(v + k, inside[i].v, inside[i].n * sizeof(*v));
		k += inside[i].n;
		free(inside[i].v);
		inside[i] = (struct ms_results){0};
	}
	free(r->v);
	r->v = v;
	r->n = k;
	return 0;
}

int ms_run(const struct ms_question *q, struct ms_caches *caches, struct ms_cache *cache,
	   const struct ms_filelist *t, unsigned int threads, bool progress,
	   struct ms_results *ret)
{
	_cleanup_results_ struct ms_results results = {0};
	_cleanup_free_ struct ms_checker *checkers = calloc(threads, sizeof(*checkers));
	_cleanup_free_ struct ms_results *inside = NULL;
	struct job job = {.tree = t,
			  .results = &results,
			  .cache = cache,
			  .large = PTHREAD_MUTEX_INITIALIZER};
	struct ms_parallel pool = {
		.threads = threads,
		.n = t->n,
		.arg = &job,
		.work = check_entry,
		.tick = progress ? draw : NULL,
	};
	int rc;

	results.v = calloc(t->n ? t->n : 1, sizeof(*results.v));
	inside = calloc(t->n ? t->n : 1, sizeof(*inside));
	if (!checkers || !results.v || !inside)
		return -ENOMEM;
	results.n = t->n;
	for (unsigned int i = 0; i < threads; i++)
		checkers[i] = (struct ms_checker){
			.q = q, .caches = caches, .large = &job.large};
	job.checkers = checkers;
	job.inside = inside;
	job.next_line_ms = now_ms() + PROGRESS_AFTER_MS;
	rc = ms_parallel_run(&pool);
	if (job.drawn)
		fputs("\r\033[K", stderr);
	for (unsigned int i = 0; i < threads; i++)
		ms_checker_clear(&checkers[i]);
	if (!rc)
		rc = flatten(&results, inside);
	for (size_t i = 0; i < t->n; i++)
		ms_results_clear(&inside[i]);
	if (rc)
		return rc;
	ms_results_count(&results);
	*ret = results;
	results = (struct ms_results){0};
	return 0;
}
