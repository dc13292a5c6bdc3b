/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How severe each finding is, as an administrator has it.
 */
#ifndef MS_POLICY_FILE_H
#define MS_POLICY_FILE_H

#include "lib/error.h"
#include "verifier/run.h"

#define MS_POLICY_FILE_MAX 65536u

/**
 * struct ms_severities - severity of each code; as built in where @set is false
 */
struct ms_severities {
	bool set[MS_FINDING_COUNT];
	enum ms_severity severity[MS_FINDING_COUNT];
};

/**
 * ms_severities_parse() - read the text of a policy file; no I/O
 *
 * Lines "code = error|warning|note", comments after '#'. What says that a module could
 * not be checked, or that nobody it trusts has signed it, cannot become a note: it would
 * read as trusted.
 *
 * Return: 0 or -EINVAL with line and nearest valid word in @err; @ret untouched on
 * failure.
 */
int ms_severities_parse(const char *text, size_t len, struct ms_severities *ret,
			struct ms_error *err) _must_check_;

/** ms_severities_load() - the same from a file. Return: 0 or a negative errno */
int ms_severities_load(const char *path, struct ms_severities *ret,
		       struct ms_error *err) _must_check_;

/** ms_severities_apply() - to all results, whose verdicts and counts follow */
void ms_severities_apply(const struct ms_severities *s, struct ms_results *r);

#endif
