/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal build show --diff */
#include "signer/client/cmd_build.h"
#include "signer/client/facts.h"
#include "signer/client/module_diff.h"

/* The modules of an answer, whichever of the two forms it has. */
static const json_t *modules_of(const json_t *answer)
{
	const json_t *list = json_object_get(answer, "list");

	return json_object_get(list ? list : answer, "modules");
}

static int fetch(const struct ms_cli *cli, const char *id, const char *tail, json_t **ret)
{
	char target[MS_BUILD_TARGET_MAX];
	int status = ms_build_target(cli, id, tail, target);

	return status ? status : ms_build_get(cli, target, ret);
}

static const char *where(const json_t *m, char ret[MS_FACT_TEXT])
{
	ms_fact_text(m, "path", ret);
	return strcmp(ret, "-") != 0 ? ret : ms_fact_text(m, "file", ret);
}

static void print_list(const json_t *diff, const char *what, const char *title)
{
	const json_t *list = json_object_get(diff, what);
	char path[MS_FACT_TEXT], version[MS_FACT_TEXT];

	if (json_array_size(list) > 0)
		printf("\n%s:\n", title);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *m = json_array_get(list, i);

		ms_fact_text(m, "version", version);
		printf("  %s%s%s\n", where(m, path), strcmp(version, "-") ? "  " : "",
		       strcmp(version, "-") ? version : "");
	}
}

/* A digest does not fit on a line twice, and tells people nothing. */
static void print_change(const json_t *m, const char *name)
{
	char was[MS_FACT_TEXT], now[MS_FACT_TEXT];
	bool hex = strcmp(name, "digest") == 0 || strcmp(name, "build_id") == 0;

	ms_fact_text(json_object_get(m, "was"), name, was);
	ms_fact_text(json_object_get(m, "now"), name, now);
	printf("    %-10s %.*s%s -> %.*s%s\n", name, hex ? 12 : 200, was,
	       hex && strlen(was) > 12 ? "..." : "", hex ? 12 : 200, now,
	       hex && strlen(now) > 12 ? "..." : "");
}

static void print_changed(const json_t *diff)
{
	const json_t *list = json_object_get(diff, "changed");
	char path[MS_FACT_TEXT];

	if (json_array_size(list) > 0)
		printf("\nChanged:\n");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *m = json_array_get(list, i);
		const json_t *names = json_object_get(m, "changes");

		printf("  %s\n", where(m, path));
		for (size_t k = 0; k < json_array_size(names); k++)
			print_change(m, json_string_value(json_array_get(names, k)));
	}
}

static void print_moved(const json_t *diff)
{
	const json_t *list = json_object_get(diff, "moved");
	char from[MS_FACT_TEXT], to[MS_FACT_TEXT];

	if (json_array_size(list) > 0)
		printf("\nMoved:\n");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *m = json_array_get(list, i);

		printf("  %s -> %s\n", ms_fact_text(m, "from", from),
		       ms_fact_text(m, "to", to));
	}
}

static size_t count(const json_t *diff, const char *what)
{
	return json_array_size(json_object_get(diff, what));
}

static void print_diff(const json_t *diff, const char *id, const char *previous)
{
	char same[MS_FACT_TEXT];

	printf("Build %s against %s: %zu new, %zu gone, %zu changed, %zu moved, "
	       "%zu built anew from the same source, %s the same\n",
	       id, previous, count(diff, "new"), count(diff, "gone"),
	       count(diff, "changed"), count(diff, "moved"), count(diff, "rebuilt"),
	       ms_fact_text(diff, "same", same));
	print_list(diff, "new", "New");
	print_list(diff, "gone", "Gone");
	print_changed(diff);
	print_moved(diff);
}

static int compare(const struct ms_cli *cli, const char *id, const char *previous)
{
	_cleanup_json_ json_t *now = NULL, *was = NULL, *diff = NULL;
	const json_t *modules;
	int status = fetch(cli, id, "/modules", &now);

	if (!status)
		status = fetch(cli, previous, "/modules?of=signed", &was);
	if (status)
		return status;
	modules = modules_of(now);
	if (json_array_size(modules) == 0) {
		fprintf(stderr,
			"modseal: build %s has signed nothing yet, and was opened "
			"without a list of what it is going to sign: have it opened with "
			"--list\n",
			id);
		return MS_EXIT_FAILED;
	}
	if (ms_module_diff(modules_of(was), modules, &diff) < 0) {
		fprintf(stderr, "modseal: build show: out of memory\n");
		return MS_EXIT_FAILED;
	}
	if (!cli->json) {
		print_diff(diff, id, previous);
		return MS_EXIT_OK;
	}
	json_object_set_new(diff, "build", json_string(id));
	json_object_set_new(diff, "previous", json_string(previous));
	ms_fact_json(diff);
	return MS_EXIT_OK;
}

int ms_cmd_build_diff(const struct ms_cli *cli)
{
	_cleanup_json_ json_t *build = NULL;
	const char *id = cli->operands[0], *previous;
	int status;

	if (cli->n_operands > 1)
		return compare(cli, id, cli->operands[1]);
	status = fetch(cli, id, "", &build);
	if (status)
		return status;
	previous = json_string_value(json_object_get(build, "previous"));
	if (!previous) {
		fprintf(stderr,
			"modseal: no build of this key and series has ended before %s: "
			"name one to compare it with\n",
			id);
		return MS_EXIT_FAILED;
	}
	return compare(cli, id, previous);
}
