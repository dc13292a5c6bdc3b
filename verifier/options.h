/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_OPTIONS_H
#define MS_OPTIONS_H

#include "verifier/kernel_profile.h"
#include "verifier/anchors.h"
#include "verifier/check.h"
#include "verifier/policy_file.h"
#include "verifier/report.h"

/* Exit statuses, as the manual page promises them. */
enum {
	MS_EXIT_GOOD = 0,
	MS_EXIT_FINDINGS = 1,
	MS_EXIT_USAGE = 2,
	MS_EXIT_UNCHECKED = 3,
};

#define MS_KERNELS_MAX 16u
#define MS_ANCHOR_DIR MS_SYSCONFDIR "/anchors"

/**
 * struct ms_options - the command line
 * @profile, @release: the kernel asked about, if it is a certain one
 * @kernels, @n_kernels: --kernel, not looked at yet
 * @lists, @n_lists: --revocations, not looked at yet
 * @root: --root, or ""
 * @efivars: --efivars, or NULL
 * @cache: --cache, or NULL
 * @stored: folder of the lists that `update` has fetched; NULL: none is heeded
 * @stored_given: it was named, so it has to be there
 * @machine: whose loaded modules are checked, or NULL
 * @uevents: --uevents, or -1
 * @signature: --signature, or NULL
 * @enforce_given: one of --enforce, --permissive, --lockdown was there
 * @args, @n_args: what follows the verb and is no option; points into argv
 */
struct ms_options {
	const char *verb;
	struct ms_anchors anchors;
	struct ms_revocations revocations;
	struct ms_question q;
	struct ms_kernel_profile profile;
	char release[256];
	enum ms_format format;
	bool all, failed_only, quiet;
	struct ms_severities severities;
	const char *kernels[MS_KERNELS_MAX];
	unsigned int n_kernels;
	const char *lists[MS_KERNELS_MAX];
	unsigned int n_lists;
	const char *root, *efivars, *cache, *stored, *signature;
	bool stored_given;
	const struct ms_machine *machine;
	int uevents;
	bool enforce_given;
	unsigned int threads;
	char **args;
	int n_args;
};
void ms_options_clear(struct ms_options *o);

/**
 * ms_options_parse() - read the command line and load the anchors that it names
 *
 * Complains on stderr itself.
 *
 * Return: -1 to go on, else the exit status.
 */
int ms_options_parse(int argc, char **argv, struct ms_options *ret) _must_check_;

/**
 * ms_options_trust() - load the anchors of --kernel, or the default ones if there are
 * none Return: -1 to go on, else the exit status.
 */
int ms_options_trust(struct ms_options *o) _must_check_;

/**
 * ms_options_machine() - what a machine's firmware says: below --root, unless --efivars
 * @anchors: its MokListRT is trusted; its revocations hold anyway
 * Return: -1 to go on, also where there are no EFI variables; else the exit status.
 */
int ms_options_machine(struct ms_options *o, bool anchors) _must_check_;

/** ms_options_revocations() - load all that is revoked, and what is trusted with it as
 * far as that is there. Return: -1 to go on, else the exit status. */
int ms_options_revocations(struct ms_options *o) _must_check_;

/** ms_options_load_kernel() - add a kernel's anchors; an image, or a release below
 * --root. Return: -1 to go on, else the exit status. */
int ms_options_load_kernel(struct ms_options *o, const char *kernel) _must_check_;

/** ms_options_ask_about() - ask about the kernel @release, if it has a row */
void ms_options_ask_about(struct ms_options *o, const char *release);

/* The verbs; each returns the exit status. */
int ms_verb_verify(struct ms_options *o);
int ms_verb_scan(struct ms_options *o);
int ms_verb_explain(struct ms_options *o);
int ms_verb_loaded(struct ms_options *o);
int ms_verb_anchors(struct ms_options *o);
int ms_verb_manifest(struct ms_options *o);
int ms_verb_revocations(struct ms_options *o);
int ms_verb_file(struct ms_options *o);
int ms_verb_watch(struct ms_options *o);
/* The same with a command line of its own. */
int ms_verb_update(int argc, char **argv);

/** ms_complain() - "modseal-verify: <sentence>" on stderr */
void ms_complain(const char *fmt, ...) _printf_(1, 2);

/** ms_complain_option() - about what getopt_long() has just answered with '?' */
void ms_complain_option(char **argv);

#endif
