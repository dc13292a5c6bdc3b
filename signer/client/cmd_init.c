/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal init: from an installed package to a key that signs, as often as it takes. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "lib/escape.h"
#include "lib/file.h"
#include "signer/client/facts.h"
#include "signer/client/init_agent.h"
#include "signer/client/init_text.h"
#include "signer/client/talk.h"

#define DEFAULT_KEY "default"
#define DEFAULT_ALG "rsa4096"
#define VALID_DAYS 3650
/* What the agent has a section for, and who else may sign: docs/man/modseal.1.scd. */
#define RULE "init"
/* A socket's path has 107 bytes, "/agent.sock" among them. */
#define DIR_LEN_MAX 96
#define START_MAX (DIR_LEN_MAX + 64)

/**
 * struct init - what is set up
 * @dir: where configuration and certificates are
 * @own: --dir was given: an agent of whoever runs this, all of it in @dir
 * @config: how the clients find agent and key, by @dir/modseal.conf
 * @done: what was there and what was made, for --json
 */
struct init {
	const struct ms_cli *cli;
	char dir[DIR_LEN_MAX + 1];
	bool own;
	struct ms_client_config config;
	struct ms_talk talk;
	json_t *done;
};

static void init_clear(struct init *in)
{
	ms_talk_close(&in->talk);
	json_decref(in->done);
}

static int complain(struct ms_error *err)
{
	ms_error_prefix(err, "init");
	ms_cli_complain(err);
	return MS_EXIT_FAILED;
}

static int _printf_(1, 2) fail(const char *fmt, ...)
{
	struct ms_error err = {0};
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ms_error_set(&err, -EINVAL, NULL, "%s", text);
	return complain(&err);
}

/* A step is told when it is done, as the next one may fail. */
static void done(struct init *in, const char *label, const char *name, const char *what,
		 bool made)
{
	json_object_set_new(in->done, name,
			    json_pack("{s:s, s:b}", "name", what, "made", made));
	if (!in->cli->json)
		printf("%-14s %s (%s)\n", label, what, made ? "made" : "there already");
}

/* ------------------------------------------------------------ who, where, what */

/* A link put there beforehand would have us write elsewhere, a configuration obey. */
static bool is_of_others(const struct stat *st)
{
	return st->st_uid != geteuid() || (st->st_mode & S_IWOTH) ||
	       ((st->st_mode & S_IWGRP) && st->st_gid != getegid());
}

static int find_dir(struct init *in)
{
	const char *dir = ms_cli_opt(in->cli, "dir");
	char real[PATH_MAX];
	struct stat st;

	in->own = dir;
	if (!dir && geteuid() != 0)
		return fail(
			"only root can write to " MS_SYSCONFDIR
			": run it as root, or with --dir DIR for an agent of your own");
	dir = dir ? dir : MS_SYSCONFDIR;
	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return fail("the folder %s cannot be made: %s", dir, ms_strerror(errno));
	if (!realpath(dir, real) || stat(real, &st) < 0)
		return fail("%s: %s", dir, ms_strerror(errno));
	if (strlen(real) > DIR_LEN_MAX || !ms_init_plain(real))
		return ms_cli_usage(
			in->cli,
			"--dir has to be of at most %d characters, all of them "
			"printable ASCII and none a blank, ';' or '#'",
			DIR_LEN_MAX);
	if (is_of_others(&st))
		return fail("%s belongs to others, or others may write to it, and could "
			    "put there what they like: take a folder of your own",
			    real);
	memcpy(in->dir, real, strlen(real) + 1);
	return MS_EXIT_OK;
}

static void path_in(const struct init *in, const char *name, char ret[MS_PATH_MAX])
{
	snprintf(ret, MS_PATH_MAX, "%s/%s", in->dir, name);
}

/* Return: 0, -ENOENT without a word, or another negative errno, having complained. */
static int read_file(const struct init *in, const char *name, struct ms_file *f)
{
	struct ms_error err = {0};
	char path[MS_PATH_MAX];
	int r;

	path_in(in, name, path);
	r = ms_file_read(AT_FDCWD, path, MS_CONFIG_MAX, 0, f, &err);
	if (r < 0 && r != -ENOENT) {
		ms_error_prefix(&err, "%s", path);
		complain(&err);
	}
	return r;
}

/* The name of the key, and the agent: as modseal.conf has them, if there is one. */
static int find_names(struct init *in, bool *ret_there)
{
	_cleanup_file_ struct ms_file f = {0};
	const char *key = ms_cli_opt(in->cli, "key");
	struct ms_client_config *c = &in->config;
	struct ms_error err = {0};
	int r;

	if (in->own)
		snprintf(c->agent, sizeof(c->agent), "unix:%s/agent.sock", in->dir);
	else
		snprintf(c->agent, sizeof(c->agent), "unix:" MS_AGENT_SOCKET);
	r = read_file(in, "modseal.conf", &f);
	if (r < 0 && r != -ENOENT)
		return MS_EXIT_FAILED;
	*ret_there = r == 0;
	if (r == 0 && ms_client_config_parse((char *)f.data, f.len, c, &err) < 0) {
		ms_error_prefix(&err, "%s/modseal.conf", in->dir);
		return complain(&err);
	}
	if (ms_agent_is_remote(c))
		return fail(
			"%s/modseal.conf names an agent on another machine: %s: there "
			"is nothing to set up here",
			in->dir, c->agent);
	if (*ret_there && !c->key[0])
		return fail(
			"%s/modseal.conf is there and names no key: it stays as it is: "
			"add the line \"key = %s\" and run this again",
			in->dir, key ? key : DEFAULT_KEY);
	if (*ret_there && key && strcmp(key, c->key) != 0)
		return fail(
			"%s/modseal.conf names the key %s: nothing was changed: leave "
			"--key out, or make another key with 'modseal key create %s'",
			in->dir, c->key, key);
	if (!*ret_there)
		snprintf(c->key, sizeof(c->key), "%s", key ? key : DEFAULT_KEY);
	return MS_EXIT_OK;
}

/* --------------------------------------------------------------- configuration */

/* Only where nothing is; whatever is killed leaves it whole or not there. */
static int write_new(struct init *in, const char *label, const char *name,
		     const void *data, size_t len)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = len};
	struct ms_error err = {0};
	char path[MS_PATH_MAX];

	path_in(in, name, path);
	if (ms_file_replace(path, -1, 0644, &iov, 1, true, &err) < 0)
		return complain(&err);
	done(in, label, name, path, true);
	return MS_EXIT_OK;
}

static int write_client(struct init *in, bool there)
{
	_cleanup_buf_ struct ms_buf text = MS_BUF_INIT(MS_CONFIG_MAX);
	const struct ms_setting set[] = {
		{NULL, "agent", in->own ? in->config.agent : NULL},
		{NULL, "key", in->config.key},
	};
	char path[MS_PATH_MAX];

	if (there) {
		path_in(in, "modseal.conf", path);
		done(in, "Clients", "modseal.conf", path, false);
		return MS_EXIT_OK;
	}
	if (ms_init_fill(ms_text_modseal_conf, set, ARRAY_SIZE(set), &text))
		return fail("its template of modseal.conf is not as expected");
	return write_new(in, "Clients", "modseal.conf", text.data, text.len);
}

/* One that is there stays; --tcti must not be ignored without a word. */
static int agent_config_kept(struct init *in, const struct ms_file *f)
{
	const char *tcti = ms_cli_opt(in->cli, "tcti");
	const struct ms_setting want = {"tpm", "tcti", tcti};
	char path[MS_PATH_MAX];

	path_in(in, "modseald.conf", path);
	if (tcti && !ms_init_has((char *)f->data, f->len, &want))
		return fail("%s is there and stays as it is, but has no \"tcti = %s\" in "
			    "[tpm]: write it there, or leave --tcti out",
			    path, tcti);
	done(in, "Configuration", "modseald.conf", path, false);
	return MS_EXIT_OK;
}

static int write_agent(struct init *in)
{
	_cleanup_buf_ struct ms_buf text = MS_BUF_INIT(MS_CONFIG_MAX);
	char socket[MS_PATH_MAX], state[MS_PATH_MAX], me[32];
	const struct ms_setting set[] = {
		{"agent", "socket", in->own ? socket : NULL},
		{"agent", "state", in->own ? state : NULL},
		{"agent", "admins", in->own ? me : NULL},
		{"tpm", "tcti", ms_cli_opt(in->cli, "tcti")},
	};

	path_in(in, "agent.sock", socket);
	path_in(in, "state", state);
	snprintf(me, sizeof(me), "uid:%u", (unsigned int)geteuid());
	if (ms_init_fill(ms_text_modseald_conf, set, ARRAY_SIZE(set), &text))
		return fail("its template of modseald.conf is not as expected");
	ms_buf_printf(&text,
		      "\n# By modseal init: who administers this machine signs with its "
		      "key, as DKMS does.\n"
		      "[rule " RULE "]\nwho = %s\nkey = %s\n",
		      me, in->config.key);
	if (ms_buf_error(&text))
		return fail("there is not enough memory");
	return write_new(in, "Configuration", "modseald.conf", text.data, text.len);
}

static int check_agent_config(struct init *in)
{
	char path[MS_PATH_MAX];
	const char *const argv[] = {"modseald", "-t", "-c", path, NULL};
	struct ms_error err = {0};
	int r;

	path_in(in, "modseald.conf", path);
	r = ms_init_run(argv, &err);
	if (r < 0)
		return complain(&err);
	return r ? fail("the agent would not start with %s: see above", path)
		 : MS_EXIT_OK;
}

/* Configuration of both, from what there is and what is wanted. */
static int configure(struct init *in)
{
	_cleanup_file_ struct ms_file f = {0};
	struct ms_error err = {0};
	bool client_there;
	int r, status = find_names(in, &client_there);

	if (status)
		return status;
	r = read_file(in, "modseald.conf", &f);
	if (r < 0 && r != -ENOENT)
		return MS_EXIT_FAILED;
	if (r && !ms_cli_opt(in->cli, "tcti") && ms_init_tpm("", &err) < 0)
		return complain(&err);
	/* The key's name first: killed here, the next run takes the same. */
	status = write_client(in, client_there);
	if (!status)
		status = r ? write_agent(in) : agent_config_kept(in, &f);
	return status ? status : check_agent_config(in);
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
		return fail("systemd runs here, but there is no systemctl");
	if (r < 0)
		return complain(&err);
	return r ? fail("the agent does not start: see 'journalctl -u modseald', then "
			"run "
			"this again")
		 : MS_EXIT_OK;
}

/* Without a service manager somebody else keeps it running: a container's, or you. */
static int not_started(struct init *in)
{
	char start[START_MAX] =
		"install -d -o modseal -g modseal " MS_RUNDIR
		"; setpriv --reuid=modseal --regid=modseal --init-groups modseald";

	if (in->own)
		snprintf(start, sizeof(start), "modseald --config %s/modseald.conf",
			 in->dir);
	json_object_set_new(in->done, "start", json_string(start));
	if (in->cli->json)
		ms_fact_json(in->done);
	(void)fail("the agent does not run%s: start it with '%s &', then run this again",
		   in->own ? "" : ", and no systemd is here to start it", start);
	return MS_EXIT_AGENT;
}

static int agent_open(struct init *in)
{
	struct ms_error err = {0};

	in->talk.config = in->config;
	if (ms_agent_open(&in->talk.http, &in->config, &err) == 0) {
		in->talk.open = true;
		return MS_EXIT_OK;
	}
	if (!in->own && ms_init_systemd())
		return complain(&err);
	return strcmp(err.code, "no-agent") == 0 ? not_started(in) : complain(&err);
}

static int agent_start(struct init *in)
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

/* ------------------------------------------------------------------------- key */

/* What people see in a list of enrolled certificates: which machine's it is. */
static void subject(const struct init *in, char ret[64])
{
	char host[33] = "";

	if (gethostname(host, sizeof(host) - 1) || !ms_init_plain(host))
		snprintf(ret, 64, "%.63s", in->config.key);
	else
		snprintf(ret, 64, "%s kernel modules", host);
}

static int key_make(struct init *in, json_t **ret)
{
	_cleanup_buf_ struct ms_buf body = MS_BUF_INIT(MS_CONFIG_MAX);
	const char *alg = ms_cli_opt(in->cli, "alg");
	_cleanup_json_ json_t *question = NULL;
	_cleanup_free_ char *text = NULL;
	char name[64];

	subject(in, name);
	question = json_pack("{s:s, s:s, s:s, s:s, s:i, s:[i]}", "name", in->config.key,
			     "algorithm", alg ? alg : DEFAULT_ALG, "custody", "sealed",
			     "subject", name, "days", VALID_DAYS, "pcrs", 7);
	text = question ? json_dumps(question, JSON_COMPACT) : NULL;
	if (!text)
		return fail("there is not enough memory");
	ms_buf_put(&body, text, strlen(text));
	return ms_talk_ask(&in->talk, "POST", "/v1/keys", "application/json", &body, ret);
}

static const json_t *key_find(const json_t *answer, const char *name)
{
	const json_t *keys = json_object_get(answer, "keys");

	for (size_t i = 0; i < json_array_size(keys); i++) {
		const json_t *key = json_array_get(keys, i);
		const char *s = json_string_value(json_object_get(key, "name"));

		if (s && !strcmp(s, name))
			return key;
	}
	return NULL;
}

static int key_usable(const struct init *in, const json_t *key)
{
	char state[MS_FACT_TEXT], why[MS_FACT_TEXT];

	if (!strcmp(ms_fact_text(key, "state", state), "active"))
		return MS_EXIT_OK;
	return fail(
		"the key %s is there, but %s: %s: it stays as it is: see 'modseal key "
		"show %s'",
		in->config.key, state, ms_fact_text(key, "reason", why), in->config.key);
}

static int make_key(struct init *in)
{
	_cleanup_json_ json_t *answer = NULL, *fresh = NULL;
	char what[3 * MS_FACT_TEXT], alg[MS_FACT_TEXT], custody[MS_FACT_TEXT];
	const json_t *key;
	int status = ms_talk_ask(&in->talk, "GET", "/v1/keys", NULL, NULL, &answer);

	if (status)
		return status;
	key = key_find(answer, in->config.key);
	if (!key)
		status = key_make(in, &fresh);
	if (!status)
		status = key_usable(in, key ? key : fresh);
	if (status)
		return status;
	snprintf(what, sizeof(what), "%s, %s, %s", in->config.key,
		 ms_fact_text(key ? key : fresh, "algorithm", alg),
		 ms_fact_text(key ? key : fresh, "custody", custody));
	done(in, "Key", "key", what, !key);
	json_object_update_new(json_object_get(in->done, "key"),
			       json_pack("{s:s, s:s, s:s}", "name", in->config.key,
					 "algorithm", alg, "custody", custody));
	return MS_EXIT_OK;
}

static int write_cert(struct init *in, const char *format, const char *type)
{
	_cleanup_buf_ struct ms_buf cert = MS_BUF_INIT(MS_CERT_FILE_MAX);
	_cleanup_file_ struct ms_file f = {0};
	char target[256], tail[64], name[16], path[MS_PATH_MAX];
	int r, status;

	snprintf(tail, sizeof(tail), "/certificate?format=%s", format);
	snprintf(name, sizeof(name), "cert.%s", format);
	status =
		ms_talk_key_target(in->cli, in->config.key, tail, target, sizeof(target));
	if (!status)
		status = ms_talk_fetch(&in->talk, target, type, &cert);
	if (status)
		return status;
	r = read_file(in, name, &f);
	if (r == -ENOENT)
		return write_new(in, "Certificate", name, cert.data, cert.len);
	if (r < 0)
		return MS_EXIT_FAILED;
	path_in(in, name, path);
	if (f.len != cert.len || memcmp(f.data, cert.data, f.len) != 0)
		return fail("%s is there and is not the certificate of the key %s: it "
			    "stays as it is: move it away and run this again",
			    path, in->config.key);
	done(in, "Certificate", name, path, false);
	return MS_EXIT_OK;
}

/* --------------------------------------------------------------------- and now */

/* A configuration that was there may let nobody sign, on purpose or not. */
static int check_policy(struct init *in)
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

static void print_next(struct init *in)
{
	char sign[MS_PATH_MAX + 64], verify[MS_PATH_MAX + 64], enrol[MS_PATH_MAX + 256];
	char env[DIR_LEN_MAX + 64] = "";

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
		return fail("the agent, modseald, is not installed: install the package "
			    "modseal-agent; for an agent on another machine see "
			    "modseal.conf(5)");
	return r < 0 ? complain(&err) : MS_EXIT_OK;
}

int ms_cmd_init(const struct ms_cli *cli)
{
	_cleanup_(init_clear) struct init in = {.cli = cli, .done = json_object()};
	int status = check_options(cli);

	/* The agent's user has to read what is written here, whatever the umask. */
	umask(022);
	if (!status)
		status = find_dir(&in);
	if (!status)
		status = check_installed();
	if (!status)
		status = configure(&in);
	if (!status)
		status = agent_start(&in);
	if (!status)
		status = make_key(&in);
	if (!status)
		status = write_cert(&in, "pem", "application/x-pem-file");
	if (!status)
		status = write_cert(&in, "der", "application/pkix-cert");
	if (!status)
		status = check_policy(&in);
	if (!status)
		print_next(&in);
	return status;
}
