/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseald: the agent. Arguments and configuration; the supervisor does the rest. */
#include <getopt.h>
#include <syslog.h>

#include "signer/agent/check_config.h"
#include "signer/agent/config.h"
#include "signer/agent/log.h"
#include "signer/agent/supervisor.h"
#include "signer/agent/tls.h"

#define DEFAULT_CONFIG MS_SYSCONFDIR "/modseald.conf"

static const char usage[] =
	"Usage: modseald [-c FILE] [-t [-s]]\n"
	"Sign kernel modules with keys that a TPM protects.\n"
	"\n"
	"  -c, --config FILE  configuration (default: " DEFAULT_CONFIG ")\n"
	"  -t, --test         check the configuration and exit\n"
	"  -s, --strict       with -t: rules and keys that are hardly meant so are "
	"faults\n"
	"  -h, --help         this text\n"
	"  -V, --version      version\n"
	"\n"
	"Runs in the foreground until SIGTERM. See modseald(8) and modseald.conf(5).\n";

static const struct option options[] = {
	{"config", required_argument, NULL, 'c'}, {"test", no_argument, NULL, 't'},
	{"strict", no_argument, NULL, 's'},	  {"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},	  {0},
};

/* Where the state really is: SQLite and Landlock follow no symlinks. One that is not
 * there yet will be made by that name. */
static void resolve_state(struct ms_config *c)
{
	char *real = realpath(c->state, NULL);

	if (!real)
		return;
	free(c->state);
	c->state = real;
}

static int run(const char *path, bool test, bool strict)
{
	struct ms_config config;
	struct ms_error err = {0};
	int r;

	if (ms_config_load(path, &config, &err) < 0) {
		fprintf(stderr, "modseald: %s\n", err.msg);
		return 1;
	}
	if (ms_tls_check(&config, &err) < 0) {
		fprintf(stderr, "modseald: %s\n", err.msg);
		ms_config_clear(&config);
		return 1;
	}
	resolve_state(&config);
	if (test)
		r = ms_check_config(&config, strict);
	else
		r = ms_supervisor_run(&config);
	ms_config_clear(&config);
	return r;
}

int main(int argc, char **argv)
{
	const char *path = DEFAULT_CONFIG;
	bool test = false, strict = false;
	int c;

	while ((c = getopt_long(argc, argv, "c:tshV", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			path = optarg;
			break;
		case 't':
			test = true;
			break;
		case 's':
			strict = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		case 'V':
			puts("modseald " MS_VERSION);
			return 0;
		default:
			fputs("modseald: try 'modseald --help'\n", stderr);
			return 2;
		}
	}
	if (optind != argc) {
		fprintf(stderr, "modseald: takes no arguments, try 'modseald --help'\n");
		return 2;
	}
	return run(path, test, strict);
}
