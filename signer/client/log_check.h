/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What entries make of the tree: number by number, hash by hash. No I/O but the findings,
 * one clear sentence each.
 */
#ifndef MS_CLI_LOG_CHECK_H
#define MS_CLI_LOG_CHECK_H

#include <jansson.h>
#include <stdbool.h>
#include "lib/merkle.h"
#include "signer/client/log_line.h"

#define MS_LOG_MARKS 4u
#define MS_LOG_FINDINGS_MAX 100u /* that are told; more are counted */

/** struct ms_log_mark - a size of the tree whose root is wanted */
struct ms_log_mark {
	uint64_t size;
	uint8_t root[MS_MERKLE_HASH];
	bool have;
};

/**
 * struct ms_log_check - entries seen so far
 * @broken: an entry is missing or out of its place, so that no root can be had
 * @findings: array of sentences; @n: how many there are in all
 */
struct ms_log_check {
	struct ms_merkle tree;
	struct ms_log_mark mark[MS_LOG_MARKS];
	size_t n_marks;
	uint64_t next;
	bool broken;
	json_t *findings;
	size_t n;
};

int ms_log_check_init(struct ms_log_check *c) _must_check_;
void ms_log_check_clear(struct ms_log_check *c);
#define _cleanup_check_ _cleanup_(ms_log_check_clear)

/** ms_log_check_mark() - keep the root at @size. Return: its number */
size_t ms_log_check_mark(struct ms_log_check *c, uint64_t size);

/** ms_log_check_entry() - the next entry. Return: 0 or -EIO */
int ms_log_check_entry(struct ms_log_check *c, const struct ms_log_line *l) _must_check_;
/** ms_log_check_malformed() - what came is no entry */
void ms_log_check_malformed(struct ms_log_check *c);

/** ms_log_check_finding() - one more */
void ms_log_check_finding(struct ms_log_check *c, const char *fmt, ...) _printf_(2, 3);

#endif
