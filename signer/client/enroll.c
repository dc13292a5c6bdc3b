/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/client/enroll.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>

#include "lib/escape.h"
#include "lib/file.h"
#include "lib/pem.h"
#include "signer/client/cmd_key.h"
#include "signer/client/facts.h"

#define TARGET_MAX 256
#define FILE_MAX (MS_ESL_MAX + MS_MESSAGE_MAX)

void ms_enroll_clear(struct ms_enroll *e)
{
	json_decref(e->files);
	json_decref(e->steps);
	json_decref(e->notes);
}

void ms_enroll_quote(const char *path, char *ret)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789_./,:=@%+-";
	char *to = ret;

	if (strspn(path, plain) == strlen(path)) {
		memcpy(ret, path, strlen(path) + 1);
		return;
	}
	*to++ = '\'';
	for (; *path && to + 7 < ret + MS_QUOTED_MAX; path++) {
		if (*path == '\'') {
			/* Not a backslash, as steps are escaped when they are put. */
			memcpy(to, "'\"'\"'", 5);
			to += 5;
		} else {
			*to++ = *path;
		}
	}
	*to++ = '\'';
	*to = '\0';
}

_printf_(2, 0) static void append(json_t *list, const char *fmt, va_list ap)
{
	char text[4 * MS_PATH_MAX], shown[4 * MS_PATH_MAX];

	vsnprintf(text, sizeof(text), fmt, ap);
	ms_escape_str(text, shown, sizeof(shown));
	json_array_append_new(list, json_string(shown));
}

void ms_enroll_step(struct ms_enroll *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	append(e->steps, fmt, ap);
	va_end(ap);
}

void ms_enroll_note(struct ms_enroll *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	append(e->notes, fmt, ap);
	va_end(ap);
}

/* ---------------------------------------------------------------------- files */

static int complain(const struct ms_enroll *e, struct ms_error *err)
{
	ms_error_prefix(err, "%s", e->cli->cmd->name);
	ms_cli_complain(err);
	return MS_EXIT_FAILED;
}

/* Return: 0 it is to be written; 1 it is there already, the same; negative errno */
static int compare(const char *path, const void *data, size_t len, struct ms_error *err)
{
	_cleanup_file_ struct ms_file f = {0};
	struct ms_error e = {0};
	char shown[256];
	int r = ms_file_read(AT_FDCWD, path, FILE_MAX, 0, &f, &e);

	if (r == -ENOENT)
		return 0;
	if (r == 0 && f.len == len && memcmp(f.data, data, len) == 0)
		return 1;
	return ms_error_set(err, -EEXIST, NULL,
			    "%s exists already, with another content: choose another "
			    "folder with --dir",
			    ms_escape_str(path, shown, sizeof(shown)));
}

int ms_enroll_dir(const struct ms_cli *cli, const char *dir)
{
	struct ms_error err = {0};
	char shown[256];

	if (mkdir(dir, 0755) == 0 || errno == EEXIST)
		return MS_EXIT_OK;
	ms_error_set(&err, -errno, NULL, "%s: the folder %s cannot be made: %s",
		     cli->cmd->name, ms_escape_str(dir, shown, sizeof(shown)),
		     ms_strerror(errno));
	ms_cli_complain(&err);
	return MS_EXIT_FAILED;
}

static void append_file(struct ms_enroll *e, const char *path)
{
	char shown[4 * MS_PATH_MAX];

	ms_escape_str(path, shown, sizeof(shown));
	json_array_append_new(e->files, json_string(shown));
}

int ms_enroll_file(struct ms_enroll *e, const char *suffix, const void *data, size_t len,
		   char *ret)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = len};
	struct ms_error err = {0};
	char path[MS_PATH_MAX];
	int r;

	if (snprintf(path, sizeof(path), "%s/%s.%s", e->dir, e->name, suffix) >=
	    (int)sizeof(path)) {
		r = ms_error_set(&err, -ENAMETOOLONG, NULL, "the path is too long");
		return complain(e, &err);
	}
	r = compare(path, data, len, &err);
	if (r == 0)
		r = ms_file_replace(path, -1, 0644, &iov, 1, true, &err);
	if (r < 0)
		return complain(e, &err);
	append_file(e, path);
	if (ret)
		memcpy(ret, path, strlen(path) + 1);
	return MS_EXIT_OK;
}

/* -------------------------------------------------------------------- updates */

static int sign_in_agent(struct ms_enroll *e, const struct ms_efi_update *u,
			 struct ms_buf *auth)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)u->data, .iov_len = u->len};
	struct ms_error err = {0};
	char target[TARGET_MAX], seconds[24];
	int status =
		ms_talk_key_target(e->cli, e->kek, "/sign-efi", target, sizeof(target));

	if (status)
		return status;
	snprintf(seconds, sizeof(seconds), "%lld", (long long)u->time);
	ms_key_add_param(target, sizeof(target), "variable", u->variable);
	ms_key_add_param(target, sizeof(target), "time", seconds);
	ms_key_add_param(target, sizeof(target), "append", u->append ? "1" : "0");
	if (ms_agent_call(&e->talk->http, "POST", target, "application/octet-stream",
			  "application/octet-stream", &iov, 1, auth, &err) == 0)
		return MS_EXIT_OK;
	ms_cli_complain(&err);
	return ms_talk_lost(&err) ? MS_EXIT_AGENT : MS_EXIT_FAILED;
}

/* A message that openssl has made of NAME.VARIABLE.to-sign; PEM or DER. */
static int take_signature(struct ms_enroll *e, const struct ms_efi_update *u,
			  struct ms_buf *auth)
{
	_cleanup_buf_ struct ms_buf pem = MS_BUF_INIT(MS_MESSAGE_MAX);
	_cleanup_file_ struct ms_file f = {0};
	struct ms_error err = {0};
	const uint8_t *msg = NULL, *data;
	size_t len = 0, used;
	char shown[256];
	int r = ms_file_read(AT_FDCWD, e->signature, MS_MESSAGE_MAX, 0, &f, &err);

	if (r == 0) {
		data = f.data;
		len = f.len;
		if (ms_pem_find((char *)f.data, f.len, "PKCS7", &pem, &used) == 0) {
			data = pem.data;
			len = pem.len;
		}
		r = ms_efi_unwrap(data, len, &msg, &len);
		if (r < 0)
			ms_error_set(&err, r, NULL,
				     "it is not a PKCS#7 message in DER or PEM");
	}
	if (r == 0)
		r = ms_efi_auth(u, msg, len, auth);
	if (r == 0)
		return MS_EXIT_OK;
	ms_error_prefix(&err, "%s", ms_escape_str(e->signature, shown, sizeof(shown)));
	return complain(e, &err);
}

/* YYYY-MM-DDTHH:MM:SSZ, as --time takes it */
static void time_text(time_t t, char ret[32])
{
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(ret, 32, "%FT%TZ", &tm))
		ret[0] = '\0';
}

static int put_bundle(struct ms_enroll *e, const struct ms_efi_update *u)
{
	_cleanup_buf_ struct ms_buf bundle = MS_BUF_INIT(MS_ESL_MAX + 256);
	char suffix[32], path[MS_PATH_MAX], when[32], in[MS_QUOTED_MAX];
	char p7s[MS_PATH_MAX], out[MS_QUOTED_MAX], dir[MS_QUOTED_MAX];
	int status;

	if (ms_efi_bundle(u, &bundle) < 0)
		return ms_cli_usage(e->cli, "--time is at most in the year 9999");
	snprintf(suffix, sizeof(suffix), "%s.to-sign", u->variable);
	status = ms_enroll_file(e, suffix, bundle.data, bundle.len, path);
	if (status)
		return status;
	time_text(u->time, when);
	/* Shorter than that of the file that was just written. */
	snprintf(p7s, sizeof(p7s), "%s/%s.%s.p7s", e->dir, e->name, u->variable);
	ms_enroll_quote(path, in);
	ms_enroll_quote(p7s, out);
	ms_enroll_quote(e->dir, dir);
	ms_enroll_step(e,
		       "openssl smime -sign -binary -noattr -md sha256 -outform DER "
		       "-signer KEK.pem -inkey KEK.key -in %s -out %s    # "
		       "where the KEK's private key is",
		       in, out);
	ms_enroll_step(e,
		       "modseal key enroll %s --for %s --dir %s --time %s%s --signature "
		       "%s",
		       e->name, u->variable, dir, when, u->append ? "" : " --replace",
		       out);
	return MS_EXIT_OK;
}

int ms_enroll_update(struct ms_enroll *e, const char *variable, const struct ms_buf *list)
{
	_cleanup_buf_ struct ms_buf auth = MS_BUF_INIT(FILE_MAX);
	struct ms_efi_update u = {.variable = variable,
				  .append = !e->replace,
				  .time = e->time,
				  .data = list->data,
				  .len = list->len};
	char suffix[32], path[MS_PATH_MAX], auth_path[MS_QUOTED_MAX];
	int status;

	if (ms_buf_error(list) < 0)
		return MS_EXIT_FAILED;
	if (!e->kek && !e->signature)
		return put_bundle(e, &u);
	status = e->kek ? sign_in_agent(e, &u, &auth) : take_signature(e, &u, &auth);
	snprintf(suffix, sizeof(suffix), "%s.auth", variable);
	if (!status)
		status = ms_enroll_file(e, suffix, auth.data, auth.len, path);
	if (status)
		return status;
	ms_enroll_quote(path, auth_path);
	ms_enroll_step(e, "efi-updatevar %s-f %s %s    # on each machine",
		       e->replace ? "" : "-a ", auth_path, variable);
	return MS_EXIT_OK;
}

/* ---------------------------------------------------------------------- output */

static void print_list(const char *title, const json_t *list, const char *indent)
{
	const json_t *v;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	printf("%s:\n", title);
	/* Escaped when they were put there. */
	json_array_foreach((json_t *)(uintptr_t)list, i, v)
		printf("%s%s\n", indent, json_string_value(v));
}

json_t *ms_enroll_json(const struct ms_enroll *e, const char *target)
{
	char cn[2 * sizeof(e->cert->subject_cn)];

	ms_escape_str(e->cert->subject_cn, cn, sizeof(cn));
	return json_pack("{s:s, s:s, s:s, s:b, s:O, s:O, s:O}", "key", e->name, "target",
			 target, "subject", cn, "ca", e->cert->is_ca, "files", e->files,
			 "steps", e->steps, "notes", e->notes);
}

void ms_enroll_show(const json_t *j)
{
	print_list("Written", json_object_get(j, "files"), "  ");
	print_list("Do", json_object_get(j, "steps"), "  ");
	print_list("Know", json_object_get(j, "notes"), "  - ");
}

void ms_enroll_print(const struct ms_enroll *e, const char *target)
{
	_cleanup_json_ json_t *j = ms_enroll_json(e, target);

	if (e->cli->json) {
		ms_fact_json(j);
		return;
	}
	printf("Key %s, certificate \"%s\"%s, for %s\n", e->name,
	       json_string_value(json_object_get(j, "subject")),
	       e->issues	? " (a CA's: modules are signed by leaf keys)"
	       : e->cert->is_ca ? " (a CA's)"
				: "",
	       target);
	ms_enroll_show(j);
}
