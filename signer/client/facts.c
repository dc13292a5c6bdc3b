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

static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = list; *p; p += strspn(p, ",")) {
		size_t n = strcspn(p, ",");

		if (n == len && memcmp(p, word, n) == 0)
			return true;
		p += n;
	}
	return false;
}

/* Who the rules let sign with it, in one word for each; "-" where that is not told. */
static const char *users(const json_t *key, char ret[MS_FACT_TEXT])
{
	const json_t *rules = json_object_get(key, "users"), *rule, *who;
	char text[MS_FACT_TEXT];
	size_t used = 0, i, n;

	snprintf(ret, MS_FACT_TEXT, "%s", json_is_array(rules) ? "nobody" : "-");
	json_array_foreach((json_t *)(uintptr_t)rules, i, rule)
	{
		json_array_foreach(json_object_get(rule, "who"), n, who)
		{
			scalar(who, text, sizeof(text));
			if (used && has_word(ret, text))
				continue;
			if (used + strlen(text) + 8 > MS_FACT_TEXT)
				return ret;
			used += (size_t)snprintf(ret + used, MS_FACT_TEXT - used, "%s%s",
						 used ? "," : "", text);
		}
	}
	return ret;
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
		{"Lives", "location"},
		{"Protection", "protection"},
		{"State", "state"},
		{"Reason", "reason"},
		{"Warning", "warning"},
		{"Subject", "subject"},
		{"Serial", "serial"},
		{"Key identifier", "ski"},
		{"Modules only", "module_only"},
		{"Valid from", "not_before"},
		{"Valid until", "not_after"},
		{"Days left", "days_left"},
		{"Retires", "retires"},
		{"Successor", "successor"},
		{"Created", "created"},
		{"Last used", "last_used"},
		{"Signatures", "signatures"},
	};

	char text[MS_FACT_TEXT];

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		ms_fact_line(lines[i].label, key, lines[i].name);
	if (strcmp(users(key, text), "-"))
		printf("%-*s %s\n", LABEL_WIDTH, "Users", text);
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
	int width = 4, guard = 10;
	const json_t *key;
	size_t i;

	json_array_foreach(keys, i, key)
	{
		width = MS_MAX(width, (int)strlen(ms_fact_text(key, "name", text)));
		guard = MS_MAX(guard, (int)strlen(ms_fact_text(key, "protection", text)));
	}
	printf("%-*s  %-9s  %-8s  %-8s  %-8s  %-11s  %-10s  %-10s  %-*s  %s\n", width,
	       "NAME", "ALGORITHM", "STRENGTH", "CUSTODY", "STATE", "VALID UNTIL",
	       "SIGNATURES", "LAST USED", guard, "PROTECTION", "USERS");
	json_array_foreach(keys, i, key)
	{
		column(key, "name", 0, width);
		column(key, "algorithm", 0, 9);
		column(key, "strength", 0, 8);
		column(key, "custody", 0, 8);
		column(key, "state", 0, 8);
		column(key, "not_after", 10, 11);
		column(key, "signatures", 0, 10);
		column(key, "last_used", 10, 10);
		column(key, "protection", 0, guard);
		printf("%s\n", users(key, text));
	}
}

void ms_fact_summary(const json_t *summary)
{
	json_int_t n = json_integer_value(json_object_get(summary, "keys")),
		   soon = json_integer_value(json_object_get(summary, "expire_soon")),
		   over = json_integer_value(json_object_get(summary, "expired"));
	const char *state, *sep = ": ";
	json_t *v;

	if (!json_is_object(summary))
		return;
	printf("%lld key%s", (long long)n, n == 1 ? "" : "s");
	json_object_foreach(json_object_get(summary, "states"), state, v)
	{
		if (json_integer_value(v) == 0)
			continue;
		printf("%s%lld %s", sep, (long long)json_integer_value(v), state);
		sep = ", ";
	}
	if (soon)
		printf("; %lld expire%s within 60 days", (long long)soon,
		       soon == 1 ? "s" : "");
	if (over)
		printf("; %lld ha%s expired", (long long)over, over == 1 ? "s" : "ve");
	putchar('\n');
}

void ms_fact_json(const json_t *j)
{
	json_dumpf(j, stdout,
		   JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII |
			   JSON_REAL_PRECISION(6));
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
