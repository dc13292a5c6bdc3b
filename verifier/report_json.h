/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts that the JSON of modules and of files have in common. */
#ifndef MS_REPORT_JSON_H
#define MS_REPORT_JSON_H

#include <jansson.h>
#include "verifier/result.h"

/** ms_json_text() - text from outside, escaped; null for NULL. NULL: no memory */
json_t *ms_json_text(const char *s);
/** ms_json_signers(), ms_json_findings() - arrays; NULL: no memory */
json_t *ms_json_signers(const struct ms_result *r);
json_t *ms_json_findings(const struct ms_result *r);

#endif
