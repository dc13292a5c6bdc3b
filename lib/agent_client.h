/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client's side of the agent: where it is, and what can be asked of it. Used by
 * modseal and by modseal-sign-file; needs libc only.
 */
#ifndef MS_AGENT_CLIENT_H
#define MS_AGENT_CLIENT_H

#include "lib/error.h"
#include "lib/http.h"
#include "lib/limits.h"

#define MS_AGENT_SOCKET MS_RUNDIR "/agent.sock"
#define MS_CLIENT_CONFIG MS_SYSCONFDIR "/modseal.conf"

/**
 * struct ms_client_config - client configuration
 * @agent: "unix:/path" or "https://host:port"
 * @tls_ca, @tls_cert, @tls_key: files in PEM for https: whom to trust, and who we are
 * @key: default key, or ""
 * @build: id of the build that modules are signed for, or ""
 *
 * Built-in defaults, then /etc/modseal/modseal.conf ("agent = ...", "key = ...", one per
 * line, # comments), then MODSEAL_AGENT and MODSEAL_KEY; the
 * build comes from MODSEAL_BUILD only.
 */
struct ms_client_config {
	char agent[MS_PATH_MAX];
	char tls_ca[MS_PATH_MAX], tls_cert[MS_PATH_MAX], tls_key[MS_PATH_MAX];
	char key[MS_KEY_NAME_MAX + 1];
	char build[MS_KEY_NAME_MAX + 1];
};

/** ms_client_config_parse() - apply the text of a configuration file to @c; no I/O.
 * Return: 0 or -EINVAL with line number and the nearest valid key in @err. */
int ms_client_config_parse(const char *text, size_t len, struct ms_client_config *c,
			   struct ms_error *err) _must_check_;
/** ms_client_config_path() - the file that is in use, escaped: it was in the environment
 */
const char *ms_client_config_path(char *buf, size_t size);

/** ms_client_config_load() - defaults, file, environment (but not in a process that has
 * gained rights: secure_getenv()). A missing file is fine. */
int ms_client_config_load(struct ms_client_config *ret,
			  struct ms_error *err) _must_check_;

/** ms_key_name_valid() - 1 to 64 of [A-Za-z0-9._-], not starting with '.' or '-' */
bool ms_key_name_valid(const char *name);

/** ms_agent_is_remote() - is the agent reached over https, where no module goes? */
bool ms_agent_is_remote(const struct ms_client_config *c);

/** ms_agent_open_https - opens https connections; NULL in programs that have none */
extern int (*ms_agent_open_https)(struct ms_http *h, const struct ms_client_config *c,
				  unsigned int timeout_ms, struct ms_error *err);

/** ms_agent_open() - connect. Return: 0 or negative errno with a sentence. */
int ms_agent_open(struct ms_http *h, const struct ms_client_config *c,
		  struct ms_error *err) _must_check_;

/**
 * ms_agent_call() - ms_http_call() whose refusals are errors
 *
 * Asks for "text/plain" problems beside @accept, so that no JSON has to be parsed: such a
 * body is "code\nsentence\n".
 *
 * When @h->certificate is set, an answer that does not say that the certificate was
 * looked at counts for nothing: -EPROTO.
 *
 * Return: 0 for status 200 to 299 (body in @out); for a problem answer a negative errno
 * (401/403 -EACCES, 404 -ENOENT, 409 -EEXIST, 413 -EFBIG, 417 -ENOKEY, 400/415/422
 * -EINVAL, 503 -EAGAIN, others -EIO) with the agent's code and sentence, escaped, in
 * @err.
 */
int ms_agent_call(struct ms_http *h, const char *method, const char *target,
		  const char *accept, const char *body_type, const struct iovec *body,
		  int n, struct ms_buf *out, struct ms_error *err) _must_check_;

/**
 * struct ms_sign_options - how to sign a file
 * @key: key's name
 * @hash: name as in CONFIG_MODULE_SIG_HASH
 * @build: id of the build that the module belongs to; NULL or "": none
 * @roots, @n_roots: folders that were named, for ms_module_path(); may be none
 * @dest: where the signed module goes; NULL: in place
 * @sig_dir: where detached signatures go, as ms_detached_path() has it; for callers of
 *	ms_packed_write_signed() alone; NULL: beside the modules
 * @detached: write only the message (sign-file -d): to @dest, else to PATH.p7s
 * @keep_detached: sign, and keep the message in PATH.p7s as well (sign-file -p)
 * @keyid: sid by SKI (sign-file -k)
 * @sync: fsync before the rename
 */
struct ms_sign_options {
	const char *key, *build, *hash, *dest, *sig_dir;
	char *const *roots;
	size_t n_roots;
	bool detached, keep_detached, keyid, sync;
};

struct ms_file;
/**
 * ms_agent_sign_file() - a module's way through: read, ask, append, replace
 * @h: open connection
 * @path: an uncompressed module
 * @f: memory that is reused from file to file
 *
 * The module is read once; what was sent is what is written. An old signature is
 * replaced. On any failure the file is as it was.
 *
 * Return: 0 or negative errno with a sentence that starts with the path.
 */
int ms_agent_sign_file(struct ms_http *h, const char *path,
		       const struct ms_sign_options *opt, struct ms_file *f,
		       struct ms_error *err) _must_check_;

/**
 * ms_agent_ask() - the middle of ms_agent_sign_file(): a module's bytes for a message
 * @path: says what the module is called
 * @payload, @len: without any signature
 * @out: the message is appended
 * Return: as ms_agent_call(), and -EBADMSG (not a message); with a sentence.
 */
int ms_agent_ask(struct ms_http *h, const char *path, const struct ms_sign_options *opt,
		 const uint8_t *payload, size_t len, struct ms_buf *out,
		 struct ms_error *err) _must_check_;

/** ms_agent_write_detached() - the message to a file of its own, as @opt says where.
 * Return: as ms_file_replace(). */
int ms_agent_write_detached(const char *path, const struct ms_sign_options *opt,
			    const struct ms_buf *message,
			    struct ms_error *err) _must_check_;

#endif
