/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/stats.h"

#include <errno.h>
#include <sys/mman.h>
#include <time.h>

const uint64_t ms_stats_bounds[MS_STATS_BUCKETS] = {
	500,	1000,	2500,	5000,	 10000,	  25000,   50000,
	100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000};

static struct ms_stats own;
static struct ms_stats *page = &own;

const char *ms_stats_process_name(enum ms_process p)
{
	static const char *const names[MS_PROCESSES] = {"supervisor", "front", "key",
							"tpm"};

	return (unsigned int)p < MS_PROCESSES ? names[p] : "unknown";
}

const char *ms_stats_failure_name(enum ms_tpm_failure f)
{
	static const char *const names[MS_TPM_FAILURES] = {"timeout",	"gone", "locked",
							   "other-tpm", "auth", "error"};

	return (unsigned int)f < MS_TPM_FAILURES ? names[f] : "unknown";
}

const char *ms_alert_name(enum ms_alert_kind k)
{
	static const char *const names[MS_ALERT_KINDS] = {
		"refused", "outside-hours", "key-expiry", "log", "tpm", "process"};

	return (unsigned int)k < MS_ALERT_KINDS ? names[k] : NULL;
}

const char *ms_alert_fate_name(enum ms_alert_fate f)
{
	static const char *const names[MS_ALERT_FATES] = {"raised", "repeated", "done",
							  "failed", "killed"};

	return (unsigned int)f < MS_ALERT_FATES ? names[f] : "unknown";
}

int ms_stats_share(void)
{
	void *p = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	page = p;
	return 0;
}

struct ms_stats *ms_stats(void)
{
	return page;
}

void ms_stats_took(struct ms_histogram *h, uint64_t us)
{
	size_t i = 0;

	while (i < MS_STATS_BUCKETS && us > ms_stats_bounds[i])
		i++;
	h->bucket[i]++;
	h->sum_us += us;
}

static enum ms_tpm_failure failure_of(int rc)
{
	switch (-rc) {
	case ETIMEDOUT:
		return MS_TPM_TIMEOUT;
	case ENODEV:
		return MS_TPM_GONE;
	case EAGAIN:
		return MS_TPM_LOCKED;
	case ESTALE:
		return MS_TPM_OTHER_TPM;
	case EPERM:
	case EACCES:
		return MS_TPM_AUTH;
	default:
		return MS_TPM_ERROR;
	}
}

void ms_stats_tpm(int rc, uint64_t us)
{
	ms_stats_took(&page->tpm, us);
	if (rc < 0)
		page->tpm_failures[failure_of(rc)]++;
	/* One that refuses is there, too. */
	if (rc == 0 || rc == -EPERM || rc == -EACCES)
		page->tpm_ok_s = time(NULL);
}

void ms_stats_commit(int rc, uint64_t n, uint64_t us)
{
	ms_stats_took(&page->commit, us);
	if (rc < 0) {
		page->commit_failures++;
		return;
	}
	page->commits++;
	page->records += n;
}

uint64_t ms_stats_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}
