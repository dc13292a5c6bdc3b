/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal init: from an installed package to a key that signs, as often as it takes. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "signer/client/facts.h"
#include "signer/client/init_agent.h"
#include "signer/client/init_step.h"
#include "signer/client/init_text.h"

#define START_MAX (MS_PATH_MAX + MS_INIT_DIR_MAX + 64)

static void init_clear(struct ms_init *in)
{
	ms_talk_close(&in->talk);
	json_decref(in->done);
}

/* ------------------------------------------------------------ who, where, what */

/* A link put there beforehand would have us write elsewhere, a configuration obey. */
static bool is_of_others(const struct stat *st)
{
	return st->st_uid != geteuid() || (st->st_mode & S_IWOTH) ||
	       ((st->st_mode & S_IWGRP) && st->st_gid != getegid());
}

static int find_dir(struct ms_init *in)
{
	const char *dir = ms_cli_opt(in->cli, "dir");
	char real[PATH_MAX];
	struct stat st;

	in->own = dir;
	if (!dir && geteuid() != 0)
		return ms_init_fail(
			"only root can write to " MS_SYSCONFDIR
			": run it as root, or with --dir DIR for an agent of your own");
	dir = dir ? dir : MS_SYSCONFDIR;
	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return ms_init_fail("the folder %s cannot be made: %s", dir,
				    ms_strerror(errno));
	if (!realpath(dir, real) || stat(real, &st) < 0)
		return ms_init_fail("%s: %s", dir, ms_strerror(errno));
	if (strlen(real) > MS_INIT_DIR_MAX || !ms_init_plain(real))
		return ms_cli_usage(
			in->cli,
			"--dir has to be of at most %d characters, all of them "
			"printable ASCII and none a blank, ';' or '#'",
			MS_INIT_DIR_MAX);
	if (is_of_others(&st))
		return ms_init_fail(
			"%s belongs to others, or others may write to it, and could "
			"put there what they like: take a folder of your own",
			real);
	memcpy(in->dir, real, strlen(real) + 1);
	return MS_EXIT_OK;
}

/* ----------------------------------------------------------------------- agent */

static int systemctl(void)
{
	static const char *const argv[] = {
		"systemctl",	   "--quiet",	       "enable", "--now",
		"modseald.socket", "modseald.service", NULL};
	struct ms_error err = {0};
	int r = ms_init_run(argv, &err);

	if (r == -ENOENT)
		return ms_init_fail("systemd runs here, but there is no systemctl");
	if (r < 0)
		return ms_init_complain(&err);
	return r ? ms_init_fail(
			   "the agent does not start: see 'journalctl -u modseald', then "
			   "run "
			   "this again")
		 : MS_EXIT_OK;
}

/* Of the same installation as this program; users do not have sbin on their PATH. */
static const char *agent_program(char buf[MS_PATH_MAX])
{
	static const char beside[] = "/../sbin/modseald";
	char exe[MS_PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - sizeof(beside));
	char *slash;

	if (n <= 0)
		return "modseald";
	exe[n] = '\0';
	slash = strrchr(exe, '/');
	if (!slash)
		return "modseald";
	memcpy(slash, beside, sizeof(beside));
	return access(exe, X_OK) == 0 && realpath(exe, buf) ? buf : "modseald";
}

/* Without a service manager somebody else keeps it running: a container's, or you. */
static int not_started(struct ms_init *in)
{
	char program[MS_PATH_MAX], start[START_MAX] =
					   "install -d -o modseal -g modseal " MS_RUNDIR
					   "; setpriv --reuid=modseal --regid=modseal "
					   "--init-groups modseald";

	if (in->own)
		snprintf(start, sizeof(start), "%s --config %s/modseald.conf",
			 agent_program(program), in->dir);
	json_object_set_new(in->done, "start", json_string(start));
	if (in->cli->json)
		ms_fact_json(in->done);
	(void)ms_init_fail(
		"the agent does not run%s: start it with '%s &', then run this again",
		in->own ? "" : ", and no systemd is here to start it", start);
	return MS_EXIT_AGENT;
}

static int agent_open(struct ms_init *in)
{
	struct ms_error err = {0};

	in->talk.config = in->config;
	if (ms_agent_open(&in->talk.http, &in->config, &err) == 0) {
		in->talk.open = true;
		return MS_EXIT_OK;
	}
	if (!in->own && ms_init_systemd())
		return ms_init_complain(&err);
	return strcmp(err.code, "no-agent") == 0 ? not_started(in)
						 : ms_init_complain(&err);
}

static int agent_start(struct ms_init *in)
{
	int status = in->own || !ms_init_systemd() ? MS_EXIT_OK : systemctl();

	if (!status)
		status = agent_open(in);
	if (status)
		return status;
	json_object_set_new(in->done, "agent", json_string(in->config.agent));
	if (!in->cli->json)
		printf("%-14s %s\n", "Agent", in->config.agent);
	return MS_EXIT_OK;
}

/* --------------------------------------------------------------------- and now */

/* A configuration that was there may let nobody sign, on purpose or not. */
static int check_policy(struct ms_init *in)
{
	_cleanup_buf_ struct ms_buf nothing = MS_BUF_INIT(1);
	_cleanup_json_ json_t *answer = NULL;
	char target[256], why[MS_FACT_TEXT];
	int status;

	snprintf(target, sizeof(target), "/v1/policy/explain?key=%s", in->config.key);
	status = ms_talk_ask(&in->talk, "POST", target, "application/octet-stream",
			     &nothing, &answer);
	if (status || json_is_true(json_object_get(answer, "allowed")))
		return status;
	fprintf(stderr,
		"modseal: init: the rules of %s/modseald.conf do not let you sign: %s: "
		"see modseald.conf(5), [rule NAME], then modseal reload\n",
		in->dir, ms_fact_text(answer, "reason", why));
	return MS_EXIT_OK;
}

static void print_next(struct ms_init *in)
{
	char sign[MS_PATH_MAX + 64], verify[MS_PATH_MAX + 64], enrol[MS_PATH_MAX + 256];
	char env[MS_INIT_DIR_MAX + 64] = "";

	if (in->own)
		snprintf(env, sizeof(env), "MODSEAL_CONFIG=%s/modseal.conf ", in->dir);
	snprintf(sign, sizeof(sign), "%smodseal sign MODULE.ko", env);
	snprintf(verify, sizeof(verify),
		 "modseal-verify verify --anchor %s/cert.pem MODULE.ko", in->dir);
	snprintf(enrol, sizeof(enrol),
		 "%smodseal key enroll %s --for mok --dir %s/enroll", env, in->config.key,
		 in->dir);
	if (in->cli->json) {
		json_object_set_new(in->done, "next",
				    json_pack("[s, s, s]", sign, verify, enrol));
		ms_fact_json(in->done);
		return;
	}
	printf("\nSign a module, verify it, have this machine's kernel trust the key:\n"
	       "    %s\n    %s\n    %s\n",
	       sign, verify, enrol);
}

static int check_options(const struct ms_cli *cli)
{
	const char *key = ms_cli_opt(cli, "key"), *tcti = ms_cli_opt(cli, "tcti");
	char target[256];

	if (cli->agent)
		return ms_cli_usage(cli, "it sets up this machine's agent: leave --agent "
					 "out");
	if (tcti && !ms_init_plain(tcti))
		return ms_cli_usage(cli,
				    "--tcti has to be as device:/dev/tpmrm0 or "
				    "swtpm:path=SOCKET, without blanks, ';' and '#'");
	return key ? ms_talk_key_target(cli, key, "", target, sizeof(target))
		   : MS_EXIT_OK;
}

/* Only where the agent is can one be set up. */
static int check_installed(void)
{
	static const char *const argv[] = {"modseald", "--version", NULL};
	struct ms_error err = {0};
	int r = ms_init_run(argv, &err);

	if (r == -ENOENT)
		return ms_init_fail(
			"the agent, modseald, is not installed: install the package "
			"modseal-agent; for an agent on another machine see "
			"modseal.conf(5)");
	return r < 0 ? ms_init_complain(&err) : MS_EXIT_OK;
}

int ms_cmd_init(const struct ms_cli *cli)
{
	_cleanup_(init_clear) struct ms_init in = {.cli = cli, .done = json_object()};
	int status = check_options(cli);

	/* The agent's user has to read what is written here, whatever the umask. */
	umask(022);
	if (!status)
		status = find_dir(&in);
	if (!status)
		status = check_installed();
	if (!status)
		status = ms_init_configure(&in);
	if (!status)
		status = agent_start(&in);
	if (!status)
		status = ms_init_key(&in);
	if (!status)
		status = ms_init_cert(&in, "pem", "application/x-pem-file");
	if (!status)
		status = ms_init_cert(&in, "der", "application/pkix-cert");
	if (!status)
		status = check_policy(&in);
	if (!status)
		print_next(&in);
	return status;
}
