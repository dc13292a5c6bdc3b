/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include <sys/mman.h>
#include "verifier/archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool most(const char *path)
{
	return path[strlen(path) - 1] != 'x';
}

/* Members are read to the end; what they say of themselves is true. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_archive_ struct ms_archive *a = NULL;
	_cleanup_close_ int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct ms_error err = {0};
	struct ms_member m;
	uint64_t sum = 0;
	char path[64];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (ms_archive_open(path, most, 1u << 20, &a, &err))
		return 0;
	while (!ms_archive_next(a, &m, &err)) {
		if (*m.path != '/' || m.len >= 1u << 20 || (m.link && m.data))
			abort();
		for (size_t i = 0; i < m.len; i++)
			sum += m.data[i];
	}
	return sum == UINT64_MAX;
}
