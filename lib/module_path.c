/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/module_path.h"

#include "lib/macro.h"

size_t ms_module_plain_len(const char *path)
{
	static const char *const endings[] = {".gz", ".xz", ".zst"};
	size_t len = strlen(path);

	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		size_t n = strlen(endings[i]);

		if (len > n + 3 && strcmp(path + len - n, endings[i]) == 0 &&
		    strncmp(path + len - n - 3, ".ko", 3) == 0)
			return len - n;
	}
	return len;
}

static const char *after_slashes(const char *p)
{
	while (*p == '/')
		p++;
	return p;
}

/* What follows "lib/modules/RELEASE/" at @p; NULL: something else is there. */
static const char *in_modules(const char *p)
{
	static const char dir[] = "lib/modules/";
	const char *slash;

	if (strncmp(p, dir, sizeof(dir) - 1) != 0)
		return NULL;
	p = after_slashes(p + sizeof(dir) - 1);
	slash = strchr(p, '/');
	p = slash ? after_slashes(slash) : "";
	return *p ? p : NULL;
}

static const char *below(const char *path, const char *root)
{
	size_t len = strlen(root);

	while (len > 0 && root[len - 1] == '/')
		len--;
	/* "/" is a root as well. */
	if (strncmp(path, root, len) != 0 || path[len] != '/' || !root[0])
		return NULL;
	path = after_slashes(path + len);
	return *path ? path : NULL;
}

const char *ms_module_path(const char *path, char *const *roots, size_t n)
{
	const char *found = in_modules(path), *slash = path;

	while ((slash = strchr(slash, '/'))) {
		const char *p = in_modules(++slash);

		found = p ? p : found;
	}
	for (size_t i = 0; i < n && !found; i++)
		found = below(path, roots[i]);
	if (found)
		return found;
	slash = strrchr(path, '/');
	return slash && slash[1] ? slash + 1 : path;
}
