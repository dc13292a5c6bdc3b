/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <openssl/crypto.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "signer/agent/landlock.h"
#include "signer/agent/seccomp.h"
#include "signer/agent/stats.h"

#define RW (MS_LANDLOCK_READ | MS_LANDLOCK_WRITE)

/* Who is root may do more than its files' modes say, and look into other processes. */
static int drop_capabilities(enum ms_role role)
{
	static const uint64_t keep[] = {
		[MS_ROLE_SUPERVISOR] = UINT64_C(1) << CAP_DAC_OVERRIDE |
				       UINT64_C(1) << CAP_IPC_LOCK |
				       UINT64_C(1) << CAP_KILL,
		[MS_ROLE_FRONT] = 0,
		[MS_ROLE_KEY] = UINT64_C(1) << CAP_IPC_LOCK,
		[MS_ROLE_TPM] = UINT64_C(1) << CAP_DAC_OVERRIDE | UINT64_C(1)
									  << CAP_IPC_LOCK,
	};
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(data); i++) {
		data[i].permitted &= (uint32_t)(keep[role] >> (32 * i));
		data[i].effective &= data[i].permitted;
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

/* Descriptors that these two have use for: a few sockets, one file at a time. */
static int limit_descriptors(enum ms_role role)
{
	const struct rlimit few = {256, 256};

	if (role != MS_ROLE_KEY && role != MS_ROLE_TPM)
		return 0;
	return setrlimit(RLIMIT_NOFILE, &few) < 0 ? -errno : 0;
}

static int no_privileges(enum ms_role role, struct ms_error *err)
{
	const struct rlimit none = {0, 0};
	int rc;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    setrlimit(RLIMIT_CORE, &none) < 0)
		return ms_error_set(err, -errno, "sandbox",
				    "cannot give up privileges and core dumps: %s",
				    ms_strerror(errno));
#ifndef MS_SANITIZE /* the leak checker attaches to its own process */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return ms_error_set(err, -errno, "sandbox", "cannot turn off dumps: %s",
				    ms_strerror(errno));
#endif
	rc = drop_capabilities(role);
	if (rc == 0)
		rc = limit_descriptors(role);
	if (rc < 0)
		return ms_error_set(err, rc, "sandbox",
				    "cannot give up capabilities and descriptors: %s",
				    ms_strerror(rc));
	return 0;
}

/*
 * Code that is loaded at first use must be there before the doors close: the modules of
 * the name service (all that nsswitch.conf has, so nobody's uid is asked for too) and
 * what openssl.cnf names.
 */
static void load_code(enum ms_role role)
{
	char buf[4096];
	struct passwd pw, *found;

	if (role == MS_ROLE_FRONT) {
		(void)getpwuid_r(geteuid(), &pw, buf, sizeof(buf), &found);
		(void)getpwuid_r((uid_t)-3, &pw, buf, sizeof(buf), &found);
	}
	if (role != MS_ROLE_TPM)
		(void)OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
}

/* --------------------------------------------------------------- Landlock */

static int allow_in(struct ms_landlock *l, const char *dir, const char *name,
		    unsigned int what)
{
	char path[MS_PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	return ms_landlock_allow(l, path, what);
}

static int allow_all(struct ms_landlock *l, const char *const *paths, size_t n,
		     unsigned int what)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = ms_landlock_allow(l, paths[i], what);
	return rc;
}

/*
 * Certificates and revocation lists are replaced by rename, too: the folders that they
 * are in. Not if that would let the front see the agent's own files.
 */
static int rules_tls(struct ms_landlock *l, const struct ms_config *c)
{
	const char *const path[] = {c->tls_cert, c->tls_key, c->tls_ca, c->tls_crl};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(path) && rc == 0; i++) {
		_cleanup_free_ char *dir = path[i] ? realpath(path[i], NULL) : NULL;
		char *slash = dir ? strrchr(dir, '/') : NULL;

		if (!slash)
			continue;
		*slash = '\0';
		if (!slash[0] && slash == dir)
			continue;
		rc = ms_landlock_allow(l, dir, MS_LANDLOCK_READ);
	}
	return rc;
}

/*
 * passwd is replaced by rename, so the rule must be on /etc. The rest is where the
 * modules of sssd and systemd look; connecting to their sockets is no matter of
 * Landlock's.
 */
static int rules_front(struct ms_landlock *l, const struct ms_config *c)
{
	static const char *const db[] = {"audit.db", "audit.db-wal", "audit.db-shm"};
	static const char *const names[] = {"/etc",
					    "/var/lib/sss/mc",
					    "/run/systemd/userdb",
					    "/run/userdb",
					    "/usr/lib/userdb",
					    "/usr/share/zoneinfo",
					    "/sys/devices/system/cpu"};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(db) && rc == 0; i++)
		rc = allow_in(l, c->state, db[i], RW);
	if (rc == 0)
		rc = allow_all(l, names, 1, MS_LANDLOCK_READ);
	if (rc == 0)
		rc = rules_tls(l, c);
	if (rc == 0)
		rc = allow_all(l, names + 1, ARRAY_SIZE(names) - 1,
			       MS_LANDLOCK_READ | MS_LANDLOCK_LIST);
	return rc;
}

static int rules_key(struct ms_landlock *l, const struct ms_config *c)
{
	const char *credentials = secure_getenv("CREDENTIALS_DIRECTORY");
	int rc;

	rc = allow_in(l, c->state, "keys", RW | MS_LANDLOCK_LIST | MS_LANDLOCK_CHANGE);
	if (rc == 0 && credentials)
		rc = ms_landlock_allow(l, credentials, MS_LANDLOCK_READ);
	if (rc == 0)
		rc = ms_landlock_allow(l, "/sys/devices/system/cpu", MS_LANDLOCK_READ);
	return rc;
}

/* A device that is not there yet may come, anywhere below /dev. */
static int rules_tpm_device(struct ms_landlock *l, const char *path)
{
	if (access(path, F_OK) < 0)
		return ms_landlock_allow(l, "/dev", RW);
	return ms_landlock_allow(l, path, RW);
}

static int rules_tpm(struct ms_landlock *l, const char *tcti)
{
	static const char *const libraries[] = {
		"/lib",		  "/lib64",	      "/usr/lib", "/usr/lib64",
		"/usr/local/lib", "/etc/ld.so.cache", "/opt"};
	const char *conf = strchr(tcti, ':');
	int rc;

	rc = allow_all(l, libraries, ARRAY_SIZE(libraries), MS_LANDLOCK_READ);
	if (rc < 0)
		return rc;
	if (!ms_tcti_is(tcti, "device"))
		return ms_landlock_allow(l, "/etc", MS_LANDLOCK_READ);
	if (conf && conf[1])
		return rules_tpm_device(l, conf + 1);
	rc = rules_tpm_device(l, "/dev/tpmrm0");
	return rc < 0 ? rc : rules_tpm_device(l, "/dev/tpm0");
}

static int apply_landlock(enum ms_role role, const struct ms_config *c, int *ret_abi)
{
	bool device = ms_tcti_is(c->tcti, "device");
	struct ms_landlock l;
	int rc;

	/* tabrmd and others: their libraries need what only they know */
	if (role == MS_ROLE_SUPERVISOR ||
	    (role == MS_ROLE_TPM && !device && !ms_tcti_is(c->tcti, "swtpm") &&
	     !ms_tcti_is(c->tcti, "mssim")))
		return 0;
	rc = ms_landlock_begin(role == MS_ROLE_TPM && !device, role != MS_ROLE_TPM, &l);
	if (rc < 0)
		return rc == -EOPNOTSUPP ? 0 : rc;
	if (role == MS_ROLE_FRONT)
		rc = rules_front(&l, c);
	else if (role == MS_ROLE_KEY)
		rc = rules_key(&l, c);
	else
		rc = rules_tpm(&l, c->tcti);
	if (rc == 0)
		rc = ms_landlock_enforce(&l);
	if (rc == 0)
		*ret_abi = l.abi;
	ms_landlock_clear(&l);
	return rc;
}

/* ------------------------------------------------------------------- all */

static void tell_stats(enum ms_process p, const struct ms_sandbox *got)
{
	struct ms_stats *s = ms_stats();

	s->process[p].seccomp = got->seccomp;
	s->process[p].landlock = got->landlock_abi;
	s->process[p].sandboxed = 1;
}

int ms_sandbox_apply(enum ms_role role, const struct ms_config *c, struct ms_sandbox *ret,
		     struct ms_error *err)
{
	struct ms_sandbox got = {};
	int rc;

	rc = no_privileges(role, err);
	if (rc < 0)
		return rc;
	load_code(role);
	rc = apply_landlock(role, c, &got.landlock_abi);
	if (rc < 0)
		return ms_error_set(err, rc, "sandbox", "cannot set up Landlock: %s",
				    ms_strerror(rc));
#ifndef MS_SANITIZE
	rc = ms_seccomp_apply(role, c->tcti);
	if (rc < 0)
		return ms_error_set(err, rc, "sandbox",
				    "cannot set up seccomp: %s: does the kernel have "
				    "CONFIG_SECCOMP_FILTER?",
				    ms_strerror(rc));
	got.seccomp = true;
#endif
	tell_stats((enum ms_process)role, &got);
	if (ret)
		*ret = got;
	return 0;
}
