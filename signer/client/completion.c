/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `modseal completion SHELL`: what shells complete, made from the table of commands. */
#include "signer/client/cli.h"

/* Asks the agent only when somebody presses Tab, and says nothing when it is away. */
#define KEY_NAMES                                \
	"modseal key list --json 2>/dev/null | " \
	"sed -n 's/.*\"name\": *\"\\([A-Za-z0-9._-]*\\)\".*/\\1/p'"

/* The first word of a command, and whether there is a second one. */
static size_t first_word(const struct ms_command *c, bool *ret_two)
{
	size_t n = strcspn(c->name, " ");

	*ret_two = c->name[n] == ' ';
	return n;
}

static bool same_group(const struct ms_command *a, const struct ms_command *b)
{
	bool two;
	size_t n = first_word(a, &two), m = first_word(b, &two);

	return n == m && !memcmp(a->name, b->name, n);
}

/* True for the first row of each group: rows of a group need not follow each other. */
static bool first_of_group(const struct ms_command *c)
{
	for (const struct ms_command *d = ms_commands; d < c; d++)
		if (same_group(c, d))
			return false;
	return true;
}

static bool takes_keys(const struct ms_command *c)
{
	return !strncmp(c->name, "key ", 4) && strcmp(c->name, "key create") &&
	       !strncmp(c->operands, "NAME", 4);
}

static bool takes_files(const struct ms_command *c)
{
	return strstr(c->operands, "FILE") || strstr(c->operands, "PATH") ||
	       strstr(c->operands, "DIR");
}

static bool arg_is_file(const struct ms_cli_option *o)
{
	static const char *const files[] = {"FILE", "DIR", "CERT", "TREE", "PEM"};

	for (size_t i = 0; o->arg && i < ARRAY_SIZE(files); i++)
		if (!strcmp(o->arg, files[i]))
			return true;
	return false;
}

static bool arg_is_key(const struct ms_cli_option *o)
{
	return !strcmp(o->name, "key") || !strcmp(o->name, "kek");
}

/* In single quotes, as all three shells read them; quotes and backslashes go. */
static void put_quoted(const char *s)
{
	putchar('\'');
	for (; *s; s++)
		putchar(*s == '\'' || *s == '\\' ? ' ' : *s);
	putchar('\'');
}

static void put_choices(const char *choices)
{
	for (; *choices; choices++)
		putchar(*choices == '|' ? ' ' : *choices);
}

/* -------------------------------------------------------------------- bash */

static void bash_option_values(const struct ms_cli_option *o)
{
	for (; o && o->name; o++) {
		if (!o->arg)
			continue;
		printf("\t\t--%s", o->name);
		if (o->letter)
			printf(" | -%c", o->letter);
		fputs(") ", stdout);
		if (o->choices) {
			fputs("words='", stdout);
			put_choices(o->choices);
			puts("' ;;");
		} else if (arg_is_file(o)) {
			puts("files=1 ;;");
		} else if (arg_is_key(o)) {
			puts("words=$(" KEY_NAMES ") ;;");
		} else {
			puts("return ;;");
		}
	}
}

static void bash_option_names(const struct ms_cli_option *o)
{
	for (; o && o->name; o++)
		printf(" --%s", o->name);
}

static void bash_command(const struct ms_command *c)
{
	printf("\t'%s')\n\t\tcase $prev in\n", c->name);
	bash_option_values(c->options);
	bash_option_values(ms_common_options);
	fputs("\t\t*)\n\t\t\tif [[ $cur == -* ]]; then\n\t\t\t\twords='", stdout);
	bash_option_names(c->options);
	bash_option_names(ms_common_options);
	puts("'");
	if (takes_keys(c) || takes_files(c))
		puts("\t\t\telse");
	if (takes_keys(c))
		puts("\t\t\t\twords=$(" KEY_NAMES ")");
	if (takes_files(c))
		puts("\t\t\t\tfiles=1");
	puts("\t\t\tfi\n\t\t\t;;\n\t\tesac\n\t\t;;");
}

static void bash_group(const struct ms_command *c)
{
	bool two;
	size_t n = first_word(c, &two);

	if (!two)
		return;
	printf("\t%.*s) words='", (int)n, c->name);
	for (const struct ms_command *d = ms_commands; d->name; d++)
		if (same_group(c, d) && d->name[n] == ' ')
			printf(" %s", d->name + n + 1);
	puts("' ;;");
}

static void bash(void)
{
	bool two;

	puts("# modseal(1): completion for bash, from `modseal completion bash`\n"
	     "_modseal() {\n"
	     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	     "\tlocal cmd='' words='' files='' i\n"
	     "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	     "\t\tcase \"$cmd\" in\n"
	     "\t\t'') [[ ${COMP_WORDS[i]} == -* ]] || cmd=${COMP_WORDS[i]} ;;");
	fputs("\t\t", stdout);
	for (const struct ms_command *c = ms_commands, *last = NULL; c->name; c++) {
		size_t n = first_word(c, &two);

		if (!two || !first_of_group(c))
			continue;
		printf("%s%.*s", last ? " | " : "", (int)n, c->name);
		last = c;
	}
	puts(") [[ ${COMP_WORDS[i]} == -* ]] || cmd+=\" ${COMP_WORDS[i]}\" ;;\n"
	     "\t\tesac\n"
	     "\tdone\n"
	     "\tcase \"$cmd\" in");
	fputs("\t'') words='--help --version", stdout);
	for (const struct ms_command *c = ms_commands; c->name; c++)
		if (first_of_group(c))
			printf(" %.*s", (int)first_word(c, &two), c->name);
	puts("' ;;");
	for (const struct ms_command *c = ms_commands; c->name; c++) {
		if (first_of_group(c))
			bash_group(c);
		bash_command(c);
	}
	puts("\tesac\n"
	     "\tmapfile -t COMPREPLY < <(\n"
	     "\t\t[[ -z $words ]] || compgen -W \"$words\" -- \"$cur\"\n"
	     "\t\t[[ -z $files ]] || compgen -f -- \"$cur\"\n"
	     "\t)\n"
	     "\t[[ -z $files ]] || compopt -o filenames 2>/dev/null\n"
	     "}\n"
	     "complete -F _modseal modseal");
}

/* --------------------------------------------------------------------- zsh */

static void zsh_option(const struct ms_cli_option *o)
{
	fputs(" \\\n\t\t\t'", stdout);
	printf("--%s%s[", o->name, o->arg ? "=" : "");
	for (const char *s = o->help; *s; s++)
		putchar(strchr("'\\[]:", *s) ? ' ' : *s);
	putchar(']');
	if (o->choices) {
		printf(":%s:(", o->arg);
		put_choices(o->choices);
		putchar(')');
	} else if (o->arg) {
		printf(":%s:%s", o->arg,
		       arg_is_file(o)  ? "_files"
		       : arg_is_key(o) ? "_modseal_keys"
				       : " ");
	}
	putchar('\'');
}

static void zsh_options(const struct ms_cli_option *o)
{
	for (; o && o->name; o++)
		zsh_option(o);
}

static void zsh(void)
{
	bool two;

	puts("#compdef modseal\n"
	     "# modseal(1): completion for zsh, from `modseal completion zsh`\n"
	     "_modseal_keys() {\n"
	     "\tlocal -a names\n"
	     "\tnames=(${(f)\"$(" KEY_NAMES ")\"})\n"
	     "\tcompadd -a names\n"
	     "}\n"
	     "_modseal() {\n"
	     "\tlocal cmd=${words[2]} shift_by=1\n"
	     "\tlocal -a list");
	fputs("\tif (( CURRENT == 2 )); then\n\t\tlist=(", stdout);
	for (const struct ms_command *c = ms_commands; c->name; c++)
		if (first_of_group(c))
			printf(" %.*s", (int)first_word(c, &two), c->name);
	puts(")\n\t\tcompadd -a list\n\t\treturn\n\tfi\n\tcase $cmd in");
	for (const struct ms_command *c = ms_commands; c->name; c++) {
		size_t n = first_word(c, &two);

		if (!two || !first_of_group(c))
			continue;
		printf("\t%.*s)\n\t\tif (( CURRENT == 3 )); then\n\t\t\tlist=(", (int)n,
		       c->name);
		for (const struct ms_command *d = ms_commands; d->name; d++) {
			if (!same_group(c, d) || d->name[n] != ' ')
				continue;
			printf("\n\t\t\t\t'%s:", d->name + n + 1);
			for (const char *s = d->summary; *s; s++)
				putchar(strchr("'\\:", *s) ? ' ' : *s);
			putchar('\'');
		}
		puts(")\n\t\t\t_describe command list\n\t\t\treturn\n\t\tfi\n"
		     "\t\tcmd+=\" ${words[3]}\"\n\t\tshift_by=2\n\t\t;;");
	}
	puts("\tesac\n"
	     "\twords=(\"$cmd\" \"${(@)words[shift_by+2,-1]}\")\n"
	     "\t(( CURRENT -= shift_by ))\n"
	     "\tcase $cmd in");
	for (const struct ms_command *c = ms_commands; c->name; c++) {
		printf("\t'%s')\n\t\t_arguments -s", c->name);
		zsh_options(c->options);
		zsh_options(ms_common_options);
		if (takes_keys(c))
			fputs(" \\\n\t\t\t'1:key:_modseal_keys'", stdout);
		if (takes_files(c))
			fputs(" \\\n\t\t\t'*:file:_files'", stdout);
		puts("\n\t\t;;");
	}
	puts("\tesac\n"
	     "}\n"
	     "_modseal \"$@\"");
}

/* -------------------------------------------------------------------- fish */

static void fish_options(const char *name, const struct ms_cli_option *o)
{
	for (; o && o->name; o++) {
		printf("complete -c modseal -n '__modseal_is %s' -l %s", name, o->name);
		if (o->letter)
			printf(" -s %c", o->letter);
		if (o->choices) {
			fputs(" -x -a '", stdout);
			put_choices(o->choices);
			putchar('\'');
		} else if (o->arg && arg_is_key(o)) {
			fputs(" -x -a '(__modseal_keys)'", stdout);
		} else if (o->arg) {
			fputs(arg_is_file(o) ? " -rF" : " -x", stdout);
		}
		fputs(" -d ", stdout);
		put_quoted(o->help);
		putchar('\n');
	}
}

static void fish(void)
{
	bool two;

	puts("# modseal(1): completion for fish, from `modseal completion fish`\n"
	     "function __modseal_keys\n"
	     "\t" KEY_NAMES "\n"
	     "end\n"
	     "function __modseal_is\n"
	     "\tset -l words (string match -v -- '-*' (commandline -opc))[2..]\n"
	     "\ttest \"$words[1..\"(count $argv)\"]\" = \"$argv\"\n"
	     "end\n"
	     "function __modseal_at\n"
	     "\tset -l words (string match -v -- '-*' (commandline -opc))[2..]\n"
	     "\ttest \"$words\" = \"$argv\"\n"
	     "end\n"
	     "complete -c modseal -f");
	for (const struct ms_command *c = ms_commands; c->name; c++) {
		size_t n = first_word(c, &two);

		if (first_of_group(c)) {
			printf("complete -c modseal -n '__modseal_at' -a %.*s", (int)n,
			       c->name);
			if (!two) {
				fputs(" -d ", stdout);
				put_quoted(c->summary);
			}
			putchar('\n');
		}
		if (two) {
			printf("complete -c modseal -n '__modseal_at %.*s' -a %s -d ",
			       (int)n, c->name, c->name + n + 1);
			put_quoted(c->summary);
			putchar('\n');
		}
		if (takes_keys(c))
			printf("complete -c modseal -n '__modseal_at %s' -a "
			       "'(__modseal_keys)'\n",
			       c->name);
		if (takes_files(c))
			printf("complete -c modseal -n '__modseal_is %s' -F\n", c->name);
		fish_options(c->name, c->options);
		fish_options(c->name, ms_common_options);
	}
}

int ms_cmd_completion(const struct ms_cli *cli)
{
	const char *shell = cli->operands[0];

	if (!strcmp(shell, "bash"))
		bash();
	else if (!strcmp(shell, "zsh"))
		zsh();
	else if (!strcmp(shell, "fish"))
		fish();
	else
		return ms_cli_usage(cli, "the shell is bash, zsh or fish");
	if (fflush(stdout) || ferror(stdout)) {
		fputs("modseal: writing the completion failed\n", stderr);
		return MS_EXIT_FAILED;
	}
	return MS_EXIT_OK;
}
