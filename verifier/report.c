/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "verifier/report.h"

static const struct {
	const char *name;
	int (*print)(const struct ms_report *r, FILE *out);
} formats[] = {
	[MS_FORMAT_TABLE] = {"table", ms_report_text},
	[MS_FORMAT_JSON] = {"json", ms_report_json},
	[MS_FORMAT_JSONL] = {"jsonl", ms_report_jsonl},
	[MS_FORMAT_SARIF] = {"sarif", ms_report_sarif},
	[MS_FORMAT_HTML] = {"html", ms_report_html},
	[MS_FORMAT_PROMETHEUS] = {"prometheus", ms_report_prometheus},
};

int ms_format_from_name(const char *name, enum ms_format *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (!strcmp(formats[i].name, name)) {
			*ret = (enum ms_format)i;
			return 0;
		}
	}
	return -EINVAL;
}

int ms_report_print(enum ms_format f, const struct ms_report *r, FILE *out)
{
	int rc = formats[f].print(r, out);

	if (rc)
		return rc;
	return fflush(out) || ferror(out) ? -EIO : 0;
}
