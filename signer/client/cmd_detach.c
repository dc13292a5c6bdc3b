/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal detach, modseal attach */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include "lib/escape.h"
#include "lib/limits.h"
#include "lib/trailer.h"
#include "signer/client/cmd_sign.h"
#include "signer/client/detached.h"
#include "signer/client/each.h"
#include "signer/client/facts.h"
#include "signer/client/tree.h"

#define SHOWN_MAX 300
#define SIGNERS_MAX 32

/**
 * struct moving - one run, in either direction
 * @dir: where the signatures are; NULL: beside the modules
 * @signer, @n_signers: by whom they have to be; none: not asked for
 * @moved, @left: how many; @left: without a signature, or with it already
 */
struct moving {
	const struct ms_cli *cli;
	const char *dir;
	bool replace;
	struct ms_signer signer[SIGNERS_MAX];
	size_t n_signers;
	struct ms_tree tree;
	struct ms_sign_outcome outcome;
	atomic_size_t moved, left, already;
};

static void moving_clear(struct moving *v)
{
	for (size_t i = 0; i < v->n_signers; i++)
		ms_signer_clear(&v->signer[i]);
	ms_tree_clear(&v->tree);
	json_decref(v->outcome.list);
}

/* A file that was named has to have what is asked for; in a tree some may not. */
static bool is_named(const struct moving *v, const char *path)
{
	for (int i = 0; i < v->cli->n_operands; i++)
		if (!strcmp(v->cli->operands[i], path))
			return true;
	return false;
}

static int signature_path(const struct moving *v, const char *path, bool make,
			  char ret[MS_PATH_MAX], struct ms_error *err)
{
	return ms_detached_path(path, v->cli->operands, (size_t)v->cli->n_operands,
				v->dir, make, ret, MS_PATH_MAX, err);
}

/* ---------------------------------------------------------------------------- detach */

static int write_signature(const char *name, const struct ms_buf *msgs,
			   struct ms_error *err)
{
	const struct iovec iov = {msgs->data, msgs->len};
	char shown[SHOWN_MAX];
	int r = ms_file_replace(name, -1, 0666, &iov, 1, true, err);

	if (r < 0)
		ms_error_prefix(err, "its signature %s",
				ms_escape_str(name, shown, sizeof(shown)));
	return r;
}

static int detach(void *arg, const char *path, struct ms_packed *m,
		  struct ms_packers *packers, struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf msgs = MS_BUF_INIT(MS_MESSAGE_MAX);
	struct moving *v = arg;
	char name[MS_PATH_MAX];
	bool was_there;
	int r = ms_packed_read(m, path, err);

	if (r < 0)
		return r;
	if (m->payload_len == m->len) {
		if (is_named(v, path))
			return ms_error_set(err, -ENODATA, "not-signed",
					    "has no signature that could be detached");
		atomic_fetch_add(&v->left, 1);
		return 0;
	}
	r = ms_detached_split(m->data + m->payload_len, m->len - m->payload_len, &msgs);
	if (r < 0)
		return ms_error_set(err, r, "bad-signature",
				    "carries a signature that is not understood and "
				    "could not be attached again: it stays");
	/* The signature is safe before the module loses it. */
	r = signature_path(v, path, true, name, err);
	if (r < 0)
		return r;
	was_there = access(name, F_OK) == 0;
	r = write_signature(name, &msgs, err);
	if (r < 0)
		return r;
	r = ms_packed_write(m, packers, path, NULL, 0, NULL, true, err);
	if (r == 0)
		atomic_fetch_add(&v->moved, 1);
	else if (!was_there)
		unlink(name);
	return r;
}

/* ---------------------------------------------------------------------------- attach */

static int read_signature(struct moving *v, const char *path, struct ms_file *f,
			  struct ms_error *err)
{
	char name[MS_PATH_MAX], shown[SHOWN_MAX];
	int r = signature_path(v, path, false, name, err);

	if (r < 0)
		return r;
	r = ms_file_read(AT_FDCWD, name, MS_MESSAGE_MAX, 0, f, err);
	if (r < 0)
		ms_error_prefix(err, "its signature %s",
				ms_escape_str(name, shown, sizeof(shown)));
	return r;
}

/* A file with several names has its signature beside one of them; first the one in the
 * list. */
static int read_any(struct moving *v, const char *path, struct ms_file *f,
		    bool *ret_named, struct ms_error *err)
{
	struct ms_error ignored = {0};
	int r = read_signature(v, path, f, err);

	*ret_named = is_named(v, path);
	for (size_t i = 0; i < v->tree.n_links && r == -ENOENT; i++) {
		const struct ms_tree_link *l = &v->tree.links[i];

		if (strcmp(l->first, path) != 0)
			continue;
		*ret_named = *ret_named || is_named(v, l->path);
		r = read_signature(v, l->path, f, &ignored);
		if (r != -ENOENT)
			*err = ignored;
	}
	return r;
}

/* Each signature is over what is before it, by one of those that are asked for. */
static int check_signers(const struct moving *v, const struct ms_packed *m,
			 const struct ms_buf *tail, struct ms_error *err)
{
	_cleanup_free_ uint8_t *all = malloc(m->payload_len + tail->len);
	size_t len = m->payload_len + tail->len, i;

	if (!all)
		return ms_error_set(err, -ENOMEM, NULL, "%s", ms_strerror(ENOMEM));
	memcpy(all, m->data, m->payload_len);
	memcpy(all + m->payload_len, tail->data, tail->len);
	while (len > m->payload_len) {
		struct ms_trailer t;
		bool good = false;

		if (ms_trailer_parse(all, len, &t) < 0)
			break;
		for (i = 0; i < v->n_signers && !good; i++)
			good = ms_signer_made(&v->signer[i], t.msg, t.msg_len, all,
					      t.payload_len);
		if (!good)
			break;
		len = t.payload_len;
	}
	if (len == m->payload_len)
		return 0;
	return ms_error_set(err, -EKEYREJECTED, "wrong-signature",
			    "its signature is not over this module, or by another key");
}

static int put_on(struct moving *v, const char *path, struct ms_packed *m,
		  struct ms_packers *packers, const struct ms_file *p7s,
		  struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf tail = MS_BUF_INIT(2 * MS_MESSAGE_MAX);
	int r = ms_detached_join(p7s->data, p7s->len, &tail);

	if (r < 0)
		return ms_error_set(err, r, "bad-signature",
				    "its signature is not PKCS#7 in DER as kernels take "
				    "it: sign the module again");
	if (v->n_signers)
		r = check_signers(v, m, &tail, err);
	if (r < 0)
		return r;
	if (m->len - m->payload_len == tail.len &&
	    !memcmp(m->data + m->payload_len, tail.data, tail.len)) {
		atomic_fetch_add(&v->already, 1);
		return 0;
	}
	if (m->payload_len < m->len && !v->replace)
		return ms_error_set(err, -EEXIST, "signed-already",
				    "has another signature already: use --replace to "
				    "have this one in its place");
	r = ms_packed_write_tail(m, packers, path, tail.data, tail.len, NULL, true, err);
	if (r == 0)
		atomic_fetch_add(&v->moved, 1);
	return r;
}

static int attach(void *arg, const char *path, struct ms_packed *m,
		  struct ms_packers *packers, struct ms_error *err)
{
	_cleanup_file_ struct ms_file p7s = {0};
	struct moving *v = arg;
	bool named;
	int r = read_any(v, path, &p7s, &named, err);

	if (r == -ENOENT && !named) {
		*err = (struct ms_error){0};
		atomic_fetch_add(&v->left, 1);
		return 0;
	}
	if (r == 0)
		r = ms_packed_read(m, path, err);
	return r < 0 ? r : put_on(v, path, m, packers, &p7s, err);
}

/* --cert: whose they have to be */
static int read_signers(const struct ms_cli *cli, struct moving *v)
{
	const char *path = ms_cli_opt(cli, "cert");
	struct ms_error err = {0};
	char shown[SHOWN_MAX];

	if (!path ||
	    ms_signers_load(path, v->signer, SIGNERS_MAX, &v->n_signers, &err) == 0)
		return MS_EXIT_OK;
	ms_error_prefix(&err, "%s: %s", cli->cmd->name,
			ms_escape_str(path, shown, sizeof(shown)));
	ms_cli_complain(&err);
	return MS_EXIT_FAILED;
}

/* ------------------------------------------------------------------------------ both */

static void print_totals(struct moving *v, const char *done, const char *without)
{
	if (v->cli->json) {
		_cleanup_json_ json_t *j = json_pack(
			"{s:I, s:I, s:I, s:I, s:O}", done, (json_int_t)v->moved,
			"already", (json_int_t)v->already, "without_signature",
			(json_int_t)v->left, "failed", (json_int_t)v->outcome.failed,
			"failures", v->outcome.list);

		ms_fact_json(j);
		return;
	}
	if (ms_cli_opt(v->cli, "quiet"))
		return;
	printf("%zu %s", (size_t)v->moved, done);
	if (v->already)
		printf(", %zu were already", (size_t)v->already);
	if (v->left)
		printf(", %zu %s", (size_t)v->left, without);
	if (v->outcome.failed)
		printf(", %zu failed", v->outcome.failed);
	printf("\n");
}

static bool is_same(const struct stat *st, const struct ms_tree_link *l)
{
	return st->st_dev == l->dev && st->st_ino == l->ino;
}

/* Where hard links are not kept, each of them needs its signature. */
static int copy_signature(const struct moving *v, const struct ms_tree_link *l,
			  struct ms_error *err)
{
	_cleanup_file_ struct ms_file f = {0};
	char from[MS_PATH_MAX], to[MS_PATH_MAX];
	struct iovec iov;
	int r = signature_path(v, l->first, false, from, err);

	if (r == 0)
		r = ms_file_read(AT_FDCWD, from, MS_MESSAGE_MAX, 0, &f, err);
	if (r == 0)
		r = signature_path(v, l->path, true, to, err);
	if (r < 0)
		return r;
	iov = (struct iovec){f.data, f.len};
	return ms_file_replace(to, -1, 0666, &iov, 1, true, err);
}

/* Of the other names of what has been detached, before they are names of the new file. */
static void copy_signatures(struct moving *v)
{
	for (size_t i = 0; i < v->tree.n_links; i++) {
		const struct ms_tree_link *l = &v->tree.links[i];
		struct ms_error err = {0};
		char shown[SHOWN_MAX];
		struct stat now, st;

		if (stat(l->first, &now) || lstat(l->path, &st) || is_same(&now, l) ||
		    !is_same(&st, l) || copy_signature(v, l, &err) == 0)
			continue;
		ms_error_prefix(&err, "%s: its signature",
				ms_escape_str(l->path, shown, sizeof(shown)));
		ms_sign_failure(&v->outcome, l->path, &err);
	}
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int move_all(struct moving *v, int (*one)(void *, const char *, struct ms_packed *,
						 struct ms_packers *, struct ms_error *))
{
	struct ms_each e = {
		.one = one,
		.arg = v,
		.failed = ms_sign_failure,
		.failed_arg = &v->outcome,
	};
	struct ms_error err = {0};
	char shown[SHOWN_MAX];
	int status = ms_sign_jobs(v->cli, &e.jobs), rc = 0;

	if (status)
		return status;
	v->tree.failed = ms_sign_failure;
	v->tree.arg = &v->outcome;
	for (int i = 0; i < v->cli->n_operands && !rc; i++)
		rc = ms_tree_add(&v->tree, v->cli->operands[i], true);
	ms_tree_sort(&v->tree);
	if (!rc && ms_detached_distinct(v->tree.path, v->tree.n, v->cli->operands,
					(size_t)v->cli->n_operands, v->dir, &err) < 0) {
		ms_error_prefix(&err, "%s", v->cli->cmd->name);
		ms_cli_complain(&err);
		return MS_EXIT_USAGE;
	}
	if (one == attach && v->dir && !is_folder(v->dir)) {
		fprintf(stderr,
			"modseal: attach: %s: no such folder: name the one that "
			"'modseal detach --to' has filled\n",
			ms_escape_str(v->dir, shown, sizeof(shown)));
		return MS_EXIT_FAILED;
	}
	if (!rc)
		rc = ms_tree_fold(&v->tree);
	if (rc) {
		fprintf(stderr, "modseal: %s: out of memory\n", v->cli->cmd->name);
		return MS_EXIT_FAILED;
	}
	e.path = v->tree.path;
	e.n = v->tree.n;
	if (ms_each_run(&e) < 0) {
		fprintf(stderr, "modseal: %s: no thread can be started\n",
			v->cli->cmd->name);
		return MS_EXIT_FAILED;
	}
	if (one == detach)
		copy_signatures(v);
	ms_tree_relink(&v->tree);
	return v->outcome.failed ? MS_EXIT_FAILED : MS_EXIT_OK;
}

int ms_cmd_detach(const struct ms_cli *cli)
{
	_cleanup_(moving_clear) struct moving v = {
		.cli = cli,
		.dir = ms_cli_opt(cli, "to"),
		.outcome.list = cli->json ? json_array() : NULL,
	};
	int status = move_all(&v, detach);

	if (status != MS_EXIT_USAGE)
		print_totals(&v, "detached", "without a signature");
	return status;
}

int ms_cmd_attach(const struct ms_cli *cli)
{
	_cleanup_(moving_clear) struct moving v = {
		.cli = cli,
		.dir = ms_cli_opt(cli, "from"),
		.replace = ms_cli_opt(cli, "replace"),
		.outcome.list = cli->json ? json_array() : NULL,
	};
	int status = read_signers(cli, &v);

	if (status)
		return status;
	status = move_all(&v, attach);
	if (status != MS_EXIT_USAGE)
		print_totals(&v, "attached", "without a signature beside them");
	return status;
}
