/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/check_config.h"

#include <dirent.h>
#include <errno.h>

#include "lib/agent_client.h"
#include "lib/escape.h"
#include "signer/agent/identity.h"
#include "signer/agent/policy_lint.h"

struct key_names {
	char **v;
	size_t n;
};

static int add_name(struct key_names *k, const char *file)
{
	size_t len = strlen(file);
	char **v, *name;

	if (len <= 4 || strcmp(file + len - 4, ".key") != 0)
		return 0;
	name = strndup(file, len - 4);
	v = reallocarray(k->v, k->n + 1, sizeof(*v));
	if (v)
		k->v = v;
	if (!v || !name || !ms_key_name_valid(name)) {
		int r = v && name ? 0 : -ENOMEM;

		free(name);
		return r;
	}
	k->v[k->n++] = name;
	return 0;
}

static int read_names(const struct ms_config *c, struct key_names *k)
{
	char path[MS_PATH_MAX];
	const struct dirent *e;
	DIR *dir;
	int r = 0;

	snprintf(path, sizeof(path), "%s/keys", c->state);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while (r == 0 && (e = readdir(dir)))
		r = add_name(k, e->d_name);
	closedir(dir);
	return r;
}

static void on_finding(void *arg, const char *file, unsigned int line, const char *rule,
		       const char *text)
{
	char shown[1300];

	++*(size_t *)arg;
	printf("%s:%u: %s\n", file, line, ms_escape_str(text, shown, sizeof(shown)));
}

int ms_check_config(struct ms_config *c, bool strict)
{
	struct key_names k = {0};
	int r = read_names(c, &k);
	size_t n = 0;

	/* Before its first start the agent has no keys, and the folder is not there. */
	if (r == -ENOENT)
		r = 0;
	if (r < 0)
		fprintf(stderr,
			"modseald: the keys in %s/keys cannot be listed: %s: the rules "
			"were not held against them\n",
			c->state, ms_strerror(r));
	ms_policy_lint(c, r < 0 ? NULL : (const char *const *)k.v, k.n,
		       ms_identity_uid_of_user, on_finding, &n);
	for (size_t i = 0; i < k.n; i++)
		free(k.v[i]);
	free(k.v);
	if (n == 0 || !strict)
		puts(n ? "configuration can be used, but see above"
		       : "configuration is good");
	return n > 0 && strict;
}
