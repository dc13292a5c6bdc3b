/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Figures that the processes of the agent share: counted where something happens, read by
 * the front for /metrics and alerts. One page of shared memory with atomic counters; no
 * process decides anything security depends on by what it reads there.
 */
#ifndef MS_AGENT_STATS_H
#define MS_AGENT_STATS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define MS_STATS_BUCKETS 14u

/**
 * struct ms_histogram - how long something took
 * @bucket: not cumulative; ms_stats_bounds[] has the upper ends, the last one has none
 */
struct ms_histogram {
	_Atomic uint64_t bucket[MS_STATS_BUCKETS + 1], sum_us;
};

/** ms_stats_bounds - upper ends of the buckets in microseconds */
extern const uint64_t ms_stats_bounds[MS_STATS_BUCKETS];

/* Which processes there are; ms_stats_process_name(). */
enum ms_process {
	MS_PROCESS_SUPERVISOR,
	MS_PROCESS_FRONT,
	MS_PROCESS_KEY,
	MS_PROCESS_TPM,
	MS_PROCESSES,
};
const char *ms_stats_process_name(enum ms_process p);

/* How a TPM operation can fail. */
enum ms_tpm_failure {
	MS_TPM_TIMEOUT,	  /* no answer within the deadline: the worker is replaced */
	MS_TPM_GONE,	  /* no TPM, or no worker */
	MS_TPM_LOCKED,	  /* dictionary-attack lockout, or busy */
	MS_TPM_OTHER_TPM, /* cleared, or exchanged */
	MS_TPM_AUTH,	  /* wrong PIN, PCRs that differ: not the TPM's fault */
	MS_TPM_ERROR,	  /* anything else */
	MS_TPM_FAILURES,
};
const char *ms_stats_failure_name(enum ms_tpm_failure f);

/* What alerts there are; the names are in modseald.conf(5). */
enum ms_alert_kind {
	MS_ALERT_REFUSED,
	MS_ALERT_OUTSIDE_HOURS,
	MS_ALERT_KEY_EXPIRY,
	MS_ALERT_LOG,
	MS_ALERT_TPM,
	MS_ALERT_PROCESS,
	MS_ALERT_KINDS,
};
const char *ms_alert_name(enum ms_alert_kind k);

/* What became of an alert. */
enum ms_alert_fate {
	MS_ALERT_RAISED,
	MS_ALERT_REPEATED, /* not run by itself, as one like it was too short ago */
	MS_ALERT_DONE,
	MS_ALERT_FAILED, /* exit status other than 0, a signal, or it could not be run */
	MS_ALERT_KILLED, /* at its deadline */
	MS_ALERT_FATES,
};
const char *ms_alert_fate_name(enum ms_alert_fate f);

/**
 * struct ms_stats - the page
 * @process: how often it was started; its sandbox as it is now: seccomp filter in force,
 *     and version of Landlock (0: none)
 * @tpm_ok_s: when the TPM last answered, seconds since 1970; 0: never
 * @queue_sign, @queue_tpm: requests that wait in the key process
 * @bad_signatures: signatures that the public key did not accept, so never released
 * @commits, @commit_failures, @records: of the audit log
 */
struct ms_stats {
	struct {
		_Atomic uint64_t starts;
		_Atomic int sandboxed, seccomp, landlock;
	} process[MS_PROCESSES];
	struct ms_histogram tpm, commit;
	_Atomic uint64_t tpm_failures[MS_TPM_FAILURES];
	_Atomic int64_t tpm_ok_s;
	_Atomic uint64_t queue_sign, queue_tpm, bad_signatures;
	_Atomic uint64_t commits, commit_failures, records;
	_Atomic uint64_t alerts[MS_ALERT_KINDS][MS_ALERT_FATES];
};

/**
 * ms_stats_share() - make the page one that processes forked from now on share
 * Return: 0 or a negative errno.
 */
int ms_stats_share(void) _must_check_;

/** ms_stats() - the page; before ms_stats_share() one of this process alone */
struct ms_stats *ms_stats(void);

/** ms_stats_took() - count one that took @us microseconds */
void ms_stats_took(struct ms_histogram *h, uint64_t us);

/** ms_stats_tpm() - a TPM operation is over: @rc as tpm/tpm.h has it */
void ms_stats_tpm(int rc, uint64_t us);

/** ms_stats_commit() - a transaction of @n records is over */
void ms_stats_commit(int rc, uint64_t n, uint64_t us);

/** ms_stats_now_us() - of the monotonic clock */
uint64_t ms_stats_now_us(void);

#endif
