/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal init: the configurations of agent and clients. */
#include <errno.h>

#include "signer/client/init_agent.h"
#include "signer/client/init_step.h"
#include "signer/client/init_text.h"

#define DEFAULT_KEY "default"
/* What the agent has a section for, and who else may sign: docs/man/modseal.1.scd. */
#define RULE "init"

/* The name of the key, and the agent: as modseal.conf has them, if there is one. */
static int find_names(struct ms_init *in, bool *ret_there)
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
	r = ms_init_read(in, "modseal.conf", &f);
	if (r < 0 && r != -ENOENT)
		return MS_EXIT_FAILED;
	*ret_there = r == 0;
	if (r == 0 && ms_client_config_parse((char *)f.data, f.len, c, &err) < 0) {
		ms_error_prefix(&err, "%s/modseal.conf", in->dir);
		return ms_init_complain(&err);
	}
	if (ms_agent_is_remote(c))
		return ms_init_fail(
			"%s/modseal.conf names an agent on another machine: %s: there "
			"is nothing to set up here",
			in->dir, c->agent);
	if (*ret_there && !c->key[0])
		return ms_init_fail(
			"%s/modseal.conf is there and names no key: it stays as it is: "
			"add the line \"key = %s\" and run this again",
			in->dir, key ? key : DEFAULT_KEY);
	if (*ret_there && key && strcmp(key, c->key) != 0)
		return ms_init_fail(
			"%s/modseal.conf names the key %s: nothing was changed: leave "
			"--key out, or make another key with 'modseal key create %s'",
			in->dir, c->key, key);
	if (!*ret_there)
		snprintf(c->key, sizeof(c->key), "%s", key ? key : DEFAULT_KEY);
	return MS_EXIT_OK;
}

static int write_client(struct ms_init *in, bool there)
{
	_cleanup_buf_ struct ms_buf text = MS_BUF_INIT(MS_CONFIG_MAX);
	const struct ms_setting set[] = {
		{NULL, "agent", in->own ? in->config.agent : NULL},
		{NULL, "key", in->config.key},
	};
	char path[MS_PATH_MAX];

	if (there) {
		ms_init_path(in, "modseal.conf", path);
		ms_init_done(in, "Clients", "modseal.conf", path, false);
		return MS_EXIT_OK;
	}
	if (ms_init_fill(ms_text_modseal_conf, set, ARRAY_SIZE(set), &text))
		return ms_init_fail("its template of modseal.conf is not as expected");
	return ms_init_write_new(in, "Clients", "modseal.conf", text.data, text.len);
}

/* One that is there stays; --tcti must not be ignored without a word. */
static int agent_config_kept(struct ms_init *in, const struct ms_file *f)
{
	const char *tcti = ms_cli_opt(in->cli, "tcti");
	const struct ms_setting want = {"tpm", "tcti", tcti};
	char path[MS_PATH_MAX];

	ms_init_path(in, "modseald.conf", path);
	if (tcti && !ms_init_has((char *)f->data, f->len, &want))
		return ms_init_fail(
			"%s is there and stays as it is, but has no \"tcti = %s\" in "
			"[tpm]: write it there, or leave --tcti out",
			path, tcti);
	ms_init_done(in, "Configuration", "modseald.conf", path, false);
	return MS_EXIT_OK;
}

static int write_agent(struct ms_init *in)
{
	_cleanup_buf_ struct ms_buf text = MS_BUF_INIT(MS_CONFIG_MAX);
	char socket[MS_PATH_MAX], state[MS_PATH_MAX], me[32];
	const struct ms_setting set[] = {
		{"agent", "socket", in->own ? socket : NULL},
		{"agent", "state", in->own ? state : NULL},
		{"agent", "admins", in->own ? me : NULL},
		{"tpm", "tcti", ms_cli_opt(in->cli, "tcti")},
	};

	ms_init_path(in, "agent.sock", socket);
	ms_init_path(in, "state", state);
	snprintf(me, sizeof(me), "uid:%u", (unsigned int)geteuid());
	if (ms_init_fill(ms_text_modseald_conf, set, ARRAY_SIZE(set), &text))
		return ms_init_fail("its template of modseald.conf is not as expected");
	ms_buf_printf(&text,
		      "\n# By modseal init: who administers this machine signs with its "
		      "key, as DKMS does.\n"
		      "[rule " RULE "]\nwho = %s\nkey = %s\n",
		      me, in->config.key);
	if (ms_buf_error(&text))
		return ms_init_fail("there is not enough memory");
	return ms_init_write_new(in, "Configuration", "modseald.conf", text.data,
				 text.len);
}

static int check_agent_config(struct ms_init *in)
{
	char path[MS_PATH_MAX];
	const char *const argv[] = {"modseald", "-t", "-c", path, NULL};
	struct ms_error err = {0};
	int r;

	ms_init_path(in, "modseald.conf", path);
	r = ms_init_run(argv, &err);
	if (r < 0)
		return ms_init_complain(&err);
	return r ? ms_init_fail("the agent would not start with %s: see above", path)
		 : MS_EXIT_OK;
}

int ms_init_configure(struct ms_init *in)
{
	_cleanup_file_ struct ms_file f = {0};
	struct ms_error err = {0};
	bool client_there;
	int r, status = find_names(in, &client_there);

	if (status)
		return status;
	r = ms_init_read(in, "modseald.conf", &f);
	if (r < 0 && r != -ENOENT)
		return MS_EXIT_FAILED;
	if (r && !ms_cli_opt(in->cli, "tcti") && ms_init_tpm("", &err) < 0)
		return ms_init_complain(&err);
	/* The key's name first: killed here, the next run takes the same. */
	status = write_client(in, client_there);
	if (!status)
		status = r ? write_agent(in) : agent_config_kept(in, &f);
	return status ? status : check_agent_config(in);
}
