/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-vm/guest/module.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include "test-vm/guest/report.h"

/* linux/module.h has it since 5.17; an older kernel answers EINVAL. */
#define COMPRESSED_FILE 4

#define NAME_SIZE 64
#define TEXT_SIZE 256

static bool has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && strcmp(s + n - m, suffix) == 0;
}

static int load(const char *path)
{
	bool compressed = has_suffix(path, ".xz") || has_suffix(path, ".zst") ||
			  has_suffix(path, ".gz");
	int fd, error = 0;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (syscall(SYS_finit_module, fd, "", compressed ? COMPRESSED_FILE : 0) < 0)
		error = errno;
	close(fd);
	return error;
}

/* What became of a module that loaded: its taint, its device if it made one, its end. */
static void report_loaded(bool keep)
{
	char name[NAME_SIZE], text[TEXT_SIZE];

	/* The newest module is the first of the list. */
	ms_line_read(name, sizeof(name), "/proc/modules");
	name[strcspn(name, " ")] = '\0';
	ms_report_text("name", name);
	ms_line_read(text, sizeof(text), "/sys/module/%s/taint", name);
	ms_report_text("taint", text);
	ms_line_read(text, sizeof(text), "/dev/%s", name);
	if (*text)
		ms_report_text("device", text);
	if (!keep && syscall(SYS_delete_module, name, O_NONBLOCK) < 0)
		ms_report_text("unload", ms_errno_name(errno));
}

void ms_module_judge(const char *path, bool keep)
{
	int error = load(path);
	const char *slash = strrchr(path, '/');

	ms_report_begin("file", slash ? slash + 1 : path);
	ms_report_text("errno", ms_errno_name(error));
	if (error == 0)
		report_loaded(keep);
	ms_report_log();
	ms_report_end();
}
