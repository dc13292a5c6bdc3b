/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent's configuration: INI as systemd units have it. Unknown sections and keys are
 * errors, as a rule that is half understood is worse than none.
 */
#ifndef MS_AGENT_CONFIG_H
#define MS_AGENT_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "lib/buf.h"
#include "lib/error.h"
#include "lib/hash.h"
#include "lib/limits.h"
#include "lib/sign_type.h"
#include "signer/agent/strv.h"
#include "signer/agent/when.h"

/**
 * struct ms_group - [group NAME]: members = ID ID ... (no groups inside groups); or
 *     [person NAME]: is = ID ID ..., all the identities of one person
 * @file, @line: where it begins, for messages; so in struct ms_rule
 */
struct ms_group {
	char *name, *file;
	struct ms_strv members;
	unsigned int line;
};

#define MS_TIERS_MAX 4u
#define MS_TIER_NEED_MAX 16u

/** struct ms_tier - approvals = @need of group:@group */
struct ms_tier {
	unsigned int need;
	char *group;
};

/** struct ms_min_version - min-version = @module @version; a glob and the least version
 */
struct ms_min_version {
	char *module, *version;
};

/**
 * struct ms_rule - [rule NAME]: who may sign what with which key
 * @who: "uid:1000", "user:builder", "group:builders"; required
 * @keys: globs on the key's name; required
 * @kernels: globs on the release in vermagic; empty: any
 * @modules: globs on the module's name ('-' and '_' are the same); empty: any
 * @types: type = ...: bit mask 1 << enum ms_sign_type; 0: modules alone
 * @files: file = ...: globs on a file's name, where it is not about modules; empty: any
 * @digest_suffices: content = digest: the client may send the digest alone, and the facts
 *     are what it claims; the default is content = required
 * @hashes: bit mask 1 << enum ms_hash; 0: every hash that may sign
 * @when: spans of time in which it fits; none: always
 * @min: of modules whose name fits, older versions do not fit
 * @build_required: build = required: only modules of a build fit; so it is with @tiers
 * @tiers: who must have approved a build, one after the other
 * @approval_valid_s: approval-valid: how long a build waits for its approvals, and they
 *     count; default a day
 * @limit_hour, @limit_day, @limit_build: signatures, over all keys and who; 0: no limit
 */
struct ms_rule {
	char *name, *file;
	struct ms_strv who, keys, kernels, modules, files;
	uint32_t types;
	bool digest_suffices, build_required, build_optional;
	struct ms_when *when;
	size_t n_when;
	struct ms_min_version *min;
	size_t n_min;
	struct ms_tier tiers[MS_TIERS_MAX];
	size_t n_tiers;
	uint32_t approval_valid_s;
	uint64_t limit_hour, limit_day, limit_build;
	uint32_t hashes;
	unsigned int line;
};

/**
 * struct ms_alert_config - [alert]: config_watch.c
 * @command: the program and its arguments; none: alerts are in the system's log only
 * @timeout_s: it is killed after so long; @repeat_s: least time between two of one kind
 * @refused: so many refusals within a minute are worth one; 0: never
 * @expiry_s: a certificate that ends within so long is; 0: never
 * @kinds: bit mask 1 << enum ms_alert_kind of those wanted
 */
struct ms_alert_config {
	struct ms_strv command;
	uint32_t timeout_s, repeat_s, refused, expiry_s, kinds;
};
#define MS_ALERT_DEFAULTS                                 \
	((struct ms_alert_config){.timeout_s = 30,        \
				  .repeat_s = 600,        \
				  .refused = 60,          \
				  .expiry_s = 30 * 86400, \
				  .kinds = UINT32_MAX})

/**
 * struct ms_config - everything, with defaults filled in
 * @socket, @socket_mode: [agent] socket, socket-mode (octal, default 0666: the policy,
 * not the file mode, decides; the identity comes from the kernel)
 * @state: [agent] state: directory of keys/ and audit.db
 * @admins: [agent] admins: who may create and unlock keys; default "uid:0", which the
 * first admins line replaces (@admins_set); more lines add to it
 * @auditors: [agent] auditors: who may read the audit log, beside the admins
 * @log_origin: [agent] log-origin: name of the log; "": made from the host's name
 * @log_interval_s: [agent] log-interval: most seconds from an entry to its checkpoint
 * @nv_counter: [tpm] nv-counter: NV index of the log's counter
 * @max_module: [agent] max-module, bytes, suffixes K M G; default and ceiling
 * MS_MODULE_MAX
 * @threads: [agent] threads: signing threads; 0 is one a processor
 * @path: of the main file, when it was loaded from files
 * @bundle: the text of all files, for ms_config_unbundle()
 * @denied_file, @denied: [revocations] denied: a file of digests that are not signed, and
 * what it says (in hex)
 * @metrics: [agent] metrics: who may read /metrics, beside admins and auditors
 * @backup_to, @provision_to: [agent] backup-recipients, provision-to: whom a sealed key
 * may leave to: SHA-256 of public keys, Names of SRKs; hex in lower case
 * @alert: [alert]
 * @log_check_s: [agent] log-check: how often the log is checked; 0: never
 * @log_requests: [agent] log-requests; @log_json: log-format
 * @tcti, @tpm_deadline_ms: [tpm] tcti, deadline (seconds or with suffix ms, default 30)
 * @tls_listen: [tls] listen: "ADDRESS:PORT"; NULL: no TLS
 * @tls_cert, @tls_key, @tls_ca, @tls_crl: [tls] cert, key, ca, crl: paths; crl may be
 * NULL
 */
struct ms_config {
	char *socket, *state, *tcti, *log_origin;
	char *tls_listen, *tls_cert, *tls_key, *tls_ca, *tls_crl;
	mode_t socket_mode;
	struct ms_strv admins, auditors;
	bool admins_set;
	size_t max_module;
	unsigned int threads, tpm_deadline_ms, log_interval_s;
	uint32_t nv_counter;
	struct ms_group *groups, *persons;
	size_t n_groups, n_persons;
	struct ms_rule *rules;
	size_t n_rules;
	char *path, *denied_file;
	struct ms_buf bundle;
	struct ms_strv denied;
	struct ms_strv metrics;
	struct ms_strv backup_to, provision_to;
	struct ms_alert_config alert;
	uint32_t log_check_s;
	unsigned int log_requests;
	bool log_json;
};

/* How the front tells of requests in the system's log. */
enum ms_log_requests {
	MS_LOG_REQUESTS_FAILED, /* those with a status of 400 and more */
	MS_LOG_REQUESTS_ALL,
	MS_LOG_REQUESTS_NONE,
};

#define MS_NV_COUNTER 0x01804d53u /* of the owner's range; "MS" */

/**
 * ms_config_parse() - apply the text of one file on top of @c
 * @name: the file's name for messages
 *
 * Does no I/O. After a failure @c holds part of the text, and is good for
 * ms_config_clear() only.
 *
 * Return: 0; -EINVAL with "FILE:LINE: ..." and the nearest valid key; -ENOMEM.
 */
int ms_config_parse(const char *name, const char *text, size_t len, struct ms_config *c,
		    struct ms_error *err) _must_check_;

/** ms_config_init() - defaults */
int ms_config_init(struct ms_config *c) _must_check_;
void ms_config_clear(struct ms_config *c);
#define _cleanup_config_ _cleanup_(ms_config_clear)

/**
 * ms_config_check() - what no single file can tell: every group that is named exists
 * Return: 0 or -EINVAL with "FILE:LINE: ...".
 */
int ms_config_check(const struct ms_config *c, struct ms_error *err) _must_check_;

/**
 * ms_config_load() - @path, then PATH.d/ *.conf by name, then ms_config_check()
 *
 * Names of rules and groups are unique over all files; a setting of a later file wins.
 * Refuses a file or PATH.d that others than root or the agent's own user could write.
 *
 * Return: 0; -EINVAL; -EPERM (unsafe owner or mode); -ENOENT, -EACCES, ... of the file.
 */
int ms_config_load(const char *path, struct ms_config *ret,
		   struct ms_error *err) _must_check_;

#define MS_CONFIG_BUNDLE_MAX (64u << 20)

/** ms_config_bundle_add() - keep a file's text. Return: 0, -EFBIG, -ENOMEM. */
int ms_config_bundle_add(struct ms_config *c, bool denied, const char *name,
			 const void *text, size_t len) _must_check_;
/** ms_config_unbundle() - the configuration that a bundle holds; no I/O
 * Return: as ms_config_parse(), and -EBADMSG. */
int ms_config_unbundle(const char *p, size_t len, struct ms_config *ret,
		       struct ms_error *err) _must_check_;
/** ms_config_reloadable() - can a running agent change from @old to @new
 * Return: 0 or -EINVAL "restart-needed", naming the setting. */
int ms_config_reloadable(const struct ms_config *old, const struct ms_config *new,
			 struct ms_error *err) _must_check_;

#endif
