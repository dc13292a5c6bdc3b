/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A module's way through: read, ask the agent, append, replace.
 */
#include <errno.h>
#include "lib/agent_client.h"
#include "lib/der.h"
#include "lib/escape.h"
#include "lib/file.h"
#include "lib/module_file.h"
#include "lib/module_path.h"

/* The last part of a path, without ".ko" and what says how it is compressed. */
static void put_name(struct ms_buf *b, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	size_t len = ms_module_plain_len(base);
	char name[256];

	if (len > 3 && memcmp(base + len - 3, ".ko", 3) == 0)
		len -= 3;
	len = MS_MIN(len, sizeof(name) - 1);
	memcpy(name, base, len);
	name[len] = '\0';
	ms_http_encode(b, name);
}

/* One DER SEQUENCE that fills all bytes: what an honest agent's answer is at least. */
static bool is_message(const struct ms_buf *m)
{
	struct ms_reader r = MS_READER(m->data, m->len);
	struct ms_der message;

	return m->len <= MS_MESSAGE_MAX &&
	       ms_der_get(&r, MS_DER_SEQUENCE, &message) == 0 && ms_reader_end(&r) == 0;
}

static int put_path(struct ms_buf *b, const char *in_tree)
{
	_cleanup_free_ char *plain = strndup(in_tree, ms_module_plain_len(in_tree));

	if (!plain)
		return -ENOMEM;
	ms_buf_printf(b, "&path=");
	ms_http_encode(b, plain);
	return 0;
}

int ms_agent_ask(struct ms_http *h, const char *path, const struct ms_sign_options *opt,
		 const uint8_t *payload, size_t len, struct ms_buf *out,
		 struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf target = MS_BUF_INIT(4096);
	/* The body is only read, but struct iovec cannot say so. */
	const struct iovec body = {.iov_base = (void *)(uintptr_t)payload,
				   .iov_len = len};
	const char *in_tree = ms_module_path(path, opt->roots, opt->n_roots), *text;
	int r = 0;

	ms_buf_printf(&target, "/v1/keys/");
	ms_http_encode(&target, opt->key);
	ms_buf_printf(&target, "/sign?name=");
	put_name(&target, path);
	if (strchr(in_tree, '/'))
		r = put_path(&target, in_tree);
	ms_buf_printf(&target, "&hash=");
	ms_http_encode(&target, opt->hash);
	if (opt->build && opt->build[0]) {
		ms_buf_printf(&target, "&build=");
		ms_http_encode(&target, opt->build);
	}
	if (opt->keyid)
		ms_buf_printf(&target, "&keyid=1");
	text = ms_buf_cstr(&target);
	if (!text || r < 0)
		return ms_error_set(err, -ENOMEM, NULL, "request: %s",
				    ms_strerror(ENOMEM));
	r = ms_agent_call(h, "POST", text, "application/pkcs7-signature",
			  "application/octet-stream", &body, 1, out, err);
	if (r < 0)
		return r;
	if (!is_message(out))
		return ms_error_set(err, -EBADMSG, "bad-answer",
				    "the agent's answer is not a signature: see its log");
	return 0;
}

int ms_agent_write_detached(const char *path, const struct ms_sign_options *opt,
			    const struct ms_buf *message, struct ms_error *err)
{
	const struct iovec iov = {message->data, message->len};
	char name[MS_PATH_MAX], shown[300];
	const char *dest = opt->detached && opt->dest ? opt->dest : name;
	int n = snprintf(name, sizeof(name), "%s.p7s", path);
	int r;

	if (n < 0 || (size_t)n >= sizeof(name))
		return ms_error_set(err, -ENAMETOOLONG, NULL, "has too long a name");
	r = ms_file_replace(dest, -1, 0666, &iov, 1, opt->sync, err);
	if (r < 0)
		ms_error_prefix(err, "the detached signature %s",
				ms_escape_str(dest, shown, sizeof(shown)));
	return r;
}

static int sign(struct ms_http *h, const char *path, const struct ms_sign_options *opt,
		struct ms_file *f, struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf message = MS_BUF_INIT(MS_MESSAGE_MAX);
	_cleanup_close_ int fd = -1;
	size_t len;
	int r = ms_module_read(path, f, &fd, &len, err);

	if (r == 0)
		r = ms_agent_ask(h, path, opt, f->data, len, &message, err);
	if (r == 0 && (opt->detached || opt->keep_detached))
		r = ms_agent_write_detached(path, opt, &message, err);
	if (r == 0 && !opt->detached)
		r = ms_module_append(path, fd, f, len, message.data, message.len,
				     opt->dest, opt->sync, err);
	return r;
}

int ms_agent_sign_file(struct ms_http *h, const char *path,
		       const struct ms_sign_options *opt, struct ms_file *f,
		       struct ms_error *err)
{
	char shown[300];
	int r = sign(h, path, opt, f, err);

	if (r < 0)
		ms_error_prefix(err, "%s", ms_escape_str(path, shown, sizeof(shown)));
	return r;
}
