/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration as a whole: defaults, files, and what holds between sections. */
#include "signer/agent/config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include "lib/file.h"
#include "signer/agent/denied.h"

#define DENIED_FILE_MAX (16u << 20)

int ms_config_init(struct ms_config *c)
{
	*c = (struct ms_config){
		.bundle = MS_BUF_INIT(MS_CONFIG_BUNDLE_MAX),
		.socket = strdup(MS_RUNDIR "/agent.sock"),
		.state = strdup(MS_STATEDIR),
		.tcti = strdup("device:/dev/tpmrm0"),
		.socket_mode = 0666,
		.max_module = MS_MODULE_MAX,
		.tpm_deadline_ms = 30000,
		.log_origin = strdup(""),
		.log_interval_s = 60,
		.nv_counter = MS_NV_COUNTER,
		.alert = MS_ALERT_DEFAULTS,
		.log_check_s = 3600,
	};
	if (!c->socket || !c->state || !c->tcti || !c->log_origin ||
	    ms_strv_add(&c->admins, "uid:0", 5) < 0) {
		ms_config_clear(c);
		return -ENOMEM;
	}
	return 0;
}

static void clear_groups(struct ms_group *g, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(g[i].name);
		free(g[i].file);
		ms_strv_clear(&g[i].members);
	}
	free(g);
}

void ms_config_clear(struct ms_config *c)
{
	free(c->socket);
	free(c->state);
	free(c->tcti);
	free(c->log_origin);
	free(c->tls_listen);
	free(c->tls_cert);
	free(c->tls_key);
	free(c->tls_ca);
	free(c->tls_crl);
	free(c->denied_file);
	free(c->path);
	ms_buf_clear(&c->bundle);
	ms_strv_clear(&c->denied);
	ms_strv_clear(&c->admins);
	ms_strv_clear(&c->auditors);
	ms_strv_clear(&c->metrics);
	ms_strv_clear(&c->backup_to);
	ms_strv_clear(&c->provision_to);
	ms_strv_clear(&c->alert.command);
	clear_groups(c->groups, c->n_groups);
	clear_groups(c->persons, c->n_persons);
	for (size_t i = 0; i < c->n_rules; i++) {
		struct ms_rule *r = &c->rules[i];

		free(r->name);
		free(r->file);
		ms_strv_clear(&r->who);
		ms_strv_clear(&r->keys);
		ms_strv_clear(&r->kernels);
		ms_strv_clear(&r->modules);
		ms_strv_clear(&r->files);
		free(r->when);
		for (size_t j = 0; j < r->n_min; j++) {
			free(r->min[j].module);
			free(r->min[j].version);
		}
		free(r->min);
		for (size_t j = 0; j < r->n_tiers; j++)
			free(r->tiers[j].group);
	}
	free(c->rules);
	*c = (struct ms_config){};
}

/* Return: the first group in @list that does not exist, or NULL. */
static const char *missing_group(const struct ms_config *c, const struct ms_strv *list)
{
	for (size_t i = 0; i < list->n; i++) {
		bool found = false;

		if (strncmp(list->v[i], "group:", 6) != 0)
			continue;
		for (size_t j = 0; j < c->n_groups && !found; j++)
			found = strcmp(c->groups[j].name, list->v[i] + 6) == 0;
		if (!found)
			return list->v[i] + 6;
	}
	return NULL;
}

static size_t members(const struct ms_config *c, const char *group)
{
	for (size_t i = 0; i < c->n_groups; i++) {
		if (strcmp(c->groups[i].name, group) == 0)
			return c->groups[i].members.n;
	}
	return 0;
}

/* Approvals that nobody can give would only be found out when they are needed. */
static int check_tiers(const struct ms_config *c, const struct ms_rule *r,
		       struct ms_error *err)
{
	for (size_t i = 0; i < r->n_tiers; i++) {
		const struct ms_tier *t = &r->tiers[i];
		size_t n = members(c, t->group);

		if (n == 0)
			return ms_error_set(
				err, -EINVAL, "config",
				"%s:%u: rule %s wants approvals of the group %s, which "
				"does not exist: add a section [group %s] or correct the "
				"name",
				r->file, r->line, r->name, t->group, t->group);
		if (n < t->need)
			return ms_error_set(err, -EINVAL, "config",
					    "%s:%u: rule %s wants %u approvals of the "
					    "group %s, which "
					    "has %zu members",
					    r->file, r->line, r->name, t->need, t->group,
					    n);
	}
	return 0;
}

static int check_tls(const struct ms_config *c, struct ms_error *err)
{
	const char *const need[] = {c->tls_listen, c->tls_cert, c->tls_key, c->tls_ca};
	static const char *const names[] = {"listen = ADDRESS:PORT", "cert = FILE",
					    "key = FILE", "ca = FILE"};
	size_t given = c->tls_crl ? 1 : 0;

	for (size_t i = 0; i < ARRAY_SIZE(need); i++)
		given += need[i] ? 1 : 0;
	for (size_t i = 0; i < ARRAY_SIZE(need) && given; i++)
		if (!need[i])
			return ms_error_set(err, -EINVAL, "config", "[tls] needs %s",
					    names[i]);
	return 0;
}

int ms_config_check(const struct ms_config *c, struct ms_error *err)
{
	const char *group = missing_group(c, &c->admins);
	const char *setting = "admins";

	if (check_tls(c, err) < 0)
		return -EINVAL;

	if (!group) {
		group = missing_group(c, &c->auditors);
		setting = "auditors";
	}
	if (!group) {
		group = missing_group(c, &c->metrics);
		setting = "metrics";
	}
	if (group)
		return ms_error_set(
			err, -EINVAL, "config",
			"[agent] %s names the group %s, which does not exist: "
			"add a section [group %s] or correct the name",
			setting, group, group);
	for (size_t i = 0; i < c->n_rules; i++) {
		const struct ms_rule *r = &c->rules[i];

		group = missing_group(c, &r->who);
		if (group)
			return ms_error_set(
				err, -EINVAL, "config",
				"%s:%u: rule %s names the group %s, which does not "
				"exist: add a section [group %s] or correct the name",
				r->file, r->line, r->name, group, group);
		if (check_tiers(c, r, err) < 0)
			return -EINVAL;
	}
	return 0;
}

/* A policy that others can change is not a policy. */
static int check_owner(const char *path, const struct stat *st, struct ms_error *err)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return ms_error_set(err, -EPERM, "config-unsafe",
				    "%s belongs to uid %u, who could change the policy: "
				    "chown root %s",
				    path, (unsigned int)st->st_uid, path);
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return ms_error_set(
			err, -EPERM, "config-unsafe",
			"%s can be written by %s, who could change the policy: "
			"chmod go-w %s",
			path, st->st_mode & S_IWOTH ? "others" : "its group", path);
	return 0;
}

static int load_file(int dirfd, const char *name, const char *shown, struct ms_config *c,
		     struct ms_error *err)
{
	_cleanup_file_ struct ms_file f = {};
	int rc;

	rc = ms_file_read(dirfd, name, MS_CONFIG_MAX, 0, &f, err);
	if (rc == -ENOENT)
		return ms_error_set(
			err, rc, "config-missing",
			"cannot read the configuration %s: no such file: write "
			"it as in modseald.conf(5), or name another with -c",
			shown);
	if (rc < 0) {
		ms_error_prefix(err, "cannot read the configuration %s", shown);
		return rc;
	}
	rc = check_owner(shown, &f.st, err);
	if (rc < 0)
		return rc;
	rc = ms_config_parse(shown, (const char *)f.data, f.len, c, err);
	if (rc == 0 && ms_config_bundle_add(c, false, shown, f.data, f.len) < 0)
		rc = ms_error_set(err, -ENOMEM, NULL, "out of memory");
	return rc;
}

static int is_conf(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return e->d_name[0] != '.' && len > 5 &&
	       strcmp(e->d_name + len - 5, ".conf") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int load_dir(const char *dir, struct ms_config *c, struct ms_error *err)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **list = NULL;
	struct stat st;
	int n, rc = 0;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return ms_error_set(err, -errno, "config", "cannot open %s: %s", dir,
				    ms_strerror(errno));
	rc = check_owner(dir, &st, err);
	if (rc < 0)
		return rc;
	n = scandirat(fd, ".", &list, is_conf, by_name);
	if (n < 0)
		return ms_error_set(err, -errno, "config", "cannot list %s: %s", dir,
				    ms_strerror(errno));
	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *shown = NULL;

		if (rc == 0 && asprintf(&shown, "%s/%s", dir, list[i]->d_name) < 0) {
			shown = NULL;
			rc = ms_error_set(err, -ENOMEM, NULL, "out of memory");
		}
		if (rc == 0)
			rc = load_file(fd, list[i]->d_name, shown, c, err);
		free(list[i]);
	}
	free(list);
	return rc;
}

static int load_denied(struct ms_config *c, struct ms_error *err)
{
	_cleanup_file_ struct ms_file f = {};
	unsigned int line = 0;
	int rc = ms_file_read(AT_FDCWD, c->denied_file, DENIED_FILE_MAX, 0, &f, err);

	if (rc < 0) {
		ms_error_prefix(err,
				"cannot read the denied digests %s: ", c->denied_file);
		return rc;
	}
	rc = check_owner(c->denied_file, &f.st, err);
	if (rc < 0)
		return rc;
	rc = ms_denied_parse((const char *)f.data, f.len, &c->denied, &line);
	if (rc == -EINVAL)
		return ms_error_set(err, rc, "config",
				    "%s:%u: a line begins with a digest of 64, 96 or 128 "
				    "hex digits, or with #",
				    c->denied_file, line);
	if (rc == 0)
		rc = ms_config_bundle_add(c, true, c->denied_file, f.data, f.len);
	return rc < 0 ? ms_error_set(err, rc, NULL, "out of memory") : 0;
}

int ms_config_load(const char *path, struct ms_config *ret, struct ms_error *err)
{
	_cleanup_config_ struct ms_config c = {};
	_cleanup_free_ char *dir = NULL;
	int rc;

	if (ms_config_init(&c) < 0 || asprintf(&dir, "%s.d", path) < 0) {
		dir = NULL;
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	}
	c.path = strdup(path);
	if (!c.path)
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	rc = load_file(AT_FDCWD, path, path, &c, err);
	if (rc == 0)
		rc = load_dir(dir, &c, err);
	if (rc == 0)
		rc = ms_config_check(&c, err);
	if (rc == 0 && c.denied_file)
		rc = load_denied(&c, err);
	if (rc < 0)
		return rc;
	*ret = c;
	c = (struct ms_config){};
	return 0;
}
