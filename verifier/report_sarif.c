/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SARIF 2.1.0 (OASIS), for code scanning and build gates. */
#include <errno.h>
#include <jansson.h>
#include "lib/buf.h"
#include "lib/http.h"
#include "lib/limits.h"
#include "verifier/report.h"

/* A path as a relative or file: URI; what is not unreserved is percent-encoded. */
static json_t *uri(const char *path)
{
	struct ms_buf b = MS_BUF_INIT(16 * MS_PATH_MAX);
	json_t *j = NULL;

	if (*path == '/')
		ms_buf_put(&b, "file://", 7);
	while (*path) {
		size_t n = strcspn(path, "/");
		_cleanup_free_ char *part = strndup(path, n);

		if (!part)
			break;
		ms_http_encode(&b, part);
		path += n;
		if (*path) {
			ms_buf_put_u8(&b, '/');
			path++;
		}
	}
	if (!ms_buf_error(&b) && !*path)
		j = json_string(ms_buf_cstr(&b));
	ms_buf_clear(&b);
	return j;
}

static json_t *rules(void)
{
	json_t *list = json_array();

	for (int c = MS_FINDING_NONE + 1; c < MS_FINDING_COUNT && list; c++) {
		enum ms_finding_code code = (enum ms_finding_code)c;
		json_t *rule =
			json_pack("{s:s, s:{s:s}, s:{s:s}}", "id", ms_finding_name(code),
				  "shortDescription", "text", ms_finding_title(code),
				  "help", "text", ms_finding_remedy(code));

		if (json_array_append_new(list, rule)) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *one_result(const struct ms_result *r, const struct ms_finding *f)
{
	return json_pack("{s:s, s:s, s:{s:s}, s:[{s:{s:{s:o}}}]}", "ruleId",
			 ms_finding_name(f->code), "level", ms_severity_name(f->severity),
			 "message", "text", f->detail, "locations", "physicalLocation",
			 "artifactLocation", "uri", uri(r->path));
}

static json_t *all_results(const struct ms_results *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n && list; i++) {
		for (size_t k = 0; k < r->v[i].policy.n_findings; k++) {
			if (!json_array_append_new(
				    list,
				    one_result(&r->v[i], &r->v[i].policy.findings[k])))
				continue;
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

int ms_report_sarif(const struct ms_report *rep, FILE *out)
{
	int status = ms_results_exit(rep->results);
	json_t *j = json_pack(
		"{s:s, s:s, s:[{s:{s:{s:s, s:s, s:o}}, s:[{s:b, s:i}], s:o}]}", "$schema",
		"https://json.schemastore.org/sarif-2.1.0.json", "version", "2.1.0",
		"runs", "tool", "driver", "name", "modseal-verify", "version", MS_VERSION,
		"rules", rules(), "invocations", "executionSuccessful", status != 3,
		"exitCode", status, "results", all_results(rep->results));
	int rc;

	if (!j)
		return -ENOMEM;
	rc = json_dumpf(j, out, JSON_INDENT(1)) ? -EIO : 0;
	json_decref(j);
	fputc('\n', out);
	return rc;
}
