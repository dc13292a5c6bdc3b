/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/client/file_sign.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/xattr.h>

#include "lib/base64.h"
#include "lib/der.h"
#include "lib/escape.h"
#include "lib/file.h"
#include "lib/file_digest.h"
#include "lib/ima_sig.h"
#include "lib/trailer.h"
#include "signer/client/talk.h"

#define ELF_START 18u /* up to and with e_type */

static const struct {
	const char *name, *ending;
	enum ms_sign_type type;
} formats[] = {
	[MS_FORMAT_DETACHED] = {"detached", ".p7s", MS_SIGN_FILE},
	[MS_FORMAT_FSVERITY] = {"fsverity", ".sig", MS_SIGN_FSVERITY},
	[MS_FORMAT_IMA] = {"ima", ".sig", MS_SIGN_IMA},
	[MS_FORMAT_IMA_APPENDED] = {"ima-appended", "", MS_SIGN_FILE},
};

int ms_file_format_from_name(const char *name, enum ms_file_format *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (strcmp(formats[i].name, name) == 0) {
			*ret = (enum ms_file_format)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *ms_file_format_name(enum ms_file_format f)
{
	return formats[f].name;
}

enum ms_sign_type ms_file_format_type(enum ms_file_format f)
{
	return formats[f].type;
}

/**
 * struct item - a file on its way
 * @f: its content, or, where that is not needed, what fstat() said
 * @len: bytes that are signed, where they are in memory
 */
struct item {
	const char *path;
	struct ms_file_signed *out;
	const struct ms_file_sign *opt;
	int fd;
	struct ms_file f;
	size_t len;
	uint8_t digest[MS_DIGEST_MAX];
	struct ms_buf sig;
};

/* ---------------------------------------------------------------------- reading */

static bool is_module(int fd)
{
	uint8_t p[ELF_START];

	return pread(fd, p, sizeof(p), 0) == sizeof(p) && memcmp(p, "\177ELF", 4) == 0 &&
	       p[16] + p[17] == 1;
}

bool ms_is_module(const char *path)
{
	static const char *const endings[] = {".ko", ".ko.xz", ".ko.gz", ".ko.zst"};
	_cleanup_close_ int fd = -1;
	struct ms_error err = {0};
	size_t len = strlen(path);

	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		size_t n = strlen(endings[i]);

		if (len > n && strcmp(path + len - n, endings[i]) == 0)
			return true;
	}
	return ms_file_open(AT_FDCWD, path, &fd, &err) == 0 && is_module(fd);
}

static int read_whole(struct item *i, struct ms_error *err)
{
	bool appended = i->opt->format == MS_FORMAT_IMA_APPENDED;
	int r = ms_file_read_fd(i->fd, MS_MODULE_MAX, 0, &i->f, err);

	if (r == -EFBIG)
		return ms_error_set(
			err, r, "too-large", "is over %u bytes, which is too large %s",
			MS_MODULE_MAX,
			appended ? "to append a signature to" : "for --by-content");
	if (r < 0)
		return r;
	i->len = i->f.len;
	/* What was appended before is replaced. */
	if (appended) {
		r = ms_trailer_payload_len(i->f.data, i->f.len, &i->len);
		if (r < 0)
			return ms_error_set(
				err, r, "bad-trailer",
				"ends in a damaged signature: get the file anew");
		if (i->len == 0)
			return ms_error_set(err, -ENODATA, "empty",
					    "is empty: there is nothing to append a "
					    "signature to");
	}
	r = ms_digest(i->opt->hash, i->f.data, i->len, i->digest);
	return r < 0 ? ms_error_set(err, r, NULL, "hash: %s", ms_strerror(r)) : 0;
}

static int read_item(struct item *i, struct ms_error *err)
{
	enum ms_file_format format = i->opt->format;
	int r = ms_file_open(AT_FDCWD, i->path, &i->fd, err);

	if (r < 0)
		return r;
	if (formats[format].type == MS_SIGN_FILE && is_module(i->fd))
		return ms_error_set(err, -EINVAL, "is-a-module",
				    "is a kernel module: sign it without --format");
	if (i->opt->by_content || format == MS_FORMAT_IMA_APPENDED)
		return read_whole(i, err);
	if (format == MS_FORMAT_FSVERITY)
		return ms_file_fsverity(i->fd, i->opt->hash, i->digest, &i->f.st, err);
	return ms_file_digest(i->fd, i->opt->hash, i->digest, &i->f.st, err);
}

/* ----------------------------------------------------------------------- asking */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int bad_answer(struct ms_error *err)
{
	return ms_error_set(err, -EBADMSG, "bad-answer",
			    "the agent's answer is not what was asked for: see its log");
}

static json_t *item_json(const struct item *i)
{
	char hex[2 * MS_DIGEST_MAX + 1], shown[300];

	return json_pack("{s:s, s:s}", "name",
			 ms_escape_str(base_name(i->path), shown, sizeof(shown)),
			 "digest", ms_hex(i->digest, ms_hash_size(i->opt->hash), hex));
}

/* Of those that are read. */
static char *request_text(const struct ms_file_sign *opt, const struct item *v, size_t n)
{
	_cleanup_json_ json_t *j =
		json_pack("{s:s, s:s, s:b, s:[]}", "hash", ms_hash_name(opt->hash),
			  "type", ms_sign_type_name(formats[opt->format].type), "keyid",
			  opt->keyid, "items");
	json_t *items = json_object_get(j, "items");

	for (size_t i = 0; i < n && items; i++)
		if (v[i].out->rc == 0 && json_array_append_new(items, item_json(&v[i])))
			return NULL;
	return items ? json_dumps(j, JSON_COMPACT) : NULL;
}

/* Each answer says for which digest it is: never is one taken for another. */
static int take_answer(struct item *i, const json_t *item, struct ms_error *err)
{
	const char *digest = json_string_value(json_object_get(item, "digest"));
	const char *text = json_string_value(json_object_get(item, "signature"));
	const json_t *e = json_object_get(item, "error");
	const char *code = json_string_value(json_object_get(e, "code"));
	const char *detail = json_string_value(json_object_get(e, "detail"));
	char hex[2 * MS_DIGEST_MAX + 1], sentence[400];

	if (!digest ||
	    strcmp(digest, ms_hex(i->digest, ms_hash_size(i->opt->hash), hex)) != 0)
		return bad_answer(err);
	if (code && detail)
		return ms_error_set(err, -EACCES, code, "%s",
				    ms_escape_str(detail, sentence, sizeof(sentence)));
	return text && ms_base64_decode(text, strlen(text), false, &i->sig) == 0
		       ? 0
		       : bad_answer(err);
}

static int take_answers(struct item *v, size_t n, size_t asked, const struct ms_buf *out,
			struct ms_error *err)
{
	json_error_t je;
	_cleanup_json_ json_t *j = json_loadb((const char *)out->data, out->len,
					      JSON_REJECT_DUPLICATES, &je);
	const json_t *items = json_object_get(j, "items");
	size_t at = 0;

	if (!json_is_array(items) || json_array_size(items) != asked)
		return bad_answer(err);
	for (size_t i = 0; i < n; i++) {
		struct ms_file_signed *f = v[i].out;

		if (f->rc == 0)
			f->rc = take_answer(&v[i], json_array_get(items, at++), &f->err);
	}
	return 0;
}

static int ask_by_digest(const struct ms_file_sign *opt, struct item *v, size_t n,
			 size_t asked, struct ms_http *h, struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf target = MS_BUF_INIT(512),
				    out = MS_BUF_INIT(MS_HTTP_ANSWER_MAX);
	_cleanup_free_ char *text = request_text(opt, v, n);
	struct iovec body = {text, text ? strlen(text) : 0};
	int r;

	ms_buf_printf(&target, "/v1/keys/%s/sign-digests", opt->key);
	if (!text || !ms_buf_cstr(&target))
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	r = ms_agent_call(h, "POST", ms_buf_cstr(&target), "application/json",
			  "application/json", &body, 1, &out, err);
	return r < 0 ? r : take_answers(v, n, asked, &out, err);
}

static int ask_by_content(struct item *i, struct ms_http *h, struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf target = MS_BUF_INIT(4096);
	const struct iovec body = {i->f.data, i->len};
	bool ima = i->opt->format == MS_FORMAT_IMA;

	ms_buf_printf(&target,
		      "/v1/keys/%s/sign?type=%s&hash=%s&keyid=%d&name=", i->opt->key,
		      ms_sign_type_name(formats[i->opt->format].type),
		      ms_hash_name(i->opt->hash), i->opt->keyid);
	ms_http_encode(&target, base_name(i->path));
	if (!ms_buf_cstr(&target))
		return ms_error_set(err, -ENAMETOOLONG, NULL, "has too long a name");
	return ms_agent_call(h, "POST", ms_buf_cstr(&target),
			     ima ? "application/octet-stream"
				 : "application/pkcs7-signature",
			     "application/octet-stream", &body, 1, &i->sig, err);
}

/* ---------------------------------------------------------------------- writing */

/* The bare signature becomes one with IMA's header, which names a key: the right one? */
static int make_ima(struct item *i, struct ms_buf *out, struct ms_error *err)
{
	struct ms_ima_sig s = {
		.hash = i->opt->hash, .sig = i->sig.data, .sig_len = i->sig.len};
	int r = ms_key_verify_digest(i->opt->cert->pkey, i->opt->hash, i->digest,
				     i->sig.data, i->sig.len);

	if (r < 0)
		return bad_answer(err);
	r = ms_ima_keyid(i->opt->cert, &s.keyid);
	if (r == 0)
		r = ms_ima_sig_put(&s, out);
	return r < 0 ? ms_error_set(err, r, NULL,
				    "cannot be signed for IMA with this key: %s",
				    ms_strerror(r))
		     : 0;
}

static int check_message(const struct ms_buf *m, struct ms_error *err)
{
	struct ms_reader r = MS_READER(m->data, m->len);
	struct ms_der der;

	return m->len <= MS_MESSAGE_MAX && ms_der_get(&r, MS_DER_SEQUENCE, &der) == 0 &&
			       ms_reader_end(&r) == 0
		       ? 0
		       : bad_answer(err);
}

static int write_xattr(const struct item *i, const struct ms_buf *sig,
		       struct ms_error *err)
{
	if (fsetxattr(i->fd, "security.ima", sig->data, sig->len, 0) == 0)
		return 0;
	return ms_error_set(err, -errno, NULL,
			    "security.ima cannot be set: %s: it takes root and a file "
			    "system with extended attributes; without --xattr the "
			    "signature goes to a file",
			    ms_strerror(errno));
}

/* The bytes that were read, and still those that are at that path. */
static bool is_unchanged(const struct item *i)
{
	struct stat st;

	return ms_file_unchanged(&i->f, i->fd) && stat(i->path, &st) == 0 &&
	       st.st_dev == i->f.st.st_dev && st.st_ino == i->f.st.st_ino;
}

static int write_item(struct item *i, struct ms_file_signed *s, struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf ima = MS_BUF_INIT(MS_IMA_SIG_MAX);
	bool appended = i->opt->format == MS_FORMAT_IMA_APPENDED;
	struct ms_buf *sig = i->opt->format == MS_FORMAT_IMA ? &ima : &i->sig;
	uint8_t trailer[MS_TRAILER_LEN];
	char shown[300];
	int r = sig == &ima ? make_ima(i, &ima, err) : check_message(sig, err);

	if (r == 0 && !is_unchanged(i))
		r = ms_error_set(err, -EAGAIN, "changed",
				 "changed while it was being signed: try again when "
				 "nothing writes to it");
	if (r < 0)
		return r;
	if (i->opt->xattr)
		return write_xattr(i, sig, err);
	ms_trailer_build((uint32_t)sig->len, trailer);
	{
		const struct iovec whole[] = {{i->f.data, i->len},
					      {sig->data, sig->len},
					      {trailer, sizeof(trailer)}};

		r = ms_file_replace(s->signature, appended ? i->fd : -1, 0666,
				    appended ? whole : whole + 1, appended ? 3 : 1, true,
				    err);
	}
	if (r < 0 && !appended)
		ms_error_prefix(err, "the signature %s",
				ms_escape_str(s->signature, shown, sizeof(shown)));
	return r;
}

static int name_signature(const struct item *i, struct ms_file_signed *s,
			  struct ms_error *err)
{
	const char *dest = i->opt->dest ? i->opt->dest : i->path;
	const char *ending = i->opt->dest ? "" : formats[i->opt->format].ending;

	s->signature[0] = '\0';
	if (i->opt->xattr)
		return 0;
	if (snprintf(s->signature, sizeof(s->signature), "%s%s", dest, ending) >=
	    (int)sizeof(s->signature))
		return ms_error_set(err, -ENAMETOOLONG, NULL, "has too long a name");
	return 0;
}

static void ask(const struct ms_file_sign *opt, struct item *v, size_t n,
		struct ms_http *h)
{
	struct ms_error err = {0};
	size_t asked = 0;
	int r = 0;

	/*
	 * The agent hangs up on who says nothing for a minute, and hashing may take
	 * longer: the next call connects again. What speaks https does so by itself.
	 */
	if (!h->via)
		ms_http_close(h);
	for (size_t i = 0; i < n; i++) {
		struct ms_file_signed *f = v[i].out;

		if (f->rc == 0 && opt->by_content)
			f->rc = ask_by_content(&v[i], h, &f->err);
		asked += f->rc == 0;
	}
	if (asked > 0 && !opt->by_content)
		r = ask_by_digest(opt, v, n, asked, h, &err);
	for (size_t i = 0; i < n && r < 0; i++) {
		if (v[i].out->rc < 0)
			continue;
		v[i].out->rc = r;
		v[i].out->err = err;
	}
}

static void begin(struct item *i, struct ms_file_signed *f,
		  const struct ms_file_sign *opt)
{
	*i = (struct item){.path = f->path, .out = f, .opt = opt, .fd = -1};
	i->sig = MS_BUF_INIT(MS_MESSAGE_MAX);
	f->err = (struct ms_error){0};
	f->digest[0] = '\0';
	f->rc = name_signature(i, f, &f->err);
	if (f->rc == 0)
		f->rc = read_item(i, &f->err);
}

static void end(struct item *i)
{
	struct ms_file_signed *f = i->out;
	char shown[300];

	if (f->rc == 0)
		f->rc = write_item(i, f, &f->err);
	if (f->rc == 0)
		ms_hex(i->digest, ms_hash_size(i->opt->hash), f->digest);
	else
		ms_error_prefix(&f->err, "%s",
				ms_escape_str(i->path, shown, sizeof(shown)));
	if (i->fd >= 0)
		close(i->fd);
	ms_file_clear(&i->f);
	ms_buf_clear(&i->sig);
}

void ms_file_sign(struct ms_http *h, const struct ms_file_sign *opt,
		  struct ms_file_signed *f, size_t n)
{
	bool whole = opt->by_content || opt->format == MS_FORMAT_IMA_APPENDED;
	struct item v[MS_FILE_SIGN_MAX];

	/* One file at a time is in memory. */
	for (size_t at = 0, k; at < n; at += k) {
		k = whole ? 1 : MS_MIN(n - at, (size_t)MS_FILE_SIGN_MAX);
		for (size_t i = 0; i < k; i++)
			begin(&v[i], &f[at + i], opt);
		ask(opt, v, k, h);
		for (size_t i = 0; i < k; i++)
			end(&v[i]);
	}
}
