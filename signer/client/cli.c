/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include "lib/escape.h"
#include "signer/client/cli.h"

#define WORD_MAX 64

void ms_cli_clear(struct ms_cli *cli)
{
	free(cli->operands);
	cli->operands = NULL;
}

void ms_cli_complain(const struct ms_error *err)
{
	fprintf(stderr, "modseal: %s\n", err->msg[0] ? err->msg : "failed");
}

int ms_cli_usage(const struct ms_cli *cli, const char *fmt, ...)
{
	struct ms_error err;
	char text[sizeof(err.msg)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (cli->cmd)
		fprintf(stderr, "modseal: %s: %s (see modseal %s --help)\n",
			cli->cmd->name, text, cli->cmd->name);
	else
		fprintf(stderr, "modseal: %s (see modseal --help)\n", text);
	return MS_EXIT_USAGE;
}

int ms_cli_number(const char *text, long min, long max, long *ret)
{
	long v = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		v = v * 10 + (*text - '0');
		if (v > max)
			return -EINVAL;
	}
	if (v < min)
		return -EINVAL;
	*ret = v;
	return 0;
}

/* ---------------------------------------------------------------- parsing */

static const struct ms_cli_option *option_in(const struct ms_cli_option *o,
					     const char *name, size_t len, char letter)
{
	for (; o && o->name; o++) {
		if (name && strlen(o->name) == len && !memcmp(o->name, name, len))
			return o;
		if (letter && o->letter == letter)
			return o;
	}
	return NULL;
}

static const struct ms_cli_option *option_find(const struct ms_command *cmd,
					       const char *name, size_t len, char letter)
{
	const struct ms_cli_option *o =
		cmd ? option_in(cmd->options, name, len, letter) : NULL;

	return o ? o : option_in(ms_common_options, name, len, letter);
}

const char *ms_cli_opt(const struct ms_cli *cli, const char *name)
{
	const struct ms_cli_option *o =
		option_in(cli->cmd->options, name, strlen(name), 0);

	if (!o)
		abort();
	return cli->value[o - cli->cmd->options];
}

static bool choice_allowed(const char *choices, const char *value)
{
	size_t len = strlen(value), n;

	for (const char *p = choices; *p; p += n + (p[n] == '|')) {
		n = strcspn(p, "|");
		if (n == len && !memcmp(p, value, n))
			return true;
	}
	return false;
}

static int option_set(struct ms_cli *ret, const struct ms_cli_option *o,
		      const char *value, struct ms_error *err)
{
	char shown[WORD_MAX];

	if (o->choices && !choice_allowed(o->choices, value))
		return ms_error_set(err, -EINVAL, NULL, "--%s %s is not one of %s",
				    o->name, ms_escape_str(value, shown, sizeof(shown)),
				    o->choices);
	if (o >= ms_common_options && o < ms_common_options + MS_CLI_OPTIONS_MAX) {
		if (!strcmp(o->name, "json"))
			ret->json = true;
		else if (!strcmp(o->name, "help"))
			ret->help = true;
		else
			ret->agent = value;
		return 0;
	}
	if (ret->value[o - ret->cmd->options])
		return ms_error_set(err, -EINVAL, NULL, "--%s is given twice", o->name);
	ret->value[o - ret->cmd->options] = value;
	return 0;
}

/* --name, --name=value, --name value; @i is moved over a value that was used */
static int long_option(int argc, char **argv, int *i, struct ms_cli *ret,
		       struct ms_error *err)
{
	const char *name = argv[*i] + 2, *eq = strchr(name, '=');
	size_t len = eq ? (size_t)(eq - name) : strlen(name);
	const struct ms_cli_option *o = option_find(ret->cmd, name, len, 0);
	char shown[WORD_MAX];

	if (!o)
		return ms_error_set(err, -EINVAL, NULL, "there is no option --%s",
				    ms_escape(name, len, shown, sizeof(shown)));
	if (!o->arg)
		return eq ? ms_error_set(err, -EINVAL, NULL, "--%s takes no value",
					 o->name)
			  : option_set(ret, o, "", err);
	if (eq)
		return option_set(ret, o, eq + 1, err);
	if (*i + 1 >= argc)
		return ms_error_set(err, -EINVAL, NULL, "--%s needs a value: %s", o->name,
				    o->arg);
	return option_set(ret, o, argv[++*i], err);
}

/* -r, -rq, -j2, -j 2 */
static int short_options(int argc, char **argv, int *i, struct ms_cli *ret,
			 struct ms_error *err)
{
	char shown[WORD_MAX];

	for (const char *p = argv[*i] + 1; *p; p++) {
		const struct ms_cli_option *o = option_find(ret->cmd, NULL, 0, *p);
		int rc;

		if (!o)
			return ms_error_set(err, -EINVAL, NULL, "there is no option -%s",
					    ms_escape(p, 1, shown, sizeof(shown)));
		if (!o->arg) {
			rc = option_set(ret, o, "", err);
			if (rc)
				return rc;
			continue;
		}
		if (p[1])
			return option_set(ret, o, p + 1, err);
		if (*i + 1 >= argc)
			return ms_error_set(err, -EINVAL, NULL, "-%c needs a value: %s",
					    *p, o->arg);
		return option_set(ret, o, argv[++*i], err);
	}
	return 0;
}

static int operands_check(const struct ms_cli *cli, struct ms_error *err)
{
	const struct ms_command *cmd = cli->cmd;
	char shown[WORD_MAX];

	if (cli->n_operands < cmd->min)
		return ms_error_set(err, -EINVAL, NULL, "%s is missing", cmd->operands);
	if (cmd->max >= 0 && cli->n_operands > cmd->max)
		return ms_error_set(
			err, -EINVAL, NULL, "\"%s\" is one word too many",
			ms_escape_str(cli->operands[cmd->max], shown, sizeof(shown)));
	return 0;
}

int ms_cli_parse(int argc, char **argv, struct ms_cli *ret, struct ms_error *err)
{
	bool options = true;
	int rc = 0;

	ret->operands = calloc((size_t)argc + 1, sizeof(*ret->operands));
	if (!ret->operands)
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	for (int i = 0; i < argc && !rc && !ret->help; i++) {
		if (options && !strcmp(argv[i], "--"))
			options = false;
		else if (options && argv[i][0] == '-' && argv[i][1] == '-')
			rc = long_option(argc, argv, &i, ret, err);
		else if (options && argv[i][0] == '-' && argv[i][1])
			rc = short_options(argc, argv, &i, ret, err);
		else
			ret->operands[ret->n_operands++] = argv[i];
	}
	if (rc || ret->help)
		return rc;
	return operands_check(ret, err);
}

/* ------------------------------------------------------------------- help */

static void help_options(const struct ms_cli_option *o)
{
	for (; o && o->name; o++) {
		char left[WORD_MAX];

		snprintf(left, sizeof(left), "%c%c%c --%s%s%s", o->letter ? '-' : ' ',
			 o->letter ? o->letter : ' ', o->letter ? ',' : ' ', o->name,
			 o->arg ? " " : "", o->arg ? o->arg : "");
		printf("  %-22s %s\n", left, o->help);
		if (o->choices && strchr(o->choices, '|'))
			printf("  %-22s %s: %s\n", "", o->arg, o->choices);
	}
}

void ms_cli_help(const struct ms_command *cmd)
{
	printf("Usage: modseal %s [OPTION...] %s\n\n%c%s.\n", cmd->name, cmd->operands,
	       cmd->summary[0] - 'a' + 'A', cmd->summary + 1);
	if (cmd->help)
		printf("\n%s", cmd->help);
	printf("\nOptions:\n");
	help_options(cmd->options);
	help_options(ms_common_options);
}

/* @group: say "key", or NULL for all */
static void help_commands(FILE *out, const char *group)
{
	size_t len = group ? strlen(group) : 0;

	for (const struct ms_command *c = ms_commands; c->name; c++) {
		char left[WORD_MAX];

		if (group && (strncmp(c->name, group, len) || c->name[len] != ' '))
			continue;
		snprintf(left, sizeof(left), "%s %s", c->name, c->operands);
		fprintf(out, "  %-26s %s\n", left, c->summary);
	}
}

static void help_all(void)
{
	char file[256];

	printf("Usage: modseal COMMAND [OPTION...] [OPERAND...]\n\n"
	       "Keys in the TPM and signed kernel modules, through the agent "
	       "modseald.\n\n");
	help_commands(stdout, NULL);
	printf("\nOptions of every command:\n");
	help_options(ms_common_options);
	printf("  %-22s %s\n", "    --version", "print the version");
	printf("\nEnvironment: MODSEAL_AGENT, MODSEAL_KEY, MODSEAL_BUILD, "
	       "MODSEAL_CONFIG.\nConfiguration: %s.\n"
	       "Exit status: 0 done; 1 refused or failed; 2 usage or configuration; 3 no "
	       "agent.\n",
	       ms_client_config_path(file, sizeof(file)));
}

/* --------------------------------------------------------------- dispatch */

/* The row for the words at @argv; two words go before one. */
static const struct ms_command *command_find(int argc, char **argv, int *ret_words)
{
	char two[WORD_MAX] = "";

	if (argc < 1)
		return NULL;
	if (argc > 1)
		snprintf(two, sizeof(two), "%s %s", argv[0], argv[1]);
	for (const struct ms_command *c = ms_commands; c->name; c++) {
		*ret_words = strchr(c->name, ' ') ? 2 : 1;
		if (!strcmp(c->name, *ret_words == 2 ? two : argv[0]))
			return c;
	}
	return NULL;
}

static bool group_exists(const char *word)
{
	size_t len = strlen(word);

	for (const struct ms_command *c = ms_commands; c->name; c++) {
		if (!strncmp(c->name, word, len) && c->name[len] == ' ')
			return true;
	}
	return false;
}

/* What to say when no row fits. */
static int command_missing(const struct ms_cli *cli, int argc, char **argv)
{
	char shown[WORD_MAX], second[WORD_MAX];

	if (argc < 1)
		return ms_cli_usage(cli, "no command");
	ms_escape_str(argv[0], shown, sizeof(shown));
	if (!group_exists(argv[0]))
		return ms_cli_usage(cli, "there is no command \"%s\"", shown);
	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		printf("Usage: modseal %s COMMAND [OPTION...] [OPERAND...]\n\n", shown);
		help_commands(stdout, argv[0]);
		return MS_EXIT_OK;
	}
	if (argc > 1 && argv[1][0] != '-')
		return ms_cli_usage(cli, "there is no command \"%s %s\"", shown,
				    ms_escape_str(argv[1], second, sizeof(second)));
	fprintf(stderr, "modseal: %s what? One of:\n", shown);
	help_commands(stderr, argv[0]);
	return MS_EXIT_USAGE;
}

/* Options before the command's name; sets @i to the first word that is none. */
static int leading_options(int argc, char **argv, struct ms_cli *cli, int *i,
			   struct ms_error *err)
{
	int rc = 0;

	for (*i = 1; *i < argc && argv[*i][0] == '-' && !rc; ++*i) {
		if (argv[*i][1] == '-')
			rc = long_option(argc, argv, i, cli, err);
		else
			rc = short_options(argc, argv, i, cli, err);
	}
	return rc;
}

static int run(int argc, char **argv)
{
	_cleanup_cli_ struct ms_cli cli = {0};
	struct ms_error err = {0};
	int i, words = 0, rc;

	if (argc > 1 && (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))) {
		printf("modseal %s\n", MS_VERSION);
		return MS_EXIT_OK;
	}
	rc = leading_options(argc, argv, &cli, &i, &err);
	if (rc)
		return ms_cli_usage(&cli, "%s", err.msg);
	if (i < argc && !strcmp(argv[i], "help")) {
		cli.help = true;
		i++;
	}
	if (cli.help && i >= argc) {
		help_all();
		return MS_EXIT_OK;
	}
	cli.cmd = command_find(argc - i, argv + i, &words);
	if (!cli.cmd)
		return command_missing(&cli, argc - i, argv + i);
	rc = ms_cli_parse(argc - i - words, argv + i + words, &cli, &err);
	if (rc)
		return ms_cli_usage(&cli, "%s", err.msg);
	if (cli.help) {
		ms_cli_help(cli.cmd);
		return MS_EXIT_OK;
	}
	return cli.cmd->run(&cli);
}

int ms_cli_main(int argc, char **argv)
{
	int status = run(argc, argv);

	/* A full disk or a closed pipe must not look like success. */
	if (fflush(stdout) || ferror(stdout)) {
		if (errno != EPIPE)
			fprintf(stderr, "modseal: cannot write the answer: %s\n",
				ms_strerror(errno));
		if (status == MS_EXIT_OK)
			status = MS_EXIT_FAILED;
	}
	return status;
}
