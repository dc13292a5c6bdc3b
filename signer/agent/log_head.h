/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The head of the audit log: has checkpoints signed by the key process, keeps them, and
 * at the start holds the store against the last one and against the TPM's counter. On the
 * event loop's thread.
 */
#ifndef MS_AGENT_LOG_HEAD_H
#define MS_AGENT_LOG_HEAD_H

#include <stdbool.h>
#include "lib/checkpoint.h"
#include "lib/error.h"

struct ms_front;
struct ms_log_head;

/** ms_log_head_new() - reads the last checkpoint; the next is made as soon as can be */
int ms_log_head_new(struct ms_front *f, struct ms_log_head **ret,
		    struct ms_error *err) _must_check_;

/**
 * ms_log_head_note() - the newest signed checkpoint
 * @ret: may be NULL
 * Return: valid until the loop goes on; NULL when there is none yet.
 */
const char *ms_log_head_note(const struct ms_log_head *h, size_t *ret_len,
			     struct ms_checkpoint *ret);
/** ms_log_head_vkey() - the log's public key, or "" while it is not known */
const char *ms_log_head_vkey(const struct ms_log_head *h);
/** ms_log_head_age() - seconds since the last checkpoint was made; -1: none was since the
 * start */
int64_t ms_log_head_age(const struct ms_log_head *h);
/** ms_log_head_unsigned() - records that the last checkpoint did not cover at the start
 */
uint64_t ms_log_head_unsigned(const struct ms_log_head *h);
/** ms_log_head_made() - when it was made, seconds since 1970; 0: before this start */
int64_t ms_log_head_made(const struct ms_log_head *h);
/** ms_log_head_health() - 0, or why the last try to make a checkpoint failed */
int ms_log_head_health(const struct ms_log_head *h, struct ms_error *err);

typedef void ms_log_head_fn(void *arg, int rc, const struct ms_error *err);

/**
 * ms_log_head_make() - a checkpoint now, if there are records that it would add
 * @fn: called once, perhaps from inside
 * Refused with -EAGAIN when the last one was made less than two seconds ago.
 */
void ms_log_head_make(struct ms_log_head *h, ms_log_head_fn *fn, void *arg);

#endif
