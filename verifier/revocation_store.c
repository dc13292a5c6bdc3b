/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verifier/revocation_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <sys/file.h>

#include "lib/escape.h"
#include "lib/file.h"

#define SUFFIX ".list"
#define SUFFIX_LEN (sizeof(SUFFIX) - 1)
#define NAME_LEN 32u /* hex digits of the source's SHA-256 */

void ms_stored_clear(struct ms_stored *s)
{
	free(s->file);
	free(s->source);
	*s = (struct ms_stored){.file = NULL};
}

/* ------------------------------------------------------------------ reading */

static int bad(struct ms_error *err, const char *why)
{
	return ms_error_set(err, -EBADMSG, "bad-store",
			    "%s: remove the file and run modseal-verify update", why);
}

/* The first line. */
static int parse_origin(const char *line, size_t len, struct ms_stored *s,
			struct ms_error *err)
{
	json_t *j = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	const char *source = NULL, *sig = NULL;
	json_int_t fetched = 0;
	int rc = 0;

	if (json_unpack(j, "{s:s, s:I, s:s !}", "source", &source, "fetched", &fetched,
			"signature", &sig) ||
	    !source)
		rc = bad(err, "it does not tell where it is from");
	else
		s->source = strdup(source);
	if (!rc && !s->source)
		rc = -ENOMEM;
	s->fetched = (time_t)fetched;
	json_decref(j);
	return rc;
}

int ms_stored_parse(uint8_t *data, size_t len, struct ms_stored *ret,
		    struct ms_error *err)
{
	struct ms_stored s = {.file = data};
	const char *eol = len ? memchr(data, '\n', len) : NULL;
	size_t first = eol ? (size_t)(eol + 1 - (char *)data) : 0;
	int rc;

	rc = first ? parse_origin((char *)data, first, &s, err)
		   : bad(err, "it is damaged");
	s.text = (char *)data + first;
	s.text_len = len - first;
	if (!rc && ms_revocation_list_head(s.text, s.text_len, &s.head, NULL))
		rc = bad(err, "it is damaged");
	if (rc)
		ms_stored_clear(&s);
	else
		*ret = s;
	return rc;
}

static bool may_trust(const struct stat *st)
{
	return (st->st_uid == 0 || st->st_uid == geteuid()) && !(st->st_mode & 022);
}

static int others_write(struct ms_error *err)
{
	return ms_error_set(err, -EPERM, "bad-store",
			    "others than its owner and root may write to it, so that it "
			    "cannot be relied on");
}

/* Return: 0; -ENOENT; -EPERM, ... */
static int open_store(const char *dir, int *ret_fd, struct ms_error *err)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return ms_error_set(err, -errno, NULL, "%s", ms_strerror(errno));
	if (!may_trust(&st))
		return others_write(err);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int read_at(int dirfd, const char *name, struct ms_stored *ret,
		   struct ms_error *err)
{
	struct ms_file f = {0};
	int rc = ms_file_read(dirfd, name, MS_REVOCATION_FILE_MAX, 0, &f, err);

	if (!rc && !may_trust(&f.st))
		rc = others_write(err);
	if (!rc)
		return ms_stored_parse(f.data, f.len, ret, err);
	ms_file_clear(&f);
	return rc;
}

static int file_name(const char *source, char ret[NAME_LEN + SUFFIX_LEN + 1])
{
	uint8_t digest[MS_DIGEST_MAX];
	char hex[2 * MS_DIGEST_MAX + 1];
	int rc = ms_digest(MS_HASH_SHA256, source, strlen(source), digest);

	if (rc)
		return rc;
	ms_hex(digest, NAME_LEN / 2, hex);
	memcpy(ret, hex, NAME_LEN);
	memcpy(ret + NAME_LEN, SUFFIX, SUFFIX_LEN + 1);
	return 0;
}

static int get_at(int dirfd, const char *source, struct ms_stored *ret,
		  struct ms_error *err)
{
	char name[NAME_LEN + SUFFIX_LEN + 1];
	struct ms_stored s = {.file = NULL};
	int rc = file_name(source, name);

	if (!rc)
		rc = read_at(dirfd, name, &s, err);
	if (!rc && strcmp(s.source, source)) {
		rc = bad(err, "it is the copy of another source");
		ms_stored_clear(&s);
	}
	if (rc) {
		if (rc != -ENOENT)
			ms_error_prefix(err, "%s", name);
		return rc;
	}
	*ret = s;
	return 0;
}

static void prefix(struct ms_error *err, const char *dir)
{
	char shown[512];

	ms_error_prefix(err, "stored lists in %s",
			ms_escape_str(dir, shown, sizeof(shown)));
}

int ms_revocation_store_get(const char *dir, const char *source, struct ms_stored *ret,
			    struct ms_error *err)
{
	_cleanup_close_ int fd = -1;
	int rc = open_store(dir, &fd, err);

	if (!rc)
		rc = get_at(fd, source, ret, err);
	if (rc)
		prefix(err, dir);
	return rc;
}

static int is_list(const struct dirent *de)
{
	size_t len = strlen(de->d_name);

	return len > SUFFIX_LEN && de->d_name[0] != '.' &&
	       !strcmp(de->d_name + len - SUFFIX_LEN, SUFFIX);
}

static int load_one(int dirfd, const char *name, struct ms_revocations *r, time_t now,
		    struct ms_error *err)
{
	_cleanup_free_ char *source = NULL;
	_cleanup_stored_ struct ms_stored s = {.file = NULL};
	struct ms_revocation_head head;
	char shown[512];
	int rc = read_at(dirfd, name, &s, err);

	if (!rc && asprintf(&source, "%s, number %lld", s.source, s.head.number) < 0) {
		source = NULL;
		rc = -ENOMEM;
	}
	if (!rc)
		rc = ms_revocations_parse_list(r, s.text, s.text_len, source, now, &head,
					       err);
	if (rc)
		ms_error_prefix(err, "%s", ms_escape_str(name, shown, sizeof(shown)));
	return rc;
}

int ms_revocation_store_load(const char *dir, struct ms_revocations *r, time_t now,
			     size_t *ret_n, struct ms_error *err)
{
	_cleanup_close_ int fd = -1;
	struct dirent **names = NULL;
	int n, rc = open_store(dir, &fd, err);

	if (rc == -ENOENT) {
		*ret_n = 0;
		return 0;
	}
	if (rc) {
		prefix(err, dir);
		return rc;
	}
	n = scandirat(fd, ".", &names, is_list, alphasort);
	if (n < 0)
		rc = ms_error_set(err, -errno, NULL, "%s", ms_strerror(errno));
	else if ((unsigned int)n > MS_REVOCATION_STORE_LISTS)
		rc = ms_error_set(err, -EFBIG, "bad-store", "more than %u lists",
				  MS_REVOCATION_STORE_LISTS);
	for (int i = 0; i < n; i++) {
		if (!rc)
			rc = load_one(fd, names[i]->d_name, r, now, err);
		free(names[i]);
	}
	free(names);
	if (rc)
		prefix(err, dir);
	else
		*ret_n = (size_t)n;
	return rc;
}

/* ------------------------------------------------------------------ writing */

/* Like mkdir -p, of what a configured path may lack. */
static int make_store(const char *dir)
{
	_cleanup_free_ char *path = strdup(dir);

	if (!path)
		return -ENOMEM;
	for (char *p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = 0;
		if (mkdir(path, 0755) && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return mkdir(path, 0755) && errno != EEXIST ? -errno : 0;
}

static char *origin_line(const char *source, const struct ms_revocation_list *l,
			 time_t now)
{
	_cleanup_free_ unsigned char *sig = malloc(4 * (l->sig.len / 3 + 1) + 1);
	json_t *j = NULL;
	char *line;

	if (sig) {
		(void)EVP_EncodeBlock(sig, l->sig.data, (int)l->sig.len);
		j = json_pack("{s:s, s:I, s:s}", "source", source, "fetched",
			      (json_int_t)now, "signature", sig);
	}
	line = j ? json_dumps(j, JSON_COMPACT) : NULL;
	json_decref(j);
	return line;
}

static int write_list(const char *dir, const char *source,
		      const struct ms_revocation_list *l, time_t now,
		      struct ms_error *err)
{
	_cleanup_free_ char *path = NULL, *origin = origin_line(source, l, now);
	char name[NAME_LEN + SUFFIX_LEN + 1], eol[] = "\n";
	int rc = file_name(source, name);

	if (!rc && (!origin || asprintf(&path, "%s/%s", dir, name) < 0)) {
		path = NULL;
		rc = -ENOMEM;
	}
	if (!rc) {
		const struct iovec iov[] = {
			{origin, strlen(origin)},
			{eol, 1},
			{(void *)(uintptr_t)l->text, l->text_len},
		};

		rc = ms_file_replace(path, -1, 0644, iov, ARRAY_SIZE(iov), true, err);
	}
	return rc;
}

/* Return: 0 (nothing there, or older), 1 (the same), -ESTALE, ... */
static int compare(int dirfd, const char *source, const struct ms_revocation_list *l,
		   const struct ms_revocation_head *head, bool *ret_there,
		   struct ms_error *err)
{
	_cleanup_stored_ struct ms_stored s = {.file = NULL};
	int rc = get_at(dirfd, source, &s, err);

	*ret_there = !rc;
	if (rc)
		return rc == -ENOENT ? 0 : rc;
	if (head->number < s.head.number)
		return ms_error_set(err, -ESTALE, "older",
				    "its number is %lld, and number %lld was there "
				    "before: an older list is not used",
				    head->number, s.head.number);
	if (head->number > s.head.number)
		return 0;
	if (l->text_len == s.text_len && !memcmp(l->text, s.text, l->text_len))
		return 1;
	return ms_error_set(err, -ESTALE, "same-number",
			    "number %lld was there before with another content: not "
			    "used; its publisher has to count up",
			    head->number);
}

int ms_revocation_store_put(const char *dir, const char *source,
			    const struct ms_revocation_list *l,
			    const struct ms_revocation_head *head, time_t now,
			    enum ms_store_change *ret, struct ms_error *err)
{
	_cleanup_close_ int fd = -1;
	bool there = false;
	int rc = make_store(dir);

	if (rc)
		ms_error_set(err, rc, NULL, "%s", ms_strerror(rc));
	else
		rc = open_store(dir, &fd, err);
	/* Until @fd is closed. */
	if (!rc && flock(fd, LOCK_EX))
		rc = ms_error_set(err, -errno, NULL, "lock: %s", ms_strerror(errno));
	if (rc) {
		prefix(err, dir);
		return rc;
	}
	rc = compare(fd, source, l, head, &there, err);
	if (rc < 0)
		return rc;
	*ret = rc ? MS_STORE_UNCHANGED : there ? MS_STORE_REPLACED : MS_STORE_NEW;
	rc = rc ? 0 : write_list(dir, source, l, now, err);
	if (rc)
		prefix(err, dir);
	return rc;
}
