/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/client/init_step.h"

#include <errno.h>
#include <fcntl.h>

int ms_init_complain(struct ms_error *err)
{
	ms_error_prefix(err, "init");
	ms_cli_complain(err);
	return MS_EXIT_FAILED;
}

int ms_init_fail(const char *fmt, ...)
{
	struct ms_error err = {0};
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ms_error_set(&err, -EINVAL, NULL, "%s", text);
	return ms_init_complain(&err);
}

void ms_init_done(struct ms_init *in, const char *label, const char *name,
		  const char *what, bool made)
{
	json_object_set_new(in->done, name,
			    json_pack("{s:s, s:b}", "name", what, "made", made));
	if (!in->cli->json)
		printf("%-14s %s (%s)\n", label, what, made ? "made" : "there already");
}

void ms_init_path(const struct ms_init *in, const char *name, char ret[MS_PATH_MAX])
{
	snprintf(ret, MS_PATH_MAX, "%s/%s", in->dir, name);
}

int ms_init_read(const struct ms_init *in, const char *name, struct ms_file *f)
{
	struct ms_error err = {0};
	char path[MS_PATH_MAX];
	int r;

	ms_init_path(in, name, path);
	r = ms_file_read(AT_FDCWD, path, MS_CONFIG_MAX, 0, f, &err);
	if (r < 0 && r != -ENOENT) {
		ms_error_prefix(&err, "%s", path);
		ms_init_complain(&err);
	}
	return r;
}

int ms_init_write_new(struct ms_init *in, const char *label, const char *name,
		      const void *data, size_t len)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = len};
	struct ms_error err = {0};
	char path[MS_PATH_MAX];

	ms_init_path(in, name, path);
	if (ms_file_replace(path, -1, 0644, &iov, 1, true, &err) < 0)
		return ms_init_complain(&err);
	ms_init_done(in, label, name, path, true);
	return MS_EXIT_OK;
}
