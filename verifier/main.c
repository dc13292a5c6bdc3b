/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/escape.h"
#include "verifier/attestation.h"
#include "verifier/options.h"

static const struct {
	const char *name;
	int (*run)(struct ms_options *o);
} verbs[] = {
	{"verify", ms_verb_verify},
	{"scan", ms_verb_scan},
	{"file", ms_verb_file},
	{"explain", ms_verb_explain},
	{"loaded", ms_verb_loaded},
	{"anchors", ms_verb_anchors},
	{"revocations", ms_verb_revocations},
	{"manifest", ms_verb_manifest},
	{"watch", ms_verb_watch},
};

static int run_verb(struct ms_options *o)
{
	char shown[128];

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(verbs[i].name, o->verb))
			return verbs[i].run(o);
	ms_complain("unknown verb \"%s\": see --help",
		    ms_escape_str(o->verb, shown, sizeof(shown)));
	return MS_EXIT_USAGE;
}

/* What was not written was not said. */
static int finish(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	if (status != MS_EXIT_UNCHECKED)
		ms_complain("standard output cannot be written");
	return MS_EXIT_UNCHECKED;
}

int main(int argc, char **argv)
{
	struct ms_options o;
	int status;

	opterr = 0;
	/* They are about no modules, and have other options. */
	if (argc > 1 && !strcmp(argv[1], "attestation"))
		return finish(ms_verb_attestation(argc - 1, argv + 1));
	if (argc > 1 && !strcmp(argv[1], "update"))
		return finish(ms_verb_update(argc - 1, argv + 1));
	status = ms_options_parse(argc, argv, &o);
	if (status < 0)
		status = run_verb(&o);
	ms_options_clear(&o);
	return finish(status);
}
