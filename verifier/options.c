/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include "lib/escape.h"
#include "lib/limits.h"
#include "verifier/efi_vars.h"
#include "verifier/kernel_tree.h"
#include "verifier/kernel_config.h"
#include "verifier/options.h"
#include "verifier/parallel.h"
#include "verifier/revocation_store.h"

/* What `modseal init` writes. */
#define OWN_CERT MS_SYSCONFDIR "/cert.pem"

enum {
	OPT_ANCHOR = 256,
	OPT_KERNEL,
	OPT_ROOT,
	OPT_EFIVARS,
	OPT_CACHE,
	OPT_REVOCATIONS,
	OPT_SIGNATURE,
	OPT_STORED,
	OPT_NO_STORED,
	OPT_UEVENTS,
	OPT_POLICY,
	OPT_AS_KERNEL,
	OPT_DECOMPRESS,
	OPT_ENFORCE,
	OPT_PERMISSIVE,
	OPT_LOCKDOWN,
	OPT_FORMAT,
	OPT_JSON,
	OPT_ALL,
	OPT_FAILED_ONLY,
	OPT_MODULE_MAX,
	OPT_VERSION,
};

static const struct option options[] = {
	{"anchor", required_argument, NULL, OPT_ANCHOR},
	{"kernel", required_argument, NULL, OPT_KERNEL},
	{"root", required_argument, NULL, OPT_ROOT},
	{"efivars", required_argument, NULL, OPT_EFIVARS},
	{"cache", required_argument, NULL, OPT_CACHE},
	{"policy", required_argument, NULL, OPT_POLICY},
	{"revocations", required_argument, NULL, OPT_REVOCATIONS},
	{"signature", required_argument, NULL, OPT_SIGNATURE},
	{"stored", required_argument, NULL, OPT_STORED},
	{"uevents", required_argument, NULL, OPT_UEVENTS},
	{"no-stored", no_argument, NULL, OPT_NO_STORED},
	{"as-kernel", required_argument, NULL, OPT_AS_KERNEL},
	{"decompress", required_argument, NULL, OPT_DECOMPRESS},
	{"enforce", no_argument, NULL, OPT_ENFORCE},
	{"permissive", no_argument, NULL, OPT_PERMISSIVE},
	{"lockdown", no_argument, NULL, OPT_LOCKDOWN},
	{"format", required_argument, NULL, OPT_FORMAT},
	{"json", no_argument, NULL, OPT_JSON},
	{"all", no_argument, NULL, OPT_ALL},
	{"failed-only", no_argument, NULL, OPT_FAILED_ONLY},
	{"module-max", required_argument, NULL, OPT_MODULE_MAX},
	{"jobs", required_argument, NULL, 'j'},
	{"quiet", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, OPT_VERSION},
	{0},
};

static const char usage[] =
	"usage: modseal-verify verify [OPTION]... PATH...     files, trees, "
	"packages, initramfs\n"
	"       modseal-verify scan [OPTION]... [KERNEL]      all of "
	"/lib/modules/KERNEL\n"
	"       modseal-verify explain [OPTION]... MODULE...  everything about one "
	"module\n"
	"       modseal-verify file [OPTION]... FILE...       files that are no "
	"modules\n"
	"       modseal-verify attestation BUNDLE ...         was a key born in a TPM\n"
	"       modseal-verify loaded [OPTION]...             what this machine has "
	"loaded\n"
	"       modseal-verify anchors [OPTION]...            what is trusted, and why\n"
	"       modseal-verify manifest [OPTION]... FILE TREE a tree against its build's "
	"list\n"
	"       modseal-verify revocations [OPTION]...        what is revoked, and why\n"
	"       modseal-verify watch [OPTION]...              each load and change, as "
	"it "
	"happens\n"
	"       modseal-verify update [OPTION]...             fetch lists of what is "
	"revoked\n"
	"\n"
	"Checks the signatures of kernel modules (.ko, .ko.gz, .ko.xz, .ko.zst): what "
	"would\n"
	"the kernel do with each, and may it be trusted.\n"
	"\n"
	"  --anchor CERT      a trusted certificate: PEM or DER file, or a directory of "
	"them;\n"
	"                     may repeat (default: " MS_ANCHOR_DIR ")\n"
	"  --kernel KERNEL    trust the certificates that are built into this kernel: "
	"its image\n"
	"                     or its release; may repeat (scan looks for the image "
	"itself)\n"
	"  --efivars DIR      trust db and MokListRT of this efivarfs or copy of one\n"
	"  --revocations LIST what is not trusted any more: a CRL or a JSON list; may "
	"repeat\n"
	"  --stored DIR       lists that update has fetched (default:\n"
	"                     " MS_REVOCATION_STORE ")\n"
	"  --no-stored        heed none of them\n"
	"  --signature FILE   file: where the signature of the one file is\n"
	"  --uevents FD       watch: loads and unloads from this socket, not the kernel\n"
	"  --policy FILE      how severe each finding is: lines \"code = "
	"error|warning|note\"\n"
	"  --cache FILE       remember files that do not change; only you may write to "
	"it\n"
	"  --root DIR         a mounted system: where scan and --kernel RELEASE look\n"
	"  --as-kernel VER[,CONFIG]  what would this kernel do, say 6.1 (default: the\n"
	"                     kernel that each module was built for); CONFIG is its\n"
	"                     configuration (default: the distribution's)\n"
	"  --decompress WHO   who decompresses a module: the kernel if it can, else a "
	"tool\n"
	"                     (auto), always a tool, the kernel, or none\n"
	"  --enforce          ... with module.sig_enforce=1 (default)\n"
	"  --permissive       ... without it\n"
	"  --lockdown         ... with lockdown=integrity only\n"
	"  --format FORMAT    table, json (one document), jsonl (one module to a line),\n"
	"                     sarif, html or prometheus\n"
	"  --json             --format json\n"
	"  --all              list trusted modules too\n"
	"  --failed-only      list only the others, in every format\n"
	"  --module-max MIB   memory that one module may take (default: 96)\n"
	"  -j, --jobs N       threads (default: CPUs of this machine)\n"
	"  -q, --quiet        no report; the exit status says it\n"
	"  -h, --help; --version\n"
	"\n"
	"Exit status: 0 all good, 1 findings, 2 usage, 3 something could not be "
	"checked.\n";

void ms_complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("modseal-verify: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

void ms_complain_option(char **argv)
{
	const char c[] = {'-', (char)optopt, 0};
	const char *option = optopt > 0 && optopt < 256 ? c : argv[optind - 1];
	char shown[128];

	ms_complain("%s: no such option, or its value is missing or one too many",
		    ms_escape_str(option, shown, sizeof(shown)));
}

void ms_options_clear(struct ms_options *o)
{
	ms_anchors_clear(&o->anchors);
	ms_revocations_clear(&o->revocations);
}

/* @s is from 1 to @max. */
static int parse_number(const char *s, unsigned int max, unsigned int *ret)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(s, &end, 10);
	if (errno || *end || end == s || *s < '0' || *s > '9' || v < 1 || v > max)
		return -EINVAL;
	*ret = (unsigned int)v;
	return 0;
}

static int parse_fd(const char *s, int *ret)
{
	unsigned int v = 0;

	for (const char *p = s; *p; p++) {
		if (*p < '0' || *p > '9' || p - s > 6)
			return -EINVAL;
		v = 10 * v + (unsigned int)(*p - '0');
	}
	if (!*s || fcntl((int)v, F_SETFD, FD_CLOEXEC))
		return -EINVAL;
	*ret = (int)v;
	return 0;
}

static int load_anchors(struct ms_options *o, const char *path)
{
	struct ms_error err = {0};

	if (!ms_anchors_load(&o->anchors, path, &err))
		return -1;
	ms_complain("%s", err.msg);
	return MS_EXIT_UNCHECKED;
}

/* Kernels are looked for below --root, which may come later on the command line. */
static int note_kernel(struct ms_options *o, const char *kernel)
{
	if (o->n_kernels == MS_KERNELS_MAX) {
		ms_complain("--kernel: at most %u", MS_KERNELS_MAX);
		return MS_EXIT_USAGE;
	}
	o->kernels[o->n_kernels++] = kernel;
	return -1;
}

int ms_options_load_kernel(struct ms_options *o, const char *kernel)
{
	struct ms_error err = {0};
	char path[MS_PATH_MAX], release[128];

	if (access(kernel, F_OK) &&
	    !ms_kernel_image_find(o->root, kernel, path, sizeof(path)))
		kernel = path;
	if (!ms_anchors_load_kernel(&o->anchors, kernel, release, sizeof(release), &err))
		return -1;
	ms_complain("%s", err.msg);
	return MS_EXIT_UNCHECKED;
}

static int bad_value(const char *option, const char *value, const char *allowed)
{
	char shown[128];

	ms_complain("%s %s: must be %s", option,
		    ms_escape_str(value, shown, sizeof(shown)), allowed);
	return MS_EXIT_USAGE;
}

static int set_module_max(struct ms_options *o, const char *arg)
{
	unsigned int mib;

	if (parse_number(arg, MS_MODULE_MAX >> 20, &mib))
		return bad_value("--module-max", arg, "a number of MiB from 1 to 512");
	o->q.module_max = (size_t)mib << 20;
	return -1;
}

void ms_options_ask_about(struct ms_options *o, const char *release)
{
	snprintf(o->release, sizeof(o->release), "%s", release);
	if (!ms_profile_of_release(o->release, &o->profile))
		o->q.profile = &o->profile;
}

/* VERSION or RELEASE, and perhaps ,CONFIG */
static int set_kernel(struct ms_options *o, const char *version)
{
	const char *config = strchr(version, ',');
	_cleanup_free_ char *release = strndup(version, strcspn(version, ","));
	struct ms_error err = {0};
	char shown[128];

	o->q.profile = NULL;
	if (release)
		ms_options_ask_about(o, release);
	if (!o->q.profile) {
		ms_complain("--as-kernel %s: not a kernel that is known here: 5.10 or "
			    "newer",
			    ms_escape_str(version, shown, sizeof(shown)));
		return MS_EXIT_USAGE;
	}
	if (!config || !ms_kernel_config_load(config + 1, &o->profile, &err))
		return -1;
	ms_complain("--as-kernel: configuration %s: %s",
		    ms_escape_str(config + 1, shown, sizeof(shown)), err.msg);
	return MS_EXIT_USAGE;
}

static int set_unpacker(struct ms_options *o, const char *name)
{
	static const char *const names[] = {
		[MS_UNPACKER_AUTO] = "auto",
		[MS_UNPACKER_TOOL] = "tool",
		[MS_UNPACKER_KERNEL] = "kernel",
		[MS_UNPACKER_NONE] = "none",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i])) {
			o->q.unpacker = (enum ms_unpacker)i;
			return -1;
		}
	return bad_value("--decompress", name, "auto, tool, kernel or none");
}

static int set_enforce(struct ms_options *o, enum ms_enforce e)
{
	o->q.enforce = e;
	o->enforce_given = true;
	return -1;
}

static int load_policy(struct ms_options *o, const char *path)
{
	struct ms_error err = {0};

	if (!ms_severities_load(path, &o->severities, &err))
		return -1;
	ms_complain("%s", err.msg);
	return MS_EXIT_USAGE;
}

/* Returns -1 to go on, else the exit status. */
static int apply(struct ms_options *o, int opt, const char *arg)
{
	switch (opt) {
	case OPT_ANCHOR:
		return load_anchors(o, arg);
	case OPT_KERNEL:
		return note_kernel(o, arg);
	case OPT_REVOCATIONS:
		if (o->n_lists == MS_KERNELS_MAX)
			return bad_value("--revocations", arg, "one of at most 16");
		o->lists[o->n_lists++] = arg;
		return -1;
	case OPT_SIGNATURE:
		o->signature = arg;
		return -1;
	case OPT_STORED:
		o->stored = arg;
		o->stored_given = true;
		return -1;
	case OPT_UEVENTS:
		return parse_fd(arg, &o->uevents)
			       ? bad_value("--uevents", arg, "an open file descriptor")
			       : -1;
	case OPT_NO_STORED:
		o->stored = NULL;
		return -1;
	case OPT_POLICY:
		return load_policy(o, arg);
	case OPT_ROOT:
		o->root = arg;
		return -1;
	case OPT_CACHE:
		o->cache = arg;
		return -1;
	case OPT_EFIVARS:
		o->efivars = arg;
		return -1;
	case OPT_AS_KERNEL:
		return set_kernel(o, arg);
	case OPT_DECOMPRESS:
		return set_unpacker(o, arg);
	case OPT_ENFORCE:
		return set_enforce(o, MS_ENFORCE);
	case OPT_PERMISSIVE:
		return set_enforce(o, MS_PERMISSIVE);
	case OPT_LOCKDOWN:
		return set_enforce(o, MS_LOCKDOWN);
	case OPT_FORMAT:
		return ms_format_from_name(arg, &o->format)
			       ? bad_value(
					 "--format", arg,
					 "table, json, jsonl, sarif, html or prometheus")
			       : -1;
	case OPT_JSON:
		o->format = MS_FORMAT_JSON;
		return -1;
	case OPT_ALL:
		o->all = true;
		return -1;
	case OPT_FAILED_ONLY:
		o->failed_only = true;
		return -1;
	case OPT_MODULE_MAX:
		return set_module_max(o, arg);
	case 'j':
		return parse_number(arg, MS_PARALLEL_THREADS_MAX, &o->threads)
			       ? bad_value("-j", arg, "a number from 1 to 256")
			       : -1;
	case 'q':
		o->quiet = true;
		return -1;
	case 'h':
		fputs(usage, stdout);
		return MS_EXIT_GOOD;
	case OPT_VERSION:
		puts("modseal-verify " MS_VERSION);
		return MS_EXIT_GOOD;
	default:
		fputs("Try 'modseal-verify --help'.\n", stderr);
		return MS_EXIT_USAGE;
	}
}

/* After the anchors, which sign them. */
static int load_revocations(struct ms_options *o)
{
	struct ms_error err = {0};
	char shown[512];
	size_t n;

	for (unsigned int i = 0; i < o->n_lists; i++) {
		if (!ms_revocations_load(&o->revocations, o->lists[i], &o->anchors,
					 o->q.now, &err))
			continue;
		ms_complain("%s", err.msg);
		return MS_EXIT_UNCHECKED;
	}
	o->n_lists = 0;
	if (o->stored && o->stored_given && access(o->stored, F_OK)) {
		ms_complain("--stored %s: %s: lists that were asked for cannot be heeded",
			    ms_escape_str(o->stored, shown, sizeof(shown)),
			    ms_strerror(errno));
		return MS_EXIT_UNCHECKED;
	}
	if (o->stored &&
	    ms_revocation_store_load(o->stored, &o->revocations, o->q.now, &n, &err)) {
		ms_complain("%s", err.msg);
		return MS_EXIT_UNCHECKED;
	}
	/* Once is enough. */
	o->stored = NULL;
	return -1;
}

static int load_efivars(struct ms_options *o, const char *dir, bool anchors,
			bool mok_only)
{
	struct ms_efi_vars v;
	struct ms_error err = {0};
	char shown[512];

	if (ms_efi_vars_load(dir, anchors ? &o->anchors : NULL, mok_only, &o->revocations,
			     &v, &err)) {
		ms_complain("%s", err.msg);
		return MS_EXIT_UNCHECKED;
	}
	/* Of a machine that has none they are not missed; of a folder that was named they
	 * are: without its dbx what is revoked would pass for good. */
	if (v.variables || dir != o->efivars)
		return -1;
	ms_complain("--efivars %s: none of db, dbx, MokListRT and MokListXRT is there: "
		    "name a copy of efivarfs, with files NAME-GUID",
		    ms_escape_str(dir, shown, sizeof(shown)));
	return MS_EXIT_UNCHECKED;
}

int ms_options_machine(struct ms_options *o, bool anchors)
{
	_cleanup_free_ char *dir = NULL;

	if (o->efivars)
		return -1;
	if (asprintf(&dir, "%s" MS_EFIVARS, o->root) < 0)
		return MS_EXIT_UNCHECKED;
	return access(dir, F_OK) ? -1 : load_efivars(o, dir, anchors, true);
}

static int load_named(struct ms_options *o)
{
	int status = -1;

	for (unsigned int i = 0; i < o->n_kernels && status < 0; i++)
		status = ms_options_load_kernel(o, o->kernels[i]);
	if (status < 0 && o->efivars)
		status = load_efivars(o, o->efivars, true, false);
	return status;
}

int ms_options_trust(struct ms_options *o)
{
	struct stat st;
	int status = load_named(o);

	if (status >= 0)
		return status;
	if (o->anchors.n)
		return load_revocations(o);
	if (!stat(MS_ANCHOR_DIR, &st)) {
		status = load_anchors(o, MS_ANCHOR_DIR);
		return status >= 0 ? status : load_revocations(o);
	}
	ms_complain(
		"nothing is trusted: name a certificate with --anchor%s, a kernel with "
		"--kernel, or put certificates into " MS_ANCHOR_DIR,
		!access(OWN_CERT, R_OK) ? " (" OWN_CERT " is of this machine's own key)"
					: "");
	return MS_EXIT_USAGE;
}

int ms_options_revocations(struct ms_options *o)
{
	struct stat st;
	int status = load_named(o);

	if (status < 0)
		status = ms_options_machine(o, false);
	if (status < 0 && !o->anchors.n && !stat(MS_ANCHOR_DIR, &st))
		status = load_anchors(o, MS_ANCHOR_DIR);
	return status < 0 ? load_revocations(o) : status;
}

static int parse(int argc, char **argv, struct ms_options *o)
{
	int opt, status;

	while ((opt = getopt_long(argc, argv, "j:qh", options, NULL)) != -1) {
		if (opt == '?')
			ms_complain_option(argv);
		status = apply(o, opt, optarg);
		if (status >= 0)
			return status;
	}
	if (optind >= argc) {
		fputs(usage, stderr);
		return MS_EXIT_USAGE;
	}
	o->verb = argv[optind];
	o->args = argv + optind + 1;
	o->n_args = argc - optind - 1;
	return -1;
}

int ms_options_parse(int argc, char **argv, struct ms_options *ret)
{
	struct ms_options o = {.threads = ms_parallel_default_threads(),
			       .root = "",
			       .uevents = -1,
			       .stored = MS_REVOCATION_STORE};
	struct utsname u;
	int status;

	o.q.now = time(NULL);
	if (!uname(&u))
		o.q.fallback = ms_kernel_profile_find(u.release);
	status = parse(argc, argv, &o);
	*ret = o;
	ret->q.anchors = &ret->anchors;
	ret->q.revocations = &ret->revocations;
	if (o.q.profile == &o.profile) {
		ret->q.profile = &ret->profile;
		if (ret->profile.release)
			ret->profile.release = ret->release;
	}
	return status;
}
