/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/client/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include "lib/escape.h"
#include "lib/file.h"
#include "lib/limits.h"

int ms_spool_next(const uint8_t *data, size_t len, size_t *at, const char **ret,
		  struct ms_error *err)
{
	const uint8_t *begin, *end;
	char shown[128];
	size_t n;

	if (*at >= len)
		return -ENODATA;
	begin = data + *at;
	end = memchr(begin, 0, len - *at);
	n = end ? (size_t)(end - begin) : len - *at;
	if (n >= MS_PATH_MAX)
		return ms_error_set(err, -EBADMSG, "bad-list",
				    "has a path of more than %u bytes", MS_PATH_MAX - 1);
	ms_escape((const char *)begin, n, shown, sizeof(shown));
	if (!end)
		return ms_error_set(err, -EBADMSG, "bad-list",
				    "ends in the middle of the path \"%s\"", shown);
	if (begin[0] != '/')
		return ms_error_set(err, -EBADMSG, "bad-list",
				    "has \"%s\", which is no absolute path", shown);
	*ret = (const char *)begin;
	*at += n + 1;
	return 0;
}

void ms_spool_close(struct ms_spool *s)
{
	if (s->fd >= 0)
		close(s->fd);
	free(s->data);
	s->data = NULL;
	s->fd = -1;
}

static int prefix(int rc, const char *path, struct ms_error *err)
{
	char shown[300];

	if (rc < 0)
		ms_error_prefix(err, "%s", ms_escape_str(path, shown, sizeof(shown)));
	return rc;
}

static int lock_and_read(struct ms_spool *s, struct ms_error *err)
{
	_cleanup_file_ struct ms_file f = {0};
	struct stat st, there;
	int r;

	if (flock(s->fd, LOCK_EX | LOCK_NB) < 0)
		return ms_error_set(
			err, errno == EWOULDBLOCK ? -EBUSY : -errno, "list-in-use",
			errno == EWOULDBLOCK
				? "another modseal batch is at work on it: wait for it"
				: "cannot be locked: %s",
			ms_strerror(errno));
	/* The one that had it before may have removed it. */
	if (fstat(s->fd, &st) < 0 || stat(s->path, &there) < 0 ||
	    st.st_ino != there.st_ino || st.st_dev != there.st_dev)
		return ms_error_set(err, -ENOENT, "no-such-file",
				    "another modseal batch has done it meanwhile");
	if (st.st_uid != geteuid())
		return ms_error_set(err, -EPERM, "list-of-another",
				    "belongs to another user, who can have written any "
				    "path into it: remove it, and install again with a "
				    "list that nobody else can make");
	r = ms_file_read_fd(s->fd, MS_SPOOL_MAX, 0, &f, err);
	if (r < 0)
		return r;
	s->data = TAKE_PTR(f.data);
	s->len = f.len;
	return 0;
}

int ms_spool_open(const char *path, struct ms_spool *ret, struct ms_error *err)
{
	struct ms_spool s = {.path = path, .fd = -1};
	int r = ms_file_open(AT_FDCWD, path, &s.fd, err);

	if (r == 0)
		r = lock_and_read(&s, err);
	if (r == 0)
		*ret = s;
	else
		ms_spool_close(&s);
	return prefix(r, path, err);
}

int ms_spool_done(struct ms_spool *s, struct ms_error *err)
{
	struct stat st;
	int r = 0;

	if (fstat(s->fd, &st) < 0 || (size_t)st.st_size != s->len)
		r = ms_error_set(err, -EAGAIN, "list-grew",
				 "modules were added to it meanwhile, and are not "
				 "signed: sign it again");
	else if (unlink(s->path) < 0)
		r = ms_error_set(err, -errno, "cannot-remove",
				 "all is signed, but the list cannot be removed: %s",
				 ms_strerror(errno));
	return prefix(r, s->path, err);
}
