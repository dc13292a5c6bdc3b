/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <sys/stat.h>
#include "lib/error.h"
#include "verifier/result.h"

struct finding_info {
	const char *name, *title, *remedy;
	enum ms_severity severity;
	bool unchecked;
};

static const struct finding_info findings[MS_FINDING_COUNT] = {
	[MS_FINDING_UNREADABLE] = {"unreadable", "COULD NOT READ",
				   "see that the file is there and that you may read it",
				   MS_SEVERITY_ERROR, true},
	[MS_FINDING_TOO_LARGE] = {"too-large", "TOO LARGE",
				  "if it is meant to be so large, check it with a larger "
				  "--module-max; else install its package again",
				  MS_SEVERITY_ERROR, true},
	[MS_FINDING_CHANGED] = {"changed-while-read", "CHANGED WHILE READ",
				"find out what is writing to it, then check again",
				MS_SEVERITY_ERROR, true},
	[MS_FINDING_DAMAGED_COMPRESSION] = {"damaged-compression", "DAMAGED",
					    "install the package that it came with again",
					    MS_SEVERITY_ERROR, true},
	[MS_FINDING_DAMAGED_ARCHIVE] = {"damaged-archive", "DAMAGED ARCHIVE",
					"get it again from where it came from",
					MS_SEVERITY_ERROR, true},
	[MS_FINDING_NO_MODULES] = {"no-modules", "NO MODULES",
				   "name the package that has the modules",
				   MS_SEVERITY_ERROR, true},
	[MS_FINDING_UNSUPPORTED_ALGORITHM] = {"unsupported-algorithm",
					      "UNSUPPORTED ALGORITHM",
					      "sign it with RSA or ECDSA and SHA-256",
					      MS_SEVERITY_ERROR, true},
	[MS_FINDING_UNSIGNED] = {"unsigned", "UNSIGNED",
				 "sign it: modseal sign FILE (after any stripping)",
				 MS_SEVERITY_ERROR, false},
	[MS_FINDING_MALFORMED_SIGNATURE] =
		{"malformed-signature", "MALFORMED SIGNATURE",
		 "install the package that it came with again, or sign it again",
		 MS_SEVERITY_ERROR, false},
	[MS_FINDING_UNKNOWN_SIGNATURE_TYPE] =
		{"unknown-signature-type", "UNKNOWN KIND OF SIGNATURE",
		 "sign it again as PKCS#7: modseal sign FILE", MS_SEVERITY_ERROR, true},
	[MS_FINDING_UNKNOWN_SIGNER] = {"unknown-signer", "UNKNOWN SIGNER",
				       "if you trust the signer, name its certificate "
				       "with --anchor; else remove the "
				       "module",
				       MS_SEVERITY_ERROR, false},
	[MS_FINDING_BAD_SIGNATURE] =
		{"bad-signature", "BAD SIGNATURE",
		 "do not load it; install the package that it came with again",
		 MS_SEVERITY_ERROR, false},
	[MS_FINDING_BAD_CHAIN] = {"bad-chain", "BAD CERTIFICATE CHAIN",
				  "do not load it; the embedded certificate was not "
				  "issued by the anchor it names",
				  MS_SEVERITY_ERROR, false},
	[MS_FINDING_REVOKED_CERTIFICATE] =
		{"revoked-certificate", "REVOKED CERTIFICATE",
		 "do not load it; get a module that is signed with a current key",
		 MS_SEVERITY_ERROR, false},
	[MS_FINDING_REVOKED_MODULE] = {"revoked-module", "REVOKED MODULE",
				       "do not load it; install a newer package",
				       MS_SEVERITY_ERROR, false},
	[MS_FINDING_REVOKED_VERSION] = {"revoked-version", "REVOKED VERSION",
					"do not load it; install a newer version",
					MS_SEVERITY_ERROR, false},
	[MS_FINDING_WEAK_DIGEST] = {"weak-digest", "WEAK DIGEST",
				    "sign it again with SHA-256 or better",
				    MS_SEVERITY_ERROR, false},
	[MS_FINDING_WEAK_KEY] = {"weak-key", "WEAK KEY",
				 "sign it again with RSA-2048, P-256 or better",
				 MS_SEVERITY_ERROR, false},
	[MS_FINDING_EXPIRED] = {"certificate-expired", "CERTIFICATE EXPIRED",
				"sign it again with a certificate that is valid",
				MS_SEVERITY_WARNING, false},
	[MS_FINDING_NOT_YET_VALID] = {"certificate-not-yet-valid",
				      "CERTIFICATE NOT YET VALID",
				      "check this machine's clock, or sign it with a "
				      "certificate that is valid",
				      MS_SEVERITY_WARNING, false},
	[MS_FINDING_WRONG_KEY_USAGE] =
		{"wrong-key-usage", "WRONG KEY USAGE",
		 "sign it with a certificate that is meant for signing code",
		 MS_SEVERITY_ERROR, false},
	[MS_FINDING_ISSUER_NOT_CA] =
		{"issuer-not-ca", "ISSUER IS NO CA",
		 "have the signing certificate issued by a CA certificate",
		 MS_SEVERITY_WARNING, false},
	[MS_FINDING_EXTRA_SIGNER] = {"extra-signer", "SEVERAL SIGNERS",
				     "sign it again, so that it has one signer",
				     MS_SEVERITY_ERROR, false},
	[MS_FINDING_NESTED_SIGNATURE] =
		{"nested-signature", "SIGNED TWICE",
		 "sign it again with modseal, which replaces old signatures",
		 MS_SEVERITY_ERROR, false},
	[MS_FINDING_TRAILING_BYTES] =
		{"trailing-bytes", "TRAILING BYTES",
		 "install the package that it came with again, or sign it again",
		 MS_SEVERITY_ERROR, false},
	[MS_FINDING_SIGNED_ATTRIBUTES] =
		{"signed-attributes", "SIGNED ATTRIBUTES",
		 "sign it again without attributes (openssl cms -noattr)",
		 MS_SEVERITY_ERROR, false},
	[MS_FINDING_EMBEDDED_CONTENT] = {"embedded-content", "CONTENT IN THE SIGNATURE",
					 "sign it again with a detached signature",
					 MS_SEVERITY_ERROR, false},
	[MS_FINDING_EXTRA_CERTIFICATE] =
		{"extra-certificate", "UNRELATED CERTIFICATE",
		 "sign it again without certificates that do not lead to the anchor",
		 MS_SEVERITY_WARNING, false},
	[MS_FINDING_NOT_A_MODULE] = {"not-a-module", "NOT A MODULE",
				     "remove it, or name the right file",
				     MS_SEVERITY_ERROR, false},
	[MS_FINDING_STRIPPED] =
		{"stripped", "SYMBOLS STRIPPED",
		 "build it again; strip with --strip-debug only, and before signing",
		 MS_SEVERITY_ERROR, false},
	[MS_FINDING_DUPLICATE_NAME] = {"duplicate-name", "NAME TWICE",
				       "keep one of the two; modprobe loads the one in "
				       "updates/ or extra/ first",
				       MS_SEVERITY_WARNING, false},
	[MS_FINDING_OTHER_KERNEL] = {"other-kernel", "BUILT FOR ANOTHER KERNEL",
				     "build it for this kernel, or remove it",
				     MS_SEVERITY_WARNING, false},
	[MS_FINDING_MISSING_FILE] = {"missing-file", "MISSING",
				     "install its package again, or run depmod",
				     MS_SEVERITY_WARNING, false},
	[MS_FINDING_NOT_LISTED] =
		{"not-listed", "NOT IN modules.dep",
		 "run depmod, or remove it if nobody knows where it came from",
		 MS_SEVERITY_WARNING, false},
	[MS_FINDING_NOT_IN_MANIFEST] =
		{"not-in-manifest", "NOT IN THE MANIFEST",
		 "remove it, or find out who put it there: this build did not sign it",
		 MS_SEVERITY_ERROR, false},
	[MS_FINDING_MANIFEST_MISSING] = {"manifest-missing", "MISSING",
					 "install its package again", MS_SEVERITY_ERROR,
					 false},
	[MS_FINDING_MANIFEST_CHANGED] = {"manifest-changed", "NOT WHAT WAS BUILT",
					 "do not load it; install its package again",
					 MS_SEVERITY_ERROR, false},
	[MS_FINDING_MANIFEST_MOVED] = {"manifest-moved", "MOVED",
				       "put it where its package had it",
				       MS_SEVERITY_WARNING, false},
	[MS_FINDING_LOADED_UNVERIFIED] =
		{"loaded-unverified", "LOADED UNVERIFIED",
		 "unload it, sign it, load it again; sig_enforce=1 would have refused it",
		 MS_SEVERITY_ERROR, false},
	[MS_FINDING_LOADED_FORCED] = {"loaded-forced", "LOADED BY FORCE",
				      "unload it and load it without -f",
				      MS_SEVERITY_ERROR, false},
	[MS_FINDING_LOADED_TAINT] = {"loaded-taint", "TAINTS THE KERNEL",
				     "nothing, if you know it", MS_SEVERITY_NOTE, false},
	[MS_FINDING_LOADED_NO_FILE] =
		{"loaded-no-file", "LOADED, NO FILE",
		 "find out where it came from; install its package again, or unload it",
		 MS_SEVERITY_ERROR, false},
	[MS_FINDING_LOADED_OTHER] =
		{"loaded-other", "NOT WHAT IS LOADED",
		 "load the module again, or boot the kernel again if it was upgraded",
		 MS_SEVERITY_WARNING, false},
	[MS_FINDING_LOADED_UNIDENTIFIED] =
		{"loaded-unidentified", "NOT IDENTIFIED",
		 "build the module with a build-id (ld --build-id)", MS_SEVERITY_WARNING,
		 true},
	[MS_FINDING_LOADED_HIDDEN] =
		{"loaded-hidden", "HIDDEN",
		 "treat this machine as compromised until you know why",
		 MS_SEVERITY_ERROR, false},
	[MS_FINDING_LOADED_NEWER_FILE] =
		{"loaded-newer-file", "FILE CHANGED SINCE",
		 "load the module again, so that what runs is what was checked",
		 MS_SEVERITY_NOTE, false},
	[MS_FINDING_KERNEL_KEY_UNKNOWN] =
		{"kernel-key-unknown", "KEY NOBODY KNOWS",
		 "find out who added it (keyctl show %:.machine, dmesg)",
		 MS_SEVERITY_WARNING, false},
	[MS_FINDING_KERNEL_KEY_MISSING] =
		{"kernel-key-missing", "NOT THE KERNEL THAT RUNS",
		 "boot the installed kernel, or name the image that was booted with "
		 "--kernel",
		 MS_SEVERITY_WARNING, false},
};

static const struct finding_info *info_of(enum ms_finding_code code)
{
	static const struct finding_info none = {"none", "NONE", "", MS_SEVERITY_ERROR,
						 true};

	if ((unsigned int)code >= MS_FINDING_COUNT || !findings[code].name)
		return &none;
	return &findings[code];
}

const char *ms_finding_name(enum ms_finding_code code)
{
	return info_of(code)->name;
}

const char *ms_finding_title(enum ms_finding_code code)
{
	return info_of(code)->title;
}

const char *ms_finding_remedy(enum ms_finding_code code)
{
	return info_of(code)->remedy;
}

static bool has(const struct ms_result *r, enum ms_finding_code code)
{
	for (size_t i = 0; i < r->policy.n_findings; i++)
		if (r->policy.findings[i].code == code)
			return true;
	return false;
}

const char *ms_result_remedy(const struct ms_result *r, size_t i)
{
	enum ms_finding_code code = r->policy.findings[i].code;

	if ((code == MS_FINDING_UNSIGNED && has(r, MS_FINDING_NOT_A_MODULE)) ||
	    (code == MS_FINDING_NOT_A_MODULE && has(r, MS_FINDING_UNSIGNED)))
		return "if it is not meant to be a module, check it with "
		       "`modseal-verify file FILE`; else install its package again";
	return ms_finding_remedy(code);
}

bool ms_result_remedy_seen(const struct ms_result *r, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!strcmp(ms_result_remedy(r, k), ms_result_remedy(r, i)))
			return true;
	return false;
}

bool ms_finding_unchecked(enum ms_finding_code code)
{
	return info_of(code)->unchecked;
}

_printf_(3, 0) static int add(struct ms_result *r, enum ms_finding_code code,
			      const char *fmt, va_list ap)
{
	struct ms_finding *more;
	char *detail;

	if (vasprintf(&detail, fmt, ap) < 0)
		return -ENOMEM;
	more = realloc(r->policy.findings, (r->policy.n_findings + 1) * sizeof(*more));
	if (!more) {
		free(detail);
		return -ENOMEM;
	}
	r->policy.findings = more;
	more[r->policy.n_findings++] = (struct ms_finding){
		.code = code,
		.severity = info_of(code)->severity,
		.detail = detail,
	};
	return 0;
}

int ms_result_add(struct ms_result *r, enum ms_finding_code code, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = add(r, code, fmt, ap);
	va_end(ap);
	return rc;
}

int ms_result_amend(struct ms_result *r, enum ms_finding_code code, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = add(r, code, fmt, ap);
	va_end(ap);
	if (!rc && r->policy.verdict != MS_POLICY_UNCHECKED)
		ms_result_settle(r, r->policy.checked);
	return rc;
}

void ms_result_drop(struct ms_result *r, enum ms_finding_code code)
{
	size_t n = 0;

	for (size_t i = 0; i < r->policy.n_findings; i++) {
		if (r->policy.findings[i].code == code)
			free(r->policy.findings[i].detail);
		else
			r->policy.findings[n++] = r->policy.findings[i];
	}
	r->policy.n_findings = n;
	ms_result_settle(r, r->policy.checked);
}

void ms_result_settle(struct ms_result *r, bool checked)
{
	enum ms_policy_verdict v = checked ? MS_POLICY_TRUSTED : MS_POLICY_UNCHECKED;

	for (size_t i = 0; i < r->policy.n_findings; i++) {
		const struct ms_finding *f = &r->policy.findings[i];

		if (info_of(f->code)->unchecked) {
			v = MS_POLICY_UNCHECKED;
			break;
		}
		if (f->severity > MS_SEVERITY_NOTE)
			v = MS_POLICY_FINDINGS;
	}
	r->policy.verdict = v;
	r->policy.checked = checked;
}

void ms_result_clear(struct ms_result *r)
{
	for (size_t i = 0; i < r->policy.n_findings; i++)
		free(r->policy.findings[i].detail);
	free(r->policy.findings);
	free(r->signers);
	free(r->path);
	free(r->name);
	free(r->vermagic);
	free(r->build_id);
	free(r->digest);
	*r = (struct ms_result){0};
}

void ms_file_id_set(const struct stat *st, struct ms_file_id *ret)
{
	*ret = (struct ms_file_id){
		.dev = st->st_dev,
		.ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.mtime = st->st_mtim.tv_sec,
		.mtime_ns = st->st_mtim.tv_nsec,
		.ctime = st->st_ctim.tv_sec,
		.ctime_ns = st->st_ctim.tv_nsec,
	};
}

const char *ms_severity_name(enum ms_severity s)
{
	static const char *const names[] = {"note", "warning", "error"};

	return (unsigned int)s < ARRAY_SIZE(names) ? names[s] : "error";
}

const char *ms_enforce_name(enum ms_enforce e)
{
	static const char *const names[] = {"enforce", "permissive", "lockdown"};

	return (unsigned int)e < ARRAY_SIZE(names) ? names[e] : "enforce";
}

const char *ms_kernel_verdict_name(enum ms_kernel_verdict v)
{
	static const char *const names[] = {NULL, "loads", "taints", "refused"};

	return (unsigned int)v < ARRAY_SIZE(names) ? names[v] : NULL;
}

const char *ms_policy_verdict_name(enum ms_policy_verdict v)
{
	static const char *const names[] = {"unchecked", "trusted", "findings"};

	return (unsigned int)v < ARRAY_SIZE(names) ? names[v] : "unchecked";
}

const char *ms_errno_name(int rc)
{
	return rc ? strerrorname_np(rc < 0 ? -rc : rc) : NULL;
}
