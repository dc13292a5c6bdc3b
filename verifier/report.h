/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Results in the forms that people and programs read.
 */
#ifndef MS_REPORT_H
#define MS_REPORT_H

#include <time.h>
#include "verifier/anchors.h"
#include "verifier/run.h"
#include "verifier/system_state.h"

enum ms_format {
	MS_FORMAT_TABLE = 0,
	MS_FORMAT_JSON,
	MS_FORMAT_JSONL,
	MS_FORMAT_SARIF,
	MS_FORMAT_HTML,
	MS_FORMAT_PROMETHEUS,
};

/**
 * struct ms_report - what is to be reported, and how
 * @all: list trusted modules too (the table lists only the others by default; the formats
 *	for programs list everything unless @failed_only)
 * @machine: whose loaded modules these are; NULL where they are files
 * @color: for a terminal
 */
struct ms_report {
	const struct ms_anchors *anchors;
	const struct ms_results *results;
	const struct ms_machine *machine;
	bool all, failed_only, color;
};

/** ms_format_from_name() - "table", "json", "jsonl", "sarif", "html",
 * "prometheus". Return: 0 or -EINVAL */
int ms_format_from_name(const char *name, enum ms_format *ret) _must_check_;

/** ms_report_print() - write the whole report. Return: 0, -ENOMEM or -EIO */
int ms_report_print(enum ms_format f, const struct ms_report *r, FILE *out) _must_check_;

/** ms_report_event() - one line of JSON: @event, @when, and all of a module that jsonl
 * has; written through. Return: 0, -ENOMEM or -EIO */
int ms_report_event(const char *event, time_t when, const struct ms_result *r,
		    FILE *out) _must_check_;

/* One each, used by ms_report_print(). */
int ms_report_text(const struct ms_report *r, FILE *out) _must_check_;
int ms_report_json(const struct ms_report *r, FILE *out) _must_check_;
int ms_report_jsonl(const struct ms_report *r, FILE *out) _must_check_;
int ms_report_sarif(const struct ms_report *r, FILE *out) _must_check_;
int ms_report_html(const struct ms_report *r, FILE *out) _must_check_;
int ms_report_prometheus(const struct ms_report *r, FILE *out) _must_check_;

#endif
