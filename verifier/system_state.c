/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include "verifier/system_state.h"

#define SECURE_BOOT \
	"/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

/* A few bytes of a file in /sys, with NUL; 0 where there are none. */
static size_t read_some(const char *root, const char *path, char *dst, size_t size)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *full = NULL;
	ssize_t n;

	*dst = 0;
	if (asprintf(&full, "%s%s", root, path) < 0)
		return 0;
	fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	n = fd < 0 ? -1 : read(fd, dst, size - 1);
	if (n <= 0)
		return 0;
	dst[n] = 0;
	return (size_t)n;
}

const char *ms_known_name(enum ms_known k)
{
	return k == MS_YES ? "on" : k == MS_NO ? "off" : NULL;
}

void ms_system_state_read(const char *root, struct ms_system_state *ret)
{
	struct ms_system_state s = {MS_NOT_KNOWN, MS_NOT_KNOWN, MS_NOT_KNOWN};
	char text[128];

	if (read_some(root, "/sys/module/module/parameters/sig_enforce", text,
		      sizeof(text)))
		s.sig_enforce = *text == 'Y' || *text == '1' ? MS_YES : MS_NO;
	/* "none [integrity] confidentiality" */
	if (read_some(root, "/sys/kernel/security/lockdown", text, sizeof(text)))
		s.lockdown =
			strstr(text, "[integrity]") || strstr(text, "[confidentiality]")
				? MS_YES
			: strstr(text, "[none]") ? MS_NO
						 : MS_NOT_KNOWN;
	/* Four bytes of attributes, then the value. */
	if (read_some(root, SECURE_BOOT, text, sizeof(text)) == 5)
		s.secure_boot = text[4] == 1 ? MS_YES : MS_NO;
	*ret = s;
}

enum ms_enforce ms_system_state_enforce(const struct ms_system_state *s)
{
	if (s->sig_enforce != MS_NO)
		return MS_ENFORCE;
	if (s->lockdown == MS_YES)
		return MS_LOCKDOWN;
	return MS_PERMISSIVE;
}
