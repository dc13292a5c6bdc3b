/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sys/utsname.h>
#include "lib/escape.h"
#include "verifier/kernel_tree.h"
#include "verifier/root_path.h"

/* The links of a mounted system are about itself. */
static int find(const char *root, const char *path, char *ret, size_t size)
{
	size_t n = strlen(path);

	if (*root)
		return ms_root_path(root, path, ret, size);
	if (n >= size || access(path, F_OK))
		return -ENOENT;
	memcpy(ret, path, n + 1);
	return 0;
}

/* /lib is a link to /usr/lib on most systems, and not always a relative one. */
int ms_kernel_modules_dir(const char *root, const char *release, char *ret, size_t size)
{
	static const char *const tops[] = {"usr/lib", "lib"};

	for (size_t i = 0; i < ARRAY_SIZE(tops); i++) {
		_cleanup_free_ char *path = NULL;
		if (asprintf(&path, "/%s/modules%s%s", tops[i], *release ? "/" : "",
			     release) < 0)
			return -ENOENT;
		if (!find(root, path, ret, size))
			return 0;
	}
	return -ENOENT;
}

int ms_kernel_image_find(const char *root, const char *release, char *ret, size_t size)
{
	static const struct {
		const char *before, *after;
	} places[] = {
		{"/boot/vmlinuz-", ""},	       {"/usr/lib/modules/", "/vmlinuz"},
		{"/lib/modules/", "/vmlinuz"}, {"/boot/vmlinux-", ""},
		{"/boot/Image-", ""},
	};

	if (strchr(release, '/'))
		return -ENOENT;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		_cleanup_free_ char *path = NULL;
		if (asprintf(&path, "%s%s%s", places[i].before, release,
			     places[i].after) < 0)
			return -ENOMEM;
		if (!find(root, path, ret, size))
			return 0;
	}
	return -ENOENT;
}

int ms_kernel_running(const char *root, char *ret, size_t size)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *path = NULL;
	char text[256];
	struct utsname u;
	ssize_t n;

	if (!*root) {
		n = uname(&u) ? 0 : (ssize_t)strlen(u.release);
		memcpy(text, u.release, n > 0 ? (size_t)n : 0);
	} else {
		if (asprintf(&path, "%s/proc/sys/kernel/osrelease", root) < 0)
			return -ENOENT;
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		n = fd < 0 ? -1 : read(fd, text, sizeof(text));
	}
	while (n > 0 && text[n - 1] == '\n')
		n--;
	if (n <= 0 || (size_t)n >= size || memchr(text, '/', (size_t)n) || *text == '.')
		return -ENOENT;
	memcpy(ret, text, (size_t)n);
	ret[n] = 0;
	return 0;
}

static void complain_no_image(const char *root, const char *release)
{
	char shown[512], below[512];

	ms_escape_str(release, shown, sizeof(shown));
	ms_escape_str(root, below, sizeof(below));
	ms_complain(
		"the kernel's own keys are not known: there is no %s/boot/vmlinuz-%s, "
		"and no vmlinuz in %s/lib/modules/%s",
		below, shown, below, shown);
}

int ms_kernel_trust(struct ms_options *o, const char *release)
{
	bool named = o->anchors.n || o->n_kernels || o->efivars;
	char image[MS_PATH_MAX] = "";
	int status = -1;

	if (!named && !ms_kernel_image_find(o->root, release, image, sizeof(image)))
		status = ms_options_load_kernel(o, image);
	if (status < 0)
		status = ms_options_machine(o, !named);
	if (status >= 0)
		return status;
	status = ms_options_trust(o);
	if (status == MS_EXIT_USAGE && !*image)
		complain_no_image(o->root, release);
	return status;
}
