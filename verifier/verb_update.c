/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal-verify update */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include "lib/escape.h"
#include "lib/file.h"
#include "verifier/options.h"
#include "verifier/update.h"

enum {
	OPT_SOURCE = 256,
	OPT_KEY,
	OPT_CACERT,
	OPT_CONFIG,
	OPT_STORED,
	OPT_JSON,
};

static const struct option options[] = {
	{"source", required_argument, NULL, OPT_SOURCE},
	{"key", required_argument, NULL, OPT_KEY},
	{"cacert", required_argument, NULL, OPT_CACERT},
	{"config", required_argument, NULL, OPT_CONFIG},
	{"stored", required_argument, NULL, OPT_STORED},
	{"json", no_argument, NULL, OPT_JSON},
	{"quiet", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static const char usage[] =
	"usage: modseal-verify update [--source URL]... [--key PUBKEY]... "
	"[--cacert FILE]\n"
	"                             [--config FILE] [--stored DIR] [--json] [--quiet]\n"
	"\n"
	"Fetches lists of what is revoked and keeps the newest good copy of each, which "
	"all\n"
	"other verbs heed.\n"
	"\n"
	"  --source URL   https://..., or file:///... for offline media\n"
	"  --key PUBKEY   PEM file of a key that may sign them\n"
	"  --cacert FILE  trust these certificates for https, not the system's\n"
	"  --config FILE  where sources and keys are that are not named (default:\n"
	"                 " MS_UPDATE_CONFIG ")\n"
	"  --stored DIR   where the copies are (default: " MS_REVOCATION_STORE ")\n"
	"  --json         one JSON object a line for each source\n"
	"  -q, --quiet    say nothing of what went well\n"
	"\n"
	"Exit status: 0 all lists are up to date, 1 a list is expired, older than the "
	"one\n"
	"that is there or wrongly signed, 2 usage, 3 a list could not be had or kept.\n";

/**
 * struct updating - the command line
 * @named: what it names; its strings are owned
 */
struct updating {
	struct ms_update_config named, config;
	struct ms_publisher_keys keys;
	const char *config_file, *dir;
	bool json, quiet;
};

static int take(char **list, size_t *n, size_t max, const char *value, const char *option)
{
	if (*n == max) {
		ms_complain("update: %s: at most %zu", option, max);
		return MS_EXIT_USAGE;
	}
	list[*n] = strdup(value);
	if (!list[*n])
		return MS_EXIT_UNCHECKED;
	++*n;
	return -1;
}

static int take_source(struct updating *u, const char *url)
{
	struct ms_error err = {0};

	if (ms_fetch_check(url, &err) < 0) {
		ms_complain("update: --source: %s", err.msg);
		return MS_EXIT_USAGE;
	}
	return take(u->named.sources, &u->named.n_sources, MS_UPDATE_SOURCES_MAX, url,
		    "--source");
}

/* Returns -1 to go on, else the exit status. */
static int apply(struct updating *u, int opt, const char *arg)
{
	size_t one = 0;

	switch (opt) {
	case OPT_SOURCE:
		return take_source(u, arg);
	case OPT_KEY:
		return take(u->named.keys, &u->named.n_keys, MS_PUBLISHER_KEYS_MAX, arg,
			    "--key");
	case OPT_CACERT:
		free(TAKE_PTR(u->named.cacert));
		return take(&u->named.cacert, &one, 1, arg, "--cacert");
	case OPT_CONFIG:
		u->config_file = arg;
		return -1;
	case OPT_STORED:
		u->dir = arg;
		return -1;
	case OPT_JSON:
		u->json = true;
		return -1;
	case 'q':
		u->quiet = true;
		return -1;
	case 'h':
		fputs(usage, stdout);
		return MS_EXIT_GOOD;
	default:
		fputs("Try 'modseal-verify update --help'.\n", stderr);
		return MS_EXIT_USAGE;
	}
}

/* What the command line does not name is in the configuration, where there is one. */
static int read_config(struct updating *u)
{
	struct ms_error err = {0};
	int rc;

	if (u->named.n_sources && u->named.n_keys && !u->config_file)
		return -1;
	rc = ms_update_config_load(u->config_file ? u->config_file : MS_UPDATE_CONFIG,
				   &u->config, &err);
	if (!rc || (rc == -ENOENT && !u->config_file))
		return -1;
	ms_complain("update: %s", err.msg);
	return MS_EXIT_USAGE;
}

static int load_keys(struct updating *u)
{
	const struct ms_update_config *c = u->named.n_keys ? &u->named : &u->config;
	struct ms_error err = {0};
	char shown[512];

	for (size_t i = 0; i < c->n_keys; i++) {
		if (!ms_publisher_keys_load(&u->keys, c->keys[i], &err))
			continue;
		ms_complain("update: key %s: %s",
			    ms_escape_str(c->keys[i], shown, sizeof(shown)), err.msg);
		return MS_EXIT_USAGE;
	}
	if (u->keys.n)
		return -1;
	ms_complain("update: no key is named that may sign lists: name it with --key, or "
		    "as \"key = FILE\" in " MS_UPDATE_CONFIG);
	return MS_EXIT_USAGE;
}

static const char *day(time_t t, char *dst, size_t size)
{
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(dst, size, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(dst, size, "?");
	return dst;
}

static const char *result(const struct ms_update *u)
{
	static const char *const names[] = {"failed", "new", "replaced", "unchanged"};

	return names[u->change];
}

static int print_json(const char *source, const struct ms_update *u,
		      const struct ms_error *err)
{
	bool there = u->change || u->kept;
	char date[32], shown[4 * MS_FETCH_URL_MAX];
	json_t *j;
	int rc;

	j = json_pack("{s:s, s:s, s:o, s:o, s:o, s:b, s:s?, s:s?}", "source",
		      ms_escape_str(source, shown, sizeof(shown)), "result", result(u),
		      "number", there ? json_integer(u->head.number) : json_null(),
		      "entries",
		      there ? json_integer((json_int_t)u->head.entries) : json_null(),
		      "expires",
		      there ? json_string(day(u->head.expires, date, sizeof(date)))
			    : json_null(),
		      "expired", u->expired, "code", *err->code ? err->code : NULL,
		      "error", *err->msg ? err->msg : NULL);
	if (!j)
		return -ENOMEM;
	rc = json_dumpf(j, stdout, JSON_COMPACT) ? -EIO : 0;
	json_decref(j);
	putchar('\n');
	return rc;
}

static void say_failed(const char *shown, const struct ms_update *u,
		       const struct ms_error *err)
{
	char date[32];

	if (!u->kept)
		ms_complain("update: %s: %s; there is no earlier copy of it", shown,
			    err->msg);
	else
		ms_complain("update: %s: %s; the copy that is there, number %lld, still "
			    "holds, and %s %s",
			    shown, err->msg, u->head.number,
			    u->expired ? "has expired on" : "expires on",
			    day(u->head.expires, date, sizeof(date)));
}

static void say_good(const char *shown, const struct ms_update *u, bool quiet)
{
	static const char *const words[] = {"", "new", "newer than before",
					    "as it was before"};
	char date[32];

	day(u->head.expires, date, sizeof(date));
	if (u->expired)
		ms_complain("update: %s: number %lld has expired on %s: it still holds, "
			    "but its publisher has to issue a newer one",
			    shown, u->head.number, date);
	else if (!quiet)
		printf("%s: number %lld, %s: %zu revoked, expires %s\n", shown,
		       u->head.number, words[u->change], u->head.entries, date);
}

static int update_one(const struct updating *u, const char *source, time_t now)
{
	const char *cacert = u->named.cacert ? u->named.cacert : u->config.cacert;
	struct ms_update one = {.change = 0};
	struct ms_error err = {0};
	char shown[512];
	int rc = ms_update_one(u->dir, source, cacert, &u->keys, now, &one, &err);

	ms_escape_str(source, shown, sizeof(shown));
	if (rc && !*err.msg)
		ms_error_set(&err, rc, NULL, "%s", ms_strerror(rc));
	if (rc)
		say_failed(shown, &one, &err);
	else
		say_good(shown, &one, u->quiet || u->json);
	if (u->json && print_json(source, &one, &err))
		return MS_EXIT_UNCHECKED;
	if (rc && !one.finding)
		return MS_EXIT_UNCHECKED;
	return rc || one.expired ? MS_EXIT_FINDINGS : MS_EXIT_GOOD;
}

static int update_all(struct updating *u)
{
	const struct ms_update_config *c = u->named.n_sources ? &u->named : &u->config;
	int worst = MS_EXIT_GOOD;

	if (!c->n_sources) {
		ms_complain("update: no list to fetch: name one with --source, or as "
			    "\"source = URL\" in " MS_UPDATE_CONFIG);
		return MS_EXIT_USAGE;
	}
	ms_file_clean_up_on_signals();
	for (size_t i = 0; i < c->n_sources; i++) {
		int status = update_one(u, c->sources[i], time(NULL));

		worst = MS_MAX(worst, status);
	}
	if (fflush(stdout) || ferror(stdout))
		return MS_EXIT_UNCHECKED;
	return worst;
}

static int parse(struct updating *u, int argc, char **argv)
{
	int opt, status;

	while ((opt = getopt_long(argc, argv, "qh", options, NULL)) != -1) {
		if (opt == '?')
			ms_complain_option(argv);
		status = apply(u, opt, optarg);
		if (status >= 0)
			return status;
	}
	if (optind == argc)
		return -1;
	ms_complain("update takes no operands: name a list with --source");
	return MS_EXIT_USAGE;
}

int ms_verb_update(int argc, char **argv)
{
	struct updating u = {.dir = MS_REVOCATION_STORE};
	int status = parse(&u, argc, argv);

	if (status < 0)
		status = read_config(&u);
	if (status < 0)
		status = load_keys(&u);
	if (status < 0)
		status = update_all(&u);
	ms_update_config_clear(&u.named);
	ms_update_config_clear(&u.config);
	ms_publisher_keys_clear(&u.keys);
	return status;
}
