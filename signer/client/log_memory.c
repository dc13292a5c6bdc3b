/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/client/log_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "lib/file.h"
#include "lib/hash.h"

int ms_log_memory_parse(const char *text, size_t len, struct ms_log_memory *ret)
{
	const char *nl = memchr(text, '\n', len);
	size_t n = nl ? (size_t)(nl - text) : 0, rest;

	if (n == 0 || n >= MS_VKEY_MAX || memchr(text, '\0', len))
		return -EBADMSG;
	rest = len - n - 1;
	if (rest == 0 || rest > MS_CHECKPOINT_MAX)
		return -EBADMSG;
	memcpy(ret->vkey, text, n);
	ret->vkey[n] = '\0';
	memcpy(ret->note, nl + 1, rest);
	ret->note[rest] = '\0';
	return 0;
}

/* Makes the folders; without a home there is no memory: -ENOENT. */
static int file_name(const char *agent, bool make, char *ret, size_t size)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	uint8_t hash[32];
	char hex[17];
	int n;

	if (ms_digest(MS_HASH_SHA256, agent, strlen(agent), hash) < 0)
		return -EIO;
	ms_hex(hash, 8, hex);
	if (state && *state == '/')
		n = snprintf(ret, size, "%s/modseal/log-%s", state, hex);
	else if (home && *home == '/')
		n = snprintf(ret, size, "%s/.local/state/modseal/log-%s", home, hex);
	else
		return -ENOENT;
	if (n >= (int)size)
		return -ENAMETOOLONG;
	for (char *p = strchr(ret + 1, '/'); make && p; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(ret, 0700) < 0 && errno != EEXIST && errno != EACCES &&
		    errno != EROFS)
			make = false;
		*p = '/';
	}
	return 0;
}

int ms_log_memory_load(const char *agent, struct ms_log_memory *ret, struct ms_error *err)
{
	_cleanup_file_ struct ms_file f = {0};
	char path[MS_PATH_MAX];
	int r;

	*ret = (struct ms_log_memory){0};
	r = file_name(agent, false, path, sizeof(path));
	if (r == -ENOENT || (r == 0 && access(path, F_OK) < 0 && errno == ENOENT))
		return 0;
	if (r == 0)
		r = ms_file_read(AT_FDCWD, path, MS_VKEY_MAX + MS_CHECKPOINT_MAX, 0, &f,
				 err);
	if (r < 0) {
		ms_error_prefix(err, "%s", path);
		return r;
	}
	if (ms_log_memory_parse((const char *)f.data, f.len, ret) < 0)
		return ms_error_set(err, -EBADMSG, NULL,
				    "%s, the last checkpoint seen, is damaged: find out "
				    "why, then remove it",
				    path);
	return 0;
}

int ms_log_memory_save(const char *agent, const struct ms_log_memory *m,
		       struct ms_error *err)
{
	char path[MS_PATH_MAX], text[MS_VKEY_MAX + MS_CHECKPOINT_MAX + 2];
	struct iovec iov;
	int r;

	r = file_name(agent, true, path, sizeof(path));
	if (r < 0)
		return ms_error_set(err, r, NULL,
				    "the checkpoint is not remembered: set HOME");
	snprintf(text, sizeof(text), "%s\n%s", m->vkey, m->note);
	iov = (struct iovec){.iov_base = text, .iov_len = strlen(text)};
	r = ms_file_replace(path, -1, 0600, &iov, 1, true, err);
	if (r < 0)
		ms_error_prefix(err, "the checkpoint is not remembered: %s", path);
	return r;
}
