/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an auditor asks of a key, as JSON. */
#include <time.h>

#include "lib/escape.h"
#include "signer/agent/api_keys.h"

static json_t *json_time(int64_t t)
{
	char text[32];
	struct tm tm;
	time_t tt = (time_t)t;

	if (!t || !gmtime_r(&tt, &tm) || !strftime(text, sizeof(text), "%FT%TZ", &tm))
		return json_null();
	return json_string(text);
}

static json_t *json_escaped(const char *s)
{
	char text[1024];

	return json_string(ms_escape_str(s, text, sizeof(text)));
}

static json_t *json_hex(const uint8_t *p, size_t n)
{
	char text[2 * 64 + 1];

	return json_string(ms_hex(p, p ? MS_MIN(n, 64u) : 0, text));
}

/* The INTEGER's content: serial is kept as DER with tag and length. */
static json_t *json_serial(const struct ms_cert *cert)
{
	if (cert->serial_len < 3)
		return json_string("");
	return json_hex(cert->serial + 2, cert->serial_len - 2);
}

/* Bits of security, as NIST SP 800-57 part 1 and SP 800-56B appendix D have them. */
static json_t *json_strength(enum ms_alg alg)
{
	static const int bits[] = {
		[MS_ALG_RSA2048] = 112, [MS_ALG_RSA3072] = 128, [MS_ALG_RSA4096] = 152,
		[MS_ALG_P256] = 128,	[MS_ALG_P384] = 192,	[MS_ALG_P521] = 256};

	if ((size_t)alg >= ARRAY_SIZE(bits) || !bits[alg])
		return json_null();
	return json_integer(bits[alg]);
}

/* What somebody should do something about, a sentence or "". */
static json_t *json_warning(const struct ms_front_key *k, time_t now)
{
	int64_t days = ms_key_days_left(k, now);
	const struct ms_cert *cert = k->cert;
	char text[160] = "";

	if (k->info.state == MS_KEY_RETIRED || k->info.state == MS_KEY_REVOKED)
		return json_string("");
	if (now > cert->not_after)
		snprintf(text, sizeof(text),
			 "its certificate has expired: it signs no "
			 "more until it has a new one");
	else if (now < cert->not_before)
		snprintf(text, sizeof(text),
			 "its certificate is not valid yet: it does not sign");
	else if (days < MS_KEY_WARN_DAYS)
		snprintf(text, sizeof(text),
			 "its certificate expires in %lld days: have its successor "
			 "enrolled in time",
			 (long long)days);
	else if (k->info.until)
		snprintf(text, sizeof(text),
			 "it retires in %lld days: its successor is %s",
			 (long long)MS_MAX((k->info.until - now) / 86400, 0),
			 k->info.successor);
	return json_string(text);
}

static const char *location(enum ms_custody c)
{
	switch (c) {
	case MS_CUSTODY_SEALED:
		return "on disk, encrypted under a key that this TPM seals; unlocked, in "
		       "the key process's locked memory";
	case MS_CUSTODY_RESIDENT:
		return "in this TPM, which it never leaves";
	case MS_CUSTODY_LEAF:
		return "in this TPM, which it never leaves; the leaf keys of builds in "
		       "the key process's locked memory";
	default:
		return "";
	}
}

static json_t *json_pcrs(uint32_t mask)
{
	json_t *list = json_array();

	for (int i = 0; i < 24; i++)
		if (mask & (UINT32_C(1) << i))
			json_array_append_new(list, json_integer(i));
	return list;
}

/* Rules that name the key: who may sign with it. */
static json_t *json_users(const struct ms_config *c, const char *key)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n_rules; i++) {
		const struct ms_rule *r = &c->rules[i];
		json_t *who;

		if (!ms_policy_names_key(r, key))
			continue;
		who = json_array();
		for (size_t n = 0; n < r->who.n; n++)
			json_array_append_new(who, json_escaped(r->who.v[n]));
		json_array_append_new(list, json_pack("{s:o, s:o, s:b}", "rule",
						      json_escaped(r->name), "who", who,
						      "approvals", r->n_tiers > 0));
	}
	return list;
}

int64_t ms_key_days_left(const struct ms_front_key *k, time_t now)
{
	int64_t s = k->cert ? (int64_t)k->cert->not_after - now : 0;

	/* Down, so that a day that has begun does not count. */
	return s >= 0 ? s / 86400 : -((86399 - s) / 86400);
}

static void add_cert(json_t *j, const struct ms_front_key *k)
{
	const struct ms_cert *cert = k->cert;
	time_t now = time(NULL);

	json_object_set_new(j, "strength", json_strength(k->info.alg));
	json_object_set_new(j, "warning", json_warning(k, now));
	json_object_set_new(j, "subject", json_escaped(cert->subject_cn));
	json_object_set_new(j, "not_before", json_time(cert->not_before));
	json_object_set_new(j, "not_after", json_time(cert->not_after));
	json_object_set_new(j, "days_left", json_integer(ms_key_days_left(k, now)));
	json_object_set_new(j, "serial", json_serial(cert));
	json_object_set_new(j, "ski", json_hex(cert->ski, cert->ski_len));
	json_object_set_new(j, "ca", json_boolean(cert->is_ca));
	json_object_set_new(j, "module_only", json_boolean(cert->module_only));
}

json_t *ms_api_json_key(const struct ms_web *w, const struct ms_front_key *k)
{
	struct ms_front *f = w->front;
	uint64_t count;
	int64_t last;
	json_t *j;

	ms_audit_key_use(f->audit, k->info.name, &count, &last);
	j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:o, s:o}", "name",
		      k->info.name, "algorithm", ms_alg_name(k->info.alg), "custody",
		      ms_custody_name(k->info.custody), "state",
		      ms_key_state_name(k->info.state), "reason", k->info.reason,
		      "protection", k->info.protection, "signatures", (json_int_t)count,
		      "last_used", json_time(last / 1000000), "created",
		      json_time(k->info.created));
	if (!j || !k->cert)
		return j;
	json_object_set_new(j, "location", json_string(location(k->info.custody)));
	json_object_set_new(j, "pcrs", json_pcrs(k->info.pcrs));
	json_object_set_new(j, "pin", json_boolean(k->info.has_pin));
	json_object_set_new(j, "policy_key", json_boolean(k->info.has_policy_key));
	json_object_set_new(j, "retires", json_time(k->info.until));
	json_object_set_new(j, "successor", json_string(k->info.successor));
	if (ms_identity_is_auditor(f->config, &w->who))
		json_object_set_new(j, "users", json_users(f->config, k->info.name));
	add_cert(j, k);
	return j;
}

/* ------------------------------------------------------------------ all of them */

static bool is_in_use(const struct ms_front_key *k)
{
	return k->cert && k->info.state != MS_KEY_RETIRED &&
	       k->info.state != MS_KEY_REVOKED;
}

json_t *ms_api_json_keys(struct ms_web *w)
{
	json_int_t count[MS_KEY_PENDING + 1] = {0}, soon = 0, expired = 0;
	json_t *list = json_array(), *states = json_object();
	const struct ms_front_key *k;
	time_t now = time(NULL);

	for (size_t i = 0; (k = ms_key_link_at(w->front->keys, i)); i++) {
		if (!ms_policy_may_see(w->front->config, &w->who, k->info.name))
			continue;
		json_array_append_new(list, ms_api_json_key(w, k));
		if ((size_t)k->info.state < ARRAY_SIZE(count))
			count[k->info.state]++;
		if (is_in_use(k) && now > k->cert->not_after)
			expired++;
		else if (is_in_use(k) && ms_key_days_left(k, now) < MS_KEY_WARN_DAYS)
			soon++;
	}
	for (size_t i = MS_KEY_LOCKED; i < ARRAY_SIZE(count); i++)
		json_object_set_new(states, ms_key_state_name((enum ms_key_state)i),
				    json_integer(count[i]));
	return json_pack("{s:o, s:{s:I, s:o, s:I, s:I}}", "keys", list, "summary", "keys",
			 (json_int_t)json_array_size(list), "states", states, "expired",
			 expired, "expire_soon", soon);
}
