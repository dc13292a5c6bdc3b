/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the verifier found out about one module: what a kernel would do with it, and what
 * the policy says of it. The two are never mixed.
 */
#ifndef MS_RESULT_H
#define MS_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/hash.h"

struct ms_anchor;
struct ms_identity;
struct ms_kernel_profile;

/* How strictly the kernel that is asked about treats modules it cannot verify. */
enum ms_enforce {
	MS_ENFORCE = 0, /* module.sig_enforce=1, or Secure Boot on most distributions */
	MS_PERMISSIVE,	/* neither */
	MS_LOCKDOWN,	/* lockdown=integrity without sig_enforce */
};

enum ms_kernel_verdict {
	MS_KERNEL_UNCHECKED = 0,
	MS_KERNEL_LOADS,
	MS_KERNEL_TAINTS, /* loads with taint E */
	MS_KERNEL_REFUSED,
};

enum ms_policy_verdict {
	MS_POLICY_UNCHECKED = 0,
	MS_POLICY_TRUSTED,
	MS_POLICY_FINDINGS,
};

enum ms_severity {
	MS_SEVERITY_NOTE = 0, /* shown, but the module is still trusted */
	MS_SEVERITY_WARNING,
	MS_SEVERITY_ERROR,
};

enum ms_finding_code {
	MS_FINDING_NONE = 0,
	/* the module could not be checked */
	MS_FINDING_UNREADABLE,
	MS_FINDING_TOO_LARGE,
	MS_FINDING_CHANGED,
	MS_FINDING_DAMAGED_COMPRESSION,
	MS_FINDING_DAMAGED_ARCHIVE,
	MS_FINDING_NO_MODULES,
	MS_FINDING_UNSUPPORTED_ALGORITHM,
	/* the module was checked */
	MS_FINDING_UNSIGNED,
	MS_FINDING_MALFORMED_SIGNATURE,
	MS_FINDING_UNKNOWN_SIGNATURE_TYPE,
	MS_FINDING_UNKNOWN_SIGNER,
	MS_FINDING_BAD_SIGNATURE,
	MS_FINDING_BAD_CHAIN,
	MS_FINDING_REVOKED_CERTIFICATE,
	MS_FINDING_REVOKED_MODULE,
	MS_FINDING_REVOKED_VERSION,
	MS_FINDING_WEAK_DIGEST,
	MS_FINDING_WEAK_KEY,
	MS_FINDING_EXPIRED,
	MS_FINDING_NOT_YET_VALID,
	MS_FINDING_WRONG_KEY_USAGE,
	MS_FINDING_ISSUER_NOT_CA,
	MS_FINDING_EXTRA_SIGNER,
	MS_FINDING_NESTED_SIGNATURE,
	MS_FINDING_TRAILING_BYTES,
	MS_FINDING_SIGNED_ATTRIBUTES,
	MS_FINDING_EMBEDDED_CONTENT,
	MS_FINDING_EXTRA_CERTIFICATE,
	MS_FINDING_NOT_A_MODULE,
	MS_FINDING_STRIPPED,
	/* the tree is not as it should be */
	MS_FINDING_DUPLICATE_NAME,
	MS_FINDING_OTHER_KERNEL,
	MS_FINDING_MISSING_FILE,
	MS_FINDING_NOT_LISTED,
	/* the tree is not as the build's manifest has it */
	MS_FINDING_NOT_IN_MANIFEST,
	MS_FINDING_MANIFEST_MISSING,
	MS_FINDING_MANIFEST_CHANGED,
	MS_FINDING_MANIFEST_MOVED,
	/* what is loaded is not as it should be */
	MS_FINDING_LOADED_UNVERIFIED,
	MS_FINDING_LOADED_FORCED,
	MS_FINDING_LOADED_TAINT,
	MS_FINDING_LOADED_NO_FILE,
	MS_FINDING_LOADED_OTHER,
	MS_FINDING_LOADED_UNIDENTIFIED,
	MS_FINDING_LOADED_HIDDEN,
	MS_FINDING_LOADED_NEWER_FILE,
	MS_FINDING_KERNEL_KEY_UNKNOWN,
	MS_FINDING_KERNEL_KEY_MISSING,
	MS_FINDING_COUNT,
};

/**
 * struct ms_finding - one thing the policy has to say
 * @detail: one sentence for people, escaped; owned
 */
struct ms_finding {
	enum ms_finding_code code;
	enum ms_severity severity;
	char *detail;
};

enum ms_signer_state {
	MS_SIGNER_UNCHECKED = 0,
	MS_SIGNER_TRUSTED,
	MS_SIGNER_UNKNOWN,
	MS_SIGNER_BAD,
};

/**
 * struct ms_signer_result - one signer of a module
 * @id: who the message says it is; lives as long as the context
 * @algorithm: "rsa4096", "p384", or "rsa", "ecdsa" where the key is not known
 * @ski: hex of the signer's key identifier; NULL where it is not known
 * @anchor: the anchor the signature leads to, NULL unless @state is MS_SIGNER_TRUSTED
 */
struct ms_signer_result {
	const struct ms_identity *id;
	const char *algorithm, *ski;
	enum ms_hash hash;
	enum ms_signer_state state;
	const struct ms_anchor *anchor;
};

/** struct ms_file_id - what tells whether a file is as it was; no padding */
struct ms_file_id {
	uint64_t dev, ino, size;
	int64_t mtime, mtime_ns, ctime, ctime_ns;
};
struct stat;
void ms_file_id_set(const struct stat *st, struct ms_file_id *ret);

/**
 * struct ms_result - everything about one module; strings are owned, raw (not escaped)
 * unless said otherwise, and NULL where there is nothing to say
 * @path: as it is shown to people
 * @build_id: hex
 * @digest: "sha256:<hex>" of the module without its signature
 * @id: of the file, where it is one
 * @keep: it says all there is to say about the file with that id, today and tomorrow
 * @cached: it was said by a cache
 * @policy.checked: the signature was there and good
 * @kernel.error: negative errno that the kernel would answer with, else 0
 */
struct ms_result {
	char *path, *name, *vermagic, *build_id, *digest;
	struct ms_signer_result *signers;
	size_t n_signers;
	struct ms_file_id id;
	bool keep, cached;
	struct {
		const struct ms_kernel_profile *profile;
		enum ms_enforce enforce;
		enum ms_kernel_verdict verdict;
		int error;
	} kernel;
	struct {
		enum ms_policy_verdict verdict;
		bool checked;
		struct ms_finding *findings;
		size_t n_findings;
	} policy;
};

void ms_result_clear(struct ms_result *r);
#define _cleanup_result_ _cleanup_(ms_result_clear)

/**
 * ms_result_add() - add a finding, with the severity and verdict that its code has
 * @fmt: the detail; text from outside in it must be escaped by the caller
 *
 * Return: 0 or -ENOMEM.
 */
int ms_result_add(struct ms_result *r, enum ms_finding_code code, const char *fmt, ...)
	_printf_(3, 4) _must_check_;

/** ms_result_settle() - the policy's verdict from the findings; trusted if there are
 * none.
 * @checked: the signature was there and good; without it the verdict is never "trusted".
 */
void ms_result_settle(struct ms_result *r, bool checked);

/** ms_result_amend() - add a finding to a result that is settled, and settle it again */
int ms_result_amend(struct ms_result *r, enum ms_finding_code code, const char *fmt, ...)
	_printf_(3, 4) _must_check_;

/** ms_result_drop() - take findings with this code away again, and settle it */
void ms_result_drop(struct ms_result *r, enum ms_finding_code code);

/** ms_finding_name() - stable word for machines, say "unknown-signer" */
const char *ms_finding_name(enum ms_finding_code code);
/** ms_finding_title() - a few words for people, say "UNKNOWN SIGNER" */
const char *ms_finding_title(enum ms_finding_code code);
/** ms_finding_remedy() - one sentence: what to do */
const char *ms_finding_remedy(enum ms_finding_code code);

/**
 * ms_result_remedy() - what to do about finding @i of @r, which may depend on the others
 *
 * What carries no signature and is no module is a file of another kind: then one sentence
 * is the remedy of both.
 */
const char *ms_result_remedy(const struct ms_result *r, size_t i);

/** ms_result_remedy_seen() - has an earlier finding of @r the same remedy as @i? */
bool ms_result_remedy_seen(const struct ms_result *r, size_t i);
/** ms_finding_unchecked() - the code means that something could not be checked */
bool ms_finding_unchecked(enum ms_finding_code code);

const char *ms_severity_name(enum ms_severity s);
const char *ms_enforce_name(enum ms_enforce e);
/** ms_kernel_verdict_name() - "loads", "taints", "refused", or NULL where unchecked */
const char *ms_kernel_verdict_name(enum ms_kernel_verdict v);
const char *ms_policy_verdict_name(enum ms_policy_verdict v);
/** ms_errno_name() - "EKEYREJECTED" for -EKEYREJECTED; NULL for 0 */
const char *ms_errno_name(int rc);

#endif
