/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts from the agent's JSON, for people: escaped, aligned, nothing missing crashes it.
 */
#ifndef MS_CLI_FACTS_H
#define MS_CLI_FACTS_H

#include <jansson.h>
#include "lib/buf.h"

#define MS_FACT_TEXT 512

/**
 * ms_fact_text() - a member as printable text
 * @name: member, or "outer.inner"
 * @ret: escaped; "-" where there is none or it is null; arrays are joined with ", "
 * Return: @ret.
 */
const char *ms_fact_text(const json_t *object, const char *name, char ret[MS_FACT_TEXT]);

/** ms_fact_line() - "Label   value"; nothing if the member is missing, null or "" */
void ms_fact_line(const char *label, const json_t *object, const char *name);

/** ms_fact_key() - all that is known about a key */
void ms_fact_key(const json_t *key);
/** ms_fact_keys() - a table, one line for each key of an array */
void ms_fact_keys(const json_t *keys);

/** ms_fact_summary() - "7 keys: 5 active, 2 retired; 1 expires within 60 days" */
void ms_fact_summary(const json_t *summary);

/** ms_fact_json() - an answer as indented JSON, in ASCII, with a newline */
void ms_fact_json(const json_t *j);

/** ms_fact_duration() - seconds as "3 d 4 h", "5 min", "12 s" */
const char *ms_fact_duration(double seconds, char ret[MS_FACT_TEXT]);

/** ms_json_put_string() - append a JSON string, quoted and escaped; for bodies with
 * secrets, which no JSON library shall copy around. @text is printable ASCII. */
void ms_json_put_string(struct ms_buf *out, const char *text);

#endif
