/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/escape.h"
#include "lib/macro.h"
#include "signer/client/facts.h"

#define LABEL_WIDTH 14

static const json_t *member(const json_t *object, const char *name)
{
	const char *dot = strchr(name, '.');
	char outer[32];

	if (!dot)
		return json_object_get(object, name);
	snprintf(outer, sizeof(outer), "%.*s", (int)(dot - name), name);
	return json_object_get(json_object_get(object, outer), dot + 1);
}

static void scalar(const json_t *v, char *ret, size_t size)
{
	if (json_is_string(v))
		ms_escape(json_string_value(v), json_string_length(v), ret, size);
	else if (json_is_integer(v))
		snprintf(ret, size, "%lld", (long long)json_integer_value(v));
	else if (json_is_real(v))
		snprintf(ret, size, "%g", json_real_value(v));
	else if (json_is_boolean(v))
		snprintf(ret, size, "%s", json_is_true(v) ? "yes" : "no");
	else
		snprintf(ret, size, "-");
}

const char *ms_fact_text(const json_t *object, const char *name, char ret[MS_FACT_TEXT])
{
	const json_t *v = member(object, name);
	size_t used = 0;

	if (!json_is_array(v)) {
		scalar(v, ret, MS_FACT_TEXT);
	} else {
		ret[0] = '\0';
		for (size_t i = 0; i < json_array_size(v) && used + 8 < MS_FACT_TEXT;
		     i++) {
			used += (size_t)snprintf(ret + used, MS_FACT_TEXT - used, "%s",
						 i ? ", " : "");
			scalar(json_array_get(v, i), ret + used, MS_FACT_TEXT - used);
			used += strlen(ret + used);
		}
	}
	if (!ret[0])
		snprintf(ret, MS_FACT_TEXT, "-");
	return ret;
}

void ms_fact_line(const char *label, const json_t *object, const char *name)
{
	char text[MS_FACT_TEXT];

	if (strcmp(ms_fact_text(object, name, text), "-"))
		printf("%-*s %s\n", LABEL_WIDTH, label, text);
}

void ms_fact_key(const json_t *key)
{
	static const struct {
		const char *label, *name;
	} lines[] = {
		{"Name", "name"},
		{"Algorithm", "algorithm"},
		{"Strength, bits", "strength"},
		{"Custody", "custody"},
		{"Protection", "protection"},
		{"State", "state"},
		{"Reason", "reason"},
		{"Warning", "warning"},
		{"Subject", "subject"},
		{"Serial", "serial"},
		{"Key identifier", "ski"},
		{"Valid from", "not_before"},
		{"Valid until", "not_after"},
		{"Created", "created"},
		{"Last used", "last_used"},
		{"Signatures", "signatures"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		ms_fact_line(lines[i].label, key, lines[i].name);
}

/* @bytes: cut the text there (of a time, the day will do); 0: as it is */
static void column(const json_t *key, const char *name, size_t bytes, int width)
{
	char text[MS_FACT_TEXT];

	ms_fact_text(key, name, text);
	if (bytes && strlen(text) > bytes)
		text[bytes] = '\0';
	printf("%-*s  ", width, text);
}

void ms_fact_keys(const json_t *keys)
{
	char text[MS_FACT_TEXT];
	int width = 4;
	const json_t *key;
	size_t i;

	json_array_foreach(keys, i, key) width =
		MS_MAX(width, (int)strlen(ms_fact_text(key, "name", text)));
	printf("%-*s  %-9s  %-8s  %-8s  %-11s  %s\n", width, "NAME", "ALGORITHM",
	       "CUSTODY", "STATE", "VALID UNTIL", "SIGNATURES");
	json_array_foreach(keys, i, key)
	{
		column(key, "name", 0, width);
		column(key, "algorithm", 0, 9);
		column(key, "custody", 0, 8);
		column(key, "state", 0, 8);
		column(key, "not_after", 10, 11);
		printf("%s\n", ms_fact_text(key, "signatures", text));
	}
}

void ms_fact_json(const json_t *j)
{
	json_dumpf(j, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII);
	putchar('\n');
}

const char *ms_fact_duration(double seconds, char ret[MS_FACT_TEXT])
{
	long s = seconds > 0 ? (long)seconds : 0;

	if (s >= 86400)
		snprintf(ret, MS_FACT_TEXT, "%ld d %ld h", s / 86400, s % 86400 / 3600);
	else if (s >= 3600)
		snprintf(ret, MS_FACT_TEXT, "%ld h %ld min", s / 3600, s % 3600 / 60);
	else if (s >= 60)
		snprintf(ret, MS_FACT_TEXT, "%ld min", s / 60);
	else
		snprintf(ret, MS_FACT_TEXT, "%ld s", s);
	return ret;
}

void ms_json_put_string(struct ms_buf *out, const char *text)
{
	ms_buf_put_u8(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			ms_buf_put_u8(out, '\\');
		ms_buf_put_u8(out, (uint8_t)*text);
	}
	ms_buf_put_u8(out, '"');
}
