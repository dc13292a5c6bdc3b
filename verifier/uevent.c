/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verifier/uevent.h"

#include <errno.h>

#define MODULES "/module/"

/* @s: "KEY=VALUE"; the value if it is this key's. */
static const char *value_of(const char *s, const char *key)
{
	size_t n = strlen(key);

	return !strncmp(s, key, n) && s[n] == '=' ? s + n + 1 : NULL;
}

/* Keys may be there once. */
static int take(const char *s, const char *key, const char **ret)
{
	const char *v = value_of(s, key);

	if (v && *ret)
		return -EBADMSG;
	if (v)
		*ret = v;
	return 0;
}

static int read_keys(const char *p, const char *end, const char *action,
		     const char *devpath, const char **ret_subsystem)
{
	const char *a = NULL, *d = NULL, *s = NULL;

	for (; p < end; p += strlen(p) + 1)
		if (take(p, "ACTION", &a) || take(p, "DEVPATH", &d) ||
		    take(p, "SUBSYSTEM", &s))
			return -EBADMSG;
	if (!a || !d || strcmp(a, action) != 0 || strcmp(d, devpath) != 0)
		return -EBADMSG;
	*ret_subsystem = s;
	return 0;
}

int ms_uevent_parse(const uint8_t *p, size_t len, struct ms_uevent *ret)
{
	const char *text = (const char *)p, *devpath, *subsystem = NULL, *name;
	struct ms_uevent e = {.add = 0};
	char action[16];
	size_t n;
	int rc;

	if (!len || len > MS_UEVENT_MAX || text[len - 1])
		return -EBADMSG;
	devpath = strchr(text, '@');
	n = devpath ? (size_t)(devpath - text) : 0;
	if (!devpath || !n || n >= sizeof(action))
		return -EBADMSG;
	memcpy(action, text, n);
	action[n] = 0;
	devpath++;
	rc = read_keys(devpath + strlen(devpath) + 1, text + len, action, devpath,
		       &subsystem);
	if (rc)
		return rc;
	if (!subsystem || strcmp(subsystem, "module") != 0)
		return -ENODATA;
	e.add = !strcmp(action, "add");
	if (!e.add && strcmp(action, "remove") != 0)
		return -ENODATA;
	if (strncmp(devpath, MODULES, strlen(MODULES)) != 0)
		return -EBADMSG;
	name = devpath + strlen(MODULES);
	if (!*name || strchr(name, '/') || *name == '.' || strlen(name) >= sizeof(e.name))
		return -EBADMSG;
	memcpy(e.name, name, strlen(name) + 1);
	*ret = e;
	return 0;
}
