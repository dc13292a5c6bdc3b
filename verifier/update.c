/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verifier/update.h"

#include <errno.h>
#include <fcntl.h>

#include "lib/escape.h"
#include "lib/file.h"

/* ------------------------------------------------------------ configuration */

void ms_update_config_clear(struct ms_update_config *c)
{
	for (size_t i = 0; i < c->n_sources; i++)
		free(c->sources[i]);
	for (size_t i = 0; i < c->n_keys; i++)
		free(c->keys[i]);
	free(c->cacert);
	*c = (struct ms_update_config){.n_sources = 0};
}

static int bad_line(struct ms_error *err, unsigned int number, const char *why)
{
	return ms_error_set(err, -EINVAL, "bad-config", "line %u: %s", number, why);
}

static int set(struct ms_update_config *c, const char *name, char *value,
	       unsigned int number, struct ms_error *err)
{
	char **to;
	int rc;

	if (!strcmp(name, "source")) {
		rc = ms_fetch_check(value, err);
		if (rc) {
			ms_error_prefix(err, "line %u", number);
			return rc;
		}
		if (c->n_sources == MS_UPDATE_SOURCES_MAX)
			return bad_line(err, number, "too many sources");
		to = &c->sources[c->n_sources++];
	} else if (!strcmp(name, "key")) {
		if (c->n_keys == MS_PUBLISHER_KEYS_MAX)
			return bad_line(err, number, "too many keys");
		to = &c->keys[c->n_keys++];
	} else if (!strcmp(name, "cacert")) {
		if (c->cacert)
			return bad_line(err, number, "cacert is there twice");
		to = &c->cacert;
	} else {
		return bad_line(err, number, "must be source, key or cacert");
	}
	*to = strdup(value);
	return *to ? 0 : -ENOMEM;
}

static char *trim(char *s)
{
	size_t n;

	s += strspn(s, " \t\r");
	n = strlen(s);
	while (n && strchr(" \t\r", s[n - 1]))
		s[--n] = 0;
	return s;
}

static int parse_line(struct ms_update_config *c, char *line, unsigned int number,
		      struct ms_error *err)
{
	char *name = trim(line), *equals;

	if (!*name || *name == '#')
		return 0;
	equals = strchr(name, '=');
	if (!equals)
		return bad_line(err, number, "must be NAME = VALUE");
	*equals = 0;
	equals = trim(equals + 1);
	if (!*equals)
		return bad_line(err, number, "has no value");
	return set(c, trim(name), equals, number, err);
}

int ms_update_config_parse(const char *text, size_t len, struct ms_update_config *ret,
			   struct ms_error *err)
{
	struct ms_update_config c = {.n_sources = 0};
	unsigned int number = 0;
	int rc = 0;

	while (len && !rc) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;
		char line[MS_PATH_MAX + 64];

		number++;
		if (n >= sizeof(line) || memchr(text, 0, n)) {
			rc = bad_line(err, number, "too long, or no text");
			break;
		}
		memcpy(line, text, n);
		line[n] = 0;
		rc = parse_line(&c, line, number, err);
		n += end != NULL;
		text += n;
		len -= n;
	}
	if (rc)
		ms_update_config_clear(&c);
	else
		*ret = c;
	return rc;
}

int ms_update_config_load(const char *path, struct ms_update_config *ret,
			  struct ms_error *err)
{
	_cleanup_file_ struct ms_file f = {0};
	char shown[512];
	int rc = ms_file_read(AT_FDCWD, path, MS_CONFIG_MAX, 0, &f, err);

	if (!rc)
		rc = ms_update_config_parse((char *)f.data, f.len, ret, err);
	if (rc)
		ms_error_prefix(err, "%s", ms_escape_str(path, shown, sizeof(shown)));
	return rc;
}

/* ----------------------------------------------------------------- one list */

static void look_at_store(const char *dir, const char *source, struct ms_update *ret)
{
	_cleanup_stored_ struct ms_stored s = {.file = NULL};

	ret->kept = !ms_revocation_store_get(dir, source, &s, NULL);
	if (ret->kept)
		ret->head = s.head;
}

/* "X.p7s" beside "X", or "X.p7s?query". */
static int signature_url(const char *url, char ret[MS_FETCH_URL_MAX])
{
	size_t path = strcspn(url, "?#");
	int n = snprintf(ret, MS_FETCH_URL_MAX, "%.*s.p7s%s", (int)path, url, url + path);

	return n < 0 || (unsigned int)n >= MS_FETCH_URL_MAX ? -EINVAL : 0;
}

static bool looks_like_json(const struct ms_buf *b)
{
	size_t i = 0;

	while (i < b->len && memchr(" \t\r\n", b->data[i], 4))
		i++;
	return i < b->len && b->data[i] == '{';
}

static int fetch_signature(const char *source, const char *cacert,
			   struct ms_revocation_list *l, struct ms_error *err)
{
	char url[MS_FETCH_URL_MAX];
	int rc;

	if (signature_url(source, url))
		return ms_error_set(err, -EINVAL, "bad-url", "too long");
	l->sig = MS_BUF_INIT(MS_MESSAGE_MAX);
	rc = ms_fetch(url, cacert, &l->sig, err);
	if (!rc && !l->sig.len)
		rc = ms_error_set(err, -EBADMSG, "not-signed", "empty");
	if (rc)
		ms_error_prefix(err, "its signature, in the .p7s beside it");
	return rc;
}

/* @ret points into @data. */
static int fetch_list(const char *source, const char *cacert, struct ms_buf *data,
		      struct ms_revocation_list *ret, struct ms_error *err)
{
	struct ms_revocation_list l = {.text = NULL};
	int rc = ms_fetch(source, cacert, data, err);

	if (rc)
		return rc;
	if (!looks_like_json(data))
		return ms_error_set(err, -EBADMSG, "not-json",
				    "what comes from there is no list: not JSON");
	rc = ms_revocation_list_split((char *)data->data, data->len, &l);
	if (rc == -EBADMSG)
		return ms_error_set(err, rc, "not-signed",
				    "its second line is no signature");
	if (rc == -ENODATA) {
		l.text = (char *)data->data;
		l.text_len = data->len;
		rc = fetch_signature(source, cacert, &l, err);
	}
	if (rc)
		ms_revocation_list_clear(&l);
	else
		*ret = l;
	return rc;
}

/* A list and its signature may be of two days when both are just being replaced. */
static int fetch_verified(const char *source, const char *cacert,
			  const struct ms_publisher_keys *keys, struct ms_buf *data,
			  struct ms_revocation_list *ret, struct ms_error *err)
{
	int rc = 0;

	for (unsigned int turn = 0; turn < 2; turn++) {
		data->len = 0;
		ms_revocation_list_clear(ret);
		rc = fetch_list(source, cacert, data, ret, err);
		if (!rc)
			rc = ms_revocation_list_verify(ret, keys, err);
		if (rc != -EKEYREJECTED)
			break;
	}
	return rc;
}

int ms_update_one(const char *dir, const char *source, const char *cacert,
		  const struct ms_publisher_keys *keys, time_t now, struct ms_update *ret,
		  struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf data = MS_BUF_INIT(MS_UPDATE_LIST_MAX);
	_cleanup_revocation_list_ struct ms_revocation_list list = {.text = NULL};
	struct ms_update u = {.change = 0};
	int rc = fetch_verified(source, cacert, keys, &data, &list, err);

	u.finding = rc == -EKEYREJECTED;
	/* Nothing of it is looked at before it is known whose it is. */
	if (!rc)
		rc = ms_revocation_list_head(list.text, list.text_len, &u.head, err);
	if (!rc) {
		rc = ms_revocation_store_put(dir, source, &list, &u.head, now, &u.change,
					     err);
		u.finding = rc == -ESTALE;
	}
	if (rc) {
		u.change = 0;
		look_at_store(dir, source, &u);
	}
	u.expired = (!rc || u.kept) && u.head.expires < now;
	*ret = u;
	return rc;
}
