/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal key rotate */
#include <errno.h>
#include <time.h>

#include "lib/efi.h"
#include "signer/client/cmd_key.h"
#include "signer/client/enroll.h"
#include "signer/client/facts.h"

#define TARGET_MAX 1024
#define OVERLAP_DEFAULT "90d"
#define OVERLAP_MAX_D 36500
#define DAY_S 86400

/* struct rotation - @old: what is known of it; @fresh: what was made or found */
struct rotation {
	const struct ms_cli *cli;
	struct ms_talk *talk;
	char to[MS_KEY_NAME_MAX + 1];
	time_t until;
	json_t *old, *fresh;
};

static void rotation_clear(struct rotation *r)
{
	json_decref(r->old);
	json_decref(r->fresh);
}

/* "distro-2026" becomes "distro-2027", "distro" becomes "distro-2". */
static int next_name(const char *name, char ret[MS_KEY_NAME_MAX + 1])
{
	size_t n = strlen(name), at = n;
	long number;
	int len;

	while (at > 0 && name[at - 1] >= '0' && name[at - 1] <= '9' && n - at < 9)
		at--;
	if (at < n && ms_cli_number(name + at, 0, 999999999, &number) == 0)
		len = snprintf(ret, MS_KEY_NAME_MAX + 1, "%.*s%0*ld", (int)at, name,
			       (int)(n - at), number + 1);
	else
		len = snprintf(ret, MS_KEY_NAME_MAX + 1, "%s-2", name);
	return len > (int)MS_KEY_NAME_MAX ? -ENAMETOOLONG : 0;
}

/* 90d, 12w, or a number of days alone */
static int read_overlap(const char *text, time_t *ret_until)
{
	size_t n = strlen(text);
	char digits[8];
	long days, unit = 1;

	if (n && (text[n - 1] == 'd' || text[n - 1] == 'w'))
		unit = text[--n] == 'w' ? 7 : 1;
	if (!n || n >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, text, n);
	digits[n] = '\0';
	if (ms_cli_number(digits, 0, OVERLAP_MAX_D / unit, &days) < 0)
		return -EINVAL;
	/* With nothing to overlap it ends in a moment that no clock misses. */
	*ret_until = time(NULL) + (days ? days * unit * DAY_S : 2);
	return 0;
}

static int read_options(const struct ms_cli *cli, struct rotation *r)
{
	const char *to = ms_cli_opt(cli, "to"), *overlap = ms_cli_opt(cli, "overlap"),
		   *days = ms_cli_opt(cli, "days");
	long n;

	if (!to && next_name(cli->operands[0], r->to) < 0)
		return ms_cli_usage(cli, "the name is too long to make another of it: "
					 "use --to NEW");
	if (to && strlen(to) > MS_KEY_NAME_MAX)
		return ms_cli_usage(cli, "--to has at most %u characters",
				    MS_KEY_NAME_MAX);
	if (to)
		snprintf(r->to, sizeof(r->to), "%s", to);
	if (strcmp(r->to, cli->operands[0]) == 0)
		return ms_cli_usage(cli, "--to has to be another key");
	if (read_overlap(overlap ? overlap : OVERLAP_DEFAULT, &r->until) < 0)
		return ms_cli_usage(cli, "--overlap needs days or weeks, as 90d or 12w, "
					 "of at most a hundred years");
	if (days && ms_cli_number(days, 1, 36500, &n))
		return ms_cli_usage(cli, "--days needs a number from 1 to 36500");
	return MS_EXIT_OK;
}

/* ------------------------------------------------------------------- successor */

/* How long the old certificate was made for, unless --days says. */
static long days_of(const struct rotation *r)
{
	const char *days = ms_cli_opt(r->cli, "days");
	const char *from = json_string_value(json_object_get(r->old, "not_before")),
		   *to = json_string_value(json_object_get(r->old, "not_after"));
	time_t a, b;
	long n = 3650;

	if (days)
		(void)!ms_cli_number(days, 1, 36500, &n);
	else if (from && to && ms_key_read_time(from, &a) == 0 &&
		 ms_key_read_time(to, &b) == 0 && b > a)
		n = MS_MIN(MS_MAX((b - a) / DAY_S, 1), 36500);
	return n;
}

static int create_body(const struct rotation *r, const struct ms_pin *pin,
		       struct ms_buf *out)
{
	const char *subject = ms_cli_opt(r->cli, "subject");
	_cleanup_json_ json_t *body = json_object();
	_cleanup_free_ char *text = NULL;
	static const char *const same[] = {"algorithm", "custody", "pcrs", "module_only"};

	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		json_object_set(body, same[i], json_object_get(r->old, same[i]));
	json_object_set_new(body, "name", json_string(r->to));
	json_object_set_new(body, "days", json_integer(days_of(r)));
	if (subject)
		json_object_set_new(body, "subject", json_string(subject));
	else
		json_object_set(body, "subject", json_object_get(r->old, "subject"));
	if (ms_cli_opt(r->cli, "pending"))
		json_object_set_new(body, "pending", json_true());
	text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	if (!text)
		return ms_cli_usage(r->cli, "--subject has to be UTF-8 text");
	/* Room for all of it at once: growing would leave copies of the PIN behind. */
	if (ms_buf_reserve(out, strlen(text) + 2 * MS_PIN_MAX + 16))
		return MS_EXIT_FAILED;
	ms_buf_put(out, text, strlen(text) - 1);
	if (pin->text) {
		ms_buf_printf(out, ",\"pin\":");
		ms_json_put_string(out, pin->text);
	}
	ms_buf_put_u8(out, '}');
	return ms_buf_error(out) ? MS_EXIT_FAILED : MS_EXIT_OK;
}

static int create(struct rotation *r)
{
	_cleanup_buf_ struct ms_buf body = MS_BUF_INIT(MS_CONFIG_MAX);
	_cleanup_pin_ struct ms_pin pin = {0};
	int status = MS_EXIT_OK;

	if (json_is_true(json_object_get(r->old, "policy_key"))) {
		fprintf(stderr,
			"modseal: key rotate: a policy key approves the PCR values of "
			"%s: "
			"make the successor with 'modseal key create %s --policy-key PUB "
			"--approval FILE', then give this command again\n",
			r->cli->operands[0], r->to);
		return MS_EXIT_FAILED;
	}
	if (json_is_true(json_object_get(r->old, "pin"))) {
		status = ms_key_pin_get(r->cli, false, true, true, &pin);
		if (!status && !pin.text)
			return ms_cli_usage(r->cli, "the key has a PIN, and so does its "
						    "successor: use --pin-fd N");
	}
	if (!status)
		status = create_body(r, &pin, &body);
	return status ? status
		      : ms_talk_ask(r->talk, "POST", "/v1/keys", "application/json",
				    &body, &r->fresh);
}

/* A successor that is there already is taken as it is, so that a rotation that was
 * interrupted can be done again. */
static int find_successor(struct rotation *r)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(MS_HTTP_ANSWER_MAX);
	struct ms_error err = {0};
	char target[TARGET_MAX];
	int status = ms_talk_key_target(r->cli, r->to, "", target, sizeof(target));

	if (status)
		return status;
	if (ms_agent_call(&r->talk->http, "GET", target, "application/json", NULL, NULL,
			  0, &out, &err) < 0) {
		if (strcmp(err.code, "no-such-key") == 0)
			return create(r);
		ms_cli_complain(&err);
		return ms_talk_lost(&err) ? MS_EXIT_AGENT : MS_EXIT_FAILED;
	}
	fprintf(stderr,
		"modseal: key rotate: key %s is there already, and is taken as "
		"the successor\n",
		r->to);
	return ms_talk_ask(r->talk, "GET", target, NULL, NULL, &r->fresh);
}

static int link_keys(struct rotation *r)
{
	_cleanup_buf_ struct ms_buf none = MS_BUF_INIT(16);
	char target[TARGET_MAX], seconds[24];
	json_t *old = NULL;
	int status = ms_talk_key_target(r->cli, r->cli->operands[0], "/rotate", target,
					sizeof(target));

	if (status)
		return status;
	snprintf(seconds, sizeof(seconds), "%lld", (long long)r->until);
	ms_key_add_param(target, sizeof(target), "successor", r->to);
	ms_key_add_param(target, sizeof(target), "until", seconds);
	status = ms_talk_ask(r->talk, "POST", target, "text/plain", &none, &old);
	if (status) {
		fprintf(stderr,
			"modseal: key rotate: key %s is there, but %s has not been told: "
			"give the same command again\n",
			r->to, r->cli->operands[0]);
		return status;
	}
	json_decref(r->old);
	r->old = old;
	return MS_EXIT_OK;
}

/* ----------------------------------------------------------------- certificates */

/* NAME.pem of both, and both in one file for CONFIG_SYSTEM_TRUSTED_KEYS. */
static int export(struct rotation *r, struct ms_enroll *e)
{
	_cleanup_buf_ struct ms_buf both = MS_BUF_INIT(4 * MS_CERT_MAX);
	const char *names[] = {r->cli->operands[0], r->to};
	char target[TARGET_MAX], suffix[2 * MS_KEY_NAME_MAX];
	int status = MS_EXIT_OK;

	for (size_t i = 0; !status && i < ARRAY_SIZE(names); i++) {
		_cleanup_buf_ struct ms_buf pem = MS_BUF_INIT(2 * MS_CERT_MAX);

		status = ms_talk_key_target(r->cli, names[i], "/certificate?format=pem",
					    target, sizeof(target));
		if (!status)
			status = ms_talk_fetch(r->talk, target, "application/x-pem-file",
					       &pem);
		e->name = names[i];
		if (!status)
			status = ms_enroll_file(e, "pem", pem.data, pem.len, NULL);
		ms_buf_put(&both, pem.data, pem.len);
	}
	if (status || ms_buf_error(&both) < 0)
		return status ? status : MS_EXIT_FAILED;
	snprintf(suffix, sizeof(suffix), "and-%s.pem", r->to);
	e->name = names[0];
	return ms_enroll_file(e, suffix, both.data, both.len, NULL);
}

static void print(const struct rotation *r, const struct ms_enroll *e)
{
	char text[MS_FACT_TEXT];
	const json_t *v;
	json_t *j;
	size_t i;

	if (r->cli->json) {
		j = json_pack("{s:O, s:O, s:O}", "old", r->old, "new", r->fresh, "files",
			      e->files);
		ms_fact_json(j);
		json_decref(j);
		return;
	}
	printf("%-14s %s\n", "Old key", r->cli->operands[0]);
	ms_fact_line("  state", r->old, "state");
	ms_fact_line("  retires", r->old, "retires");
	printf("%-14s %s\n", "New key", r->to);
	ms_fact_line("  state", r->fresh, "state");
	ms_fact_line("  valid until", r->fresh, "not_after");
	json_array_foreach(e->files, i, v)
		printf("%-14s %s\n", i ? "" : "Certificates", json_string_value(v));
	fprintf(stderr,
		"modseal: key rotate: have kernels trust %s ('modseal key enroll %s "
		"--for TARGET') and let builds use it, before %s retires (%s): name it "
		"in the rules of modseald.conf ('key ='; then 'modseal reload') and in "
		"modseal.conf, put its certificate where %s's is (cert.pem, cert.der)\n",
		r->to, r->to, r->cli->operands[0], ms_fact_text(r->old, "retires", text),
		r->cli->operands[0]);
}

int ms_cmd_key_rotate(const struct ms_cli *cli)
{
	_cleanup_talk_ struct ms_talk talk = {0};
	_cleanup_(rotation_clear) struct rotation r = {.cli = cli, .talk = &talk};
	_cleanup_(ms_enroll_clear) struct ms_enroll e = {.cli = cli};
	const char *dir = ms_cli_opt(cli, "dir");
	char target[TARGET_MAX];
	int status =
		ms_talk_key_target(cli, cli->operands[0], "", target, sizeof(target));

	if (!status)
		status = read_options(cli, &r);
	if (!status)
		status = ms_talk_open(cli, &talk);
	if (!status)
		status = ms_talk_ask(&talk, "GET", target, NULL, NULL, &r.old);
	/* Before anything is made that nobody could be told of. */
	if (!status)
		status = ms_enroll_dir(cli, dir ? dir : ".");
	if (!status)
		status = find_successor(&r);
	if (!status)
		status = link_keys(&r);
	e.dir = dir ? dir : ".";
	e.files = json_array();
	e.steps = json_array();
	e.notes = json_array();
	if (!status)
		status = export(&r, &e);
	if (!status)
		print(&r, &e);
	return status;
}
