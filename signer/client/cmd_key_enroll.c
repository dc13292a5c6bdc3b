/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal key enroll */
#include "signer/client/enroll.h"

#include <errno.h>

#include "signer/client/cmd_key.h"
#include "signer/client/facts.h"

#define TARGET_MAX 256

static const struct {
	const char *name;
	int (*run)(struct ms_enroll *e);
} targets[] = {
	{"mok", ms_enroll_mok},
	{"db", ms_enroll_db},
	{"trusted-keys", ms_enroll_trusted_keys},
	{"secondary", ms_enroll_secondary},
	{"ima", ms_enroll_ima},
	{"dbx", ms_enroll_dbx},
	{"mokx", ms_enroll_mokx},
	{"blacklist", ms_enroll_blacklist},
	{"revocation-keys", ms_enroll_revocation_keys},
};

static int read_options(const struct ms_cli *cli, struct ms_enroll *e)
{
	const char *dir = ms_cli_opt(cli, "dir"), *owner = ms_cli_opt(cli, "owner"),
		   *time_text = ms_cli_opt(cli, "time"), *from = ms_cli_opt(cli, "from");

	e->cli = cli;
	e->name = cli->operands[0];
	e->dir = dir ? dir : ".";
	e->kek = ms_cli_opt(cli, "kek");
	e->signature = ms_cli_opt(cli, "signature");
	e->replace = ms_cli_opt(cli, "replace");
	e->time = time(NULL);
	if (ms_guid_parse(owner ? owner : MS_EFI_OWNER, &e->owner) < 0)
		return ms_cli_usage(cli, "--owner needs a GUID, as "
					 "8be4df61-93ca-11d2-aa0d-00e098032b8c");
	if ((time_text && ms_key_read_time(time_text, &e->time) < 0) ||
	    (from && ms_key_read_time(from, &e->from) < 0))
		return ms_cli_usage(cli, "--time and --from need a time in UTC: "
					 "YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ");
	if (e->signature && !time_text)
		return ms_cli_usage(cli, "--signature needs the --time that was signed");
	if (e->signature && e->kek)
		return ms_cli_usage(cli, "--kek signs now, --signature was made before: "
					 "use one of them");
	return MS_EXIT_OK;
}

int ms_cmd_key_enroll(const struct ms_cli *cli)
{
	const char *target = ms_cli_opt(cli, "for");
	_cleanup_cert_ struct ms_cert *cert = NULL;
	_cleanup_talk_ struct ms_talk talk = {0};
	_cleanup_(ms_enroll_clear) struct ms_enroll e = {.talk = &talk};
	int status;

	if (!target)
		return ms_cli_usage(cli, "--for TARGET is needed: mok, db, trusted-keys, "
					 "secondary, ima; or dbx, mokx, blacklist, "
					 "revocation-keys to distrust it");
	status = read_options(cli, &e);
	if (!status)
		status = ms_talk_open(cli, &talk);
	if (!status)
		status = ms_talk_key_cert(cli, &talk, cli->operands[0], &cert);
	if (!status)
		status = ms_talk_key_issues(cli, &talk, cli->operands[0], &e.issues);
	if (!status)
		status = ms_enroll_dir(cli, e.dir);
	if (status)
		return status;
	e.cert = cert;
	e.files = json_array();
	e.steps = json_array();
	e.notes = json_array();
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++)
		if (strcmp(targets[i].name, target) == 0)
			status = targets[i].run(&e);
	if (!status)
		ms_enroll_print(&e, target);
	return status;
}
