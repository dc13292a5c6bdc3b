/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frame of the command modseal: one table of commands, and how a command line becomes
 * a call of one of them. Help texts (and completions) are made from the table.
 */
#ifndef MS_CLI_H
#define MS_CLI_H

#include <stdbool.h>
#include "lib/agent_client.h"
#include "lib/error.h"

/* What a command exits with; docs/man/modseal.1.scd tells the same. */
enum ms_exit {
	MS_EXIT_OK = 0,
	MS_EXIT_FAILED = 1, /* refused, or some of the files failed */
	MS_EXIT_USAGE = 2,  /* command line or configuration */
	MS_EXIT_AGENT = 3,  /* no agent, or it went away */
};

/**
 * struct ms_cli_option - one option of a command
 * @name: long name without dashes
 * @letter: short name, or 0
 * @arg: what the help calls its argument; NULL: a flag
 * @choices: allowed values with "|" between them, or NULL: any
 * @help: one line
 */
struct ms_cli_option {
	const char *name;
	char letter;
	const char *arg, *choices, *help;
};

#define MS_CLI_OPTIONS_MAX 24

struct ms_cli;

/**
 * struct ms_command - one row of the table
 * @name: one word or two ("key create")
 * @operands: as the help shows them; "NAME" is a key, "PATH" a file or folder
 * @min, @max: how many operands; @max < 0: any number
 * @summary: half a line
 * @help: paragraphs for `modseal COMMAND --help`, or NULL
 * @options: ends with a NULL name; NULL: none
 * @run: returns an enum ms_exit
 */
struct ms_command {
	const char *name, *operands;
	int min, max;
	const char *summary, *help;
	const struct ms_cli_option *options;
	int (*run)(const struct ms_cli *cli);
};

/** ms_commands - the table; ends with a NULL name */
extern const struct ms_command ms_commands[];
/** ms_common_options - understood by every command; ends with a NULL name */
extern const struct ms_cli_option ms_common_options[];

/**
 * struct ms_cli - a parsed command line
 * @cmd: row of the table
 * @value: argument of the option of the same index in @cmd->options; "" for a flag;
 *         NULL: not given
 * @operands: point into argv; the array is owned
 * @json: facts as JSON
 * @agent: --agent, or NULL
 */
struct ms_cli {
	const struct ms_command *cmd;
	const char *value[MS_CLI_OPTIONS_MAX];
	char **operands;
	int n_operands;
	bool json, help;
	const char *agent;
};
void ms_cli_clear(struct ms_cli *cli);
#define _cleanup_cli_ _cleanup_(ms_cli_clear)

/**
 * ms_cli_parse() - options and operands of a command
 * @argc, @argv: what follows the command's name
 * @ret: @ret->cmd, json, help and agent as found before the command's name; the rest is
 *       filled in
 *
 * Options and operands in any order; "--" ends options; "--name=value", "-jN" and
 * bundles of short flags are understood; names are not guessed from their beginnings.
 * With --help nothing more is checked.
 *
 * Return: 0, -ENOMEM, or -EINVAL with a sentence.
 */
int ms_cli_parse(int argc, char **argv, struct ms_cli *ret,
		 struct ms_error *err) _must_check_;

/** ms_cli_opt() - argument of option @name of @cli's command ("" for a flag), or NULL.
 * A name that is not in the table is a bug and aborts. */
const char *ms_cli_opt(const struct ms_cli *cli, const char *name);

/** ms_cli_number() - decimal digits only, within @min..@max. Return: 0 or -EINVAL */
int ms_cli_number(const char *text, long min, long max, long *ret) _must_check_;

/** ms_cli_main() - everything between main() and the commands. Return: exit status */
int ms_cli_main(int argc, char **argv);

/** ms_cli_help() - a command's help on stdout */
void ms_cli_help(const struct ms_command *cmd);

/* Every complaint of this program goes through these: "modseal: SENTENCE" on stderr. */
void ms_cli_complain(const struct ms_error *err);
/** ms_cli_usage() - complain about the command line; Return: MS_EXIT_USAGE */
int ms_cli_usage(const struct ms_cli *cli, const char *fmt, ...) _printf_(2, 3);

/* The commands' functions, one file for each group. */
int ms_cmd_init(const struct ms_cli *cli);
int ms_cmd_key_create(const struct ms_cli *cli);
int ms_cmd_key_list(const struct ms_cli *cli);
int ms_cmd_key_show(const struct ms_cli *cli);
int ms_cmd_key_cert(const struct ms_cli *cli);
int ms_cmd_key_unlock(const struct ms_cli *cli);
int ms_cmd_key_import(const struct ms_cli *cli);
int ms_cmd_key_csr(const struct ms_cli *cli);
int ms_cmd_key_install_cert(const struct ms_cli *cli);
int ms_cmd_key_export_backup(const struct ms_cli *cli);
int ms_cmd_key_enroll(const struct ms_cli *cli);
int ms_cmd_key_rotate(const struct ms_cli *cli);
int ms_cmd_key_approve_pcrs(const struct ms_cli *cli);
int ms_cmd_key_reseal(const struct ms_cli *cli);
int ms_cmd_key_attest(const struct ms_cli *cli);
int ms_cmd_key_provision(const struct ms_cli *cli);
int ms_cmd_tpm_identity(const struct ms_cli *cli);
int ms_cmd_tpm_enroll(const struct ms_cli *cli);
int ms_cmd_tpm_install(const struct ms_cli *cli);
int ms_cmd_key_retire(const struct ms_cli *cli);
int ms_cmd_key_revoke(const struct ms_cli *cli);
int ms_cmd_build_open(const struct ms_cli *cli);
int ms_cmd_build_list(const struct ms_cli *cli);
int ms_cmd_build_show(const struct ms_cli *cli);
int ms_cmd_build_manifest(const struct ms_cli *cli);
int ms_cmd_build_approve(const struct ms_cli *cli);
int ms_cmd_build_reject(const struct ms_cli *cli);
int ms_cmd_build_close(const struct ms_cli *cli);
int ms_cmd_policy_check(const struct ms_cli *cli);
int ms_cmd_policy_explain(const struct ms_cli *cli);
int ms_cmd_reload(const struct ms_cli *cli);
int ms_cmd_status(const struct ms_cli *cli);
int ms_cmd_completion(const struct ms_cli *cli);
int ms_cmd_metrics(const struct ms_cli *cli);
int ms_cmd_whoami(const struct ms_cli *cli);
int ms_cmd_sign(const struct ms_cli *cli);
int ms_cmd_resign(const struct ms_cli *cli);
int ms_cmd_detach(const struct ms_cli *cli);
int ms_cmd_attach(const struct ms_cli *cli);
int ms_cmd_log_show(const struct ms_cli *cli);
int ms_cmd_log_tail(const struct ms_cli *cli);
int ms_cmd_log_search(const struct ms_cli *cli);
int ms_cmd_log_proof(const struct ms_cli *cli);
int ms_cmd_log_verify(const struct ms_cli *cli);
int ms_cmd_log_export(const struct ms_cli *cli);
int ms_cmd_revoke_add(const struct ms_cli *cli);
int ms_cmd_revoke_withdraw(const struct ms_cli *cli);
int ms_cmd_revoke_list(const struct ms_cli *cli);
int ms_cmd_revoke_export(const struct ms_cli *cli);
int ms_cmd_batch(const struct ms_cli *cli);

#endif
