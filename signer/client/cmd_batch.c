/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal batch: the modules that a kernel build has installed, all at once */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include "lib/cert.h"
#include "lib/escape.h"
#include "lib/file.h"
#include "lib/limits.h"
#include "signer/client/batch_compress.h"
#include "signer/client/cmd_sign.h"
#include "signer/client/spool.h"
#include "signer/client/tree.h"

#define SHOWN_MAX 300

/**
 * struct batch - one run
 * @refused: how many of the list no signature was asked for
 * @gone: how many are not there any more
 */
struct batch {
	const struct ms_cli *cli;
	struct ms_spool spool;
	struct ms_tree tree;
	struct ms_sign_outcome outcome;
	struct ms_sign_options sign;
	struct ms_signer own;
	struct ms_pool pool;
	enum ms_compression compress;
	size_t refused, gone;
};

static int complain(const struct batch *b, const struct ms_error *err)
{
	struct ms_error said = *err;

	ms_error_prefix(&said, "%s", b->cli->cmd->name);
	ms_cli_complain(&said);
	return MS_EXIT_FAILED;
}

/* -------------------------------------------------------------- what is to be signed */

/* A batch that was cut short may have compressed it already. */
static int find_compressed(const char *path, char ret[MS_PATH_MAX])
{
	for (enum ms_compression c = MS_GZIP; c <= MS_ZSTD; c++) {
		int n = snprintf(ret, MS_PATH_MAX, "%s%s", path,
				 ms_compression_suffix(c));
		struct stat st;

		if (n > 0 && n < (int)MS_PATH_MAX && lstat(ret, &st) == 0)
			return 0;
	}
	return -ENOENT;
}

static int add(struct batch *b, const char *path, struct ms_error *err)
{
	char compressed[MS_PATH_MAX], shown[SHOWN_MAX];
	const char *slash = strrchr(path, '/');
	struct stat st;

	if (ms_tree_kind(slash + 1) == MS_TREE_OTHER)
		return ms_error_set(err, -EBADMSG, "bad-list",
				    "has \"%s\", which is not the name of a module "
				    "(*.ko)",
				    ms_escape_str(path, shown, sizeof(shown)));
	if (lstat(path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		if (find_compressed(path, compressed) < 0) {
			b->gone++;
			return 0;
		}
		path = compressed;
	}
	return ms_tree_add(&b->tree, path, false) < 0
		       ? ms_error_set(err, -ENOMEM, NULL, "out of memory")
		       : 0;
}

static int read_list(struct batch *b, const char *path)
{
	struct ms_error err = {0};
	char shown[SHOWN_MAX];
	const char *entry;
	size_t at = 0;
	int r = ms_spool_open(path, &b->spool, &err);

	if (r < 0)
		return complain(b, &err);
	while ((r = ms_spool_next(b->spool.data, b->spool.len, &at, &entry, &err)) == 0) {
		r = add(b, entry, &err);
		if (r < 0)
			break;
	}
	if (r != -ENODATA) {
		ms_error_prefix(&err, "%s", ms_escape_str(path, shown, sizeof(shown)));
		return complain(b, &err);
	}
	ms_tree_sort(&b->tree);
	/* One that has two names there is signed and compressed by the first. */
	if (ms_tree_fold(&b->tree) < 0) {
		(void)ms_error_set(&err, -ENOMEM, NULL, "out of memory");
		return complain(b, &err);
	}
	b->refused = b->outcome.failed;
	if (b->tree.n || b->outcome.failed)
		return MS_EXIT_OK;
	(void)ms_error_set(
		&err, -ENODATA, "bad-list",
		b->gone ? "%s: none of its modules is there any more: remove it"
			: "%s: is empty: nothing is signed",
		ms_escape_str(path, shown, sizeof(shown)));
	return complain(b, &err);
}

/* ------------------------------------------------------------ before the first module */

/* Has the kernel this key's certificate? It would refuse all modules otherwise. */
static int certificate_read(const char *path, struct ms_cert_list *ret,
			    struct ms_error *err)
{
	_cleanup_file_ struct ms_file f = {0};
	int r = ms_file_read(AT_FDCWD, path, MS_CERT_FILE_MAX, 0, &f, err);

	if (r < 0)
		return r == -ENOENT || r == -ENOTDIR ? 0 : r;
	r = ms_cert_list_parse(f.data, f.len, ret);
	return r < 0 ? ms_error_set(err, r, "bad-certificate",
				    "holds no certificate that could be read: put the "
				    "output of `modseal key cert` there")
		     : 0;
}

static int certificate_is_in(struct batch *b, struct ms_http *http,
			     const struct ms_cert_list *list, struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf der = MS_BUF_INIT(MS_CERT_MAX);
	char target[sizeof("/v1/keys//certificate") + MS_KEY_NAME_MAX];
	int r;

	snprintf(target, sizeof(target), "/v1/keys/%s/certificate", b->sign.key);
	r = ms_agent_call(http, "GET", target, "application/pkix-cert", NULL, NULL, 0,
			  &der, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < list->n; i++) {
		if (list->v[i]->der_len == der.len &&
		    memcmp(list->v[i]->der, der.data, der.len) == 0)
			return 0;
	}
	return ms_error_set(
		err, -ENOKEY, "wrong-certificate",
		"not the certificate of key %s, so this kernel would refuse the modules: "
		"sign with the key it belongs to, or put `modseal key cert %s --der` "
		"there and build the kernel, or the modules, again",
		b->sign.key, b->sign.key);
}

static int certificate_check(struct batch *b, struct ms_http *http)
{
	const char *path = ms_cli_opt(b->cli, "certificate");
	struct ms_cert_list list = {0};
	struct ms_error err = {0};
	char shown[SHOWN_MAX];
	int r;

	if (!path)
		return MS_EXIT_OK;
	r = certificate_read(path, &list, &err);
	if (r == 0 && list.n)
		r = certificate_is_in(b, http, &list, &err);
	ms_cert_list_clear(&list);
	if (r == 0)
		return MS_EXIT_OK;
	ms_error_prefix(&err, "%s", ms_escape_str(path, shown, sizeof(shown)));
	return complain(b, &err);
}

static enum ms_compression compression(const struct ms_cli *cli)
{
	const char *name = ms_cli_opt(cli, "compress");

	for (enum ms_compression c = MS_GZIP; name && c <= MS_ZSTD; c++) {
		if (strcmp(name, ms_compression_name(c)) == 0)
			return c;
	}
	return MS_PLAIN;
}

/* --------------------------------------------------------------------------- the work */

/* One sync for all that was written, in place of one for each. */
static int make_durable(const struct batch *b, struct ms_error *err)
{
	dev_t done = 0;

	for (size_t i = 0; i < b->tree.n; i++) {
		char folder[MS_PATH_MAX];
		_cleanup_close_ int fd = -1;
		struct stat st;

		snprintf(folder, sizeof(folder), "%.*s",
			 (int)(strrchr(b->tree.path[i], '/') + 1 - b->tree.path[i]),
			 b->tree.path[i]);
		if (stat(folder, &st) == 0 && st.st_dev == done)
			continue;
		fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 || syncfs(fd) < 0)
			return ms_error_set(err, -errno, "cannot-write",
					    "cannot be made durable: %s",
					    ms_strerror(errno));
		done = st.st_dev;
	}
	return 0;
}

static void put_word(const char *word, FILE *out)
{
	size_t size = 4 * strlen(word) + 4;
	_cleanup_free_ char *quoted = malloc(size);

	fprintf(out, " %s", quoted ? ms_escape_shell(word, quoted, size) : "...");
}

static void put_option(const char *name, const char *value, FILE *out)
{
	fprintf(out, " --%s", name);
	if (*value)
		put_word(value, out);
}

/* As it was called, wherever the names of key and build came from. */
static void put_command(const struct batch *b, FILE *out)
{
	const struct ms_cli_option *o = b->cli->cmd->options;

	fprintf(out, "modseal batch");
	put_option("key", b->sign.key, out);
	if (b->sign.build && *b->sign.build)
		put_option("build", b->sign.build, out);
	for (size_t i = 0; o[i].name; i++) {
		if (b->cli->value[i] && strcmp(o[i].name, "key") != 0 &&
		    strcmp(o[i].name, "build") != 0)
			put_option(o[i].name, b->cli->value[i], out);
	}
	if (b->cli->agent)
		put_option("agent", b->cli->agent, out);
	put_word(b->spool.path, out);
}

/* The last sentence of a batch that did not do all it was to do. */
static int give_up(const struct batch *b)
{
	const struct ms_pool *p = &b->pool;
	size_t left = p->n + b->refused - MS_MIN(p->n, p->signed_files + p->left_files);

	fprintf(stderr, "modseal: %s: ", b->cli->cmd->name);
	if (p->stopped)
		fprintf(stderr, "%s; then run `", p->fatal.msg);
	else if (left)
		fprintf(stderr, "%zu %s not signed: mend that, then run `", left,
			left == 1 ? "module is" : "modules are");
	else
		fprintf(stderr, "not all modules are compressed: mend that, then run `");
	put_command(b, stderr);
	if (p->stopped)
		fprintf(stderr, "` for the %zu modules that are not signed, and depmod\n",
			left);
	else
		fprintf(stderr, "`, and depmod\n");
	return p->lost ? MS_EXIT_AGENT : MS_EXIT_FAILED;
}

static int finish(struct batch *b)
{
	struct ms_error err = {0};
	int r = 0;

	if (b->compress != MS_PLAIN)
		r = ms_batch_compress(b->tree.path, b->tree.n, b->compress, b->pool.jobs,
				      ms_sign_failure, &b->outcome);
	if (r < 0)
		(void)ms_error_set(&err, r, NULL, "cannot compress: %s", ms_strerror(r));
	if (r == 0 && !b->outcome.failed && !ms_cli_opt(b->cli, "no-sync"))
		r = make_durable(b, &err);
	if (r == 0 && !b->outcome.failed)
		r = ms_spool_done(&b->spool, &err);
	if (r < 0)
		return complain(b, &err);
	return b->outcome.failed ? give_up(b) : MS_EXIT_OK;
}

static int run(struct batch *b)
{
	struct ms_error err = {0};
	int r;

	b->pool.path = b->tree.path;
	b->pool.n = b->tree.n;
	r = ms_pool_run(&b->pool);
	if (r < 0) {
		(void)ms_error_set(&err, r, NULL, "cannot start: %s", ms_strerror(r));
		return complain(b, &err);
	}
	ms_sign_totals(b->cli, &b->pool, &b->outcome);
	if (b->gone)
		fprintf(stderr, "modseal: %s: %zu of the list are not there any more\n",
			b->cli->cmd->name, b->gone);
	if (b->pool.signal)
		ms_sign_die_of(b->pool.signal);
	if (b->pool.stopped || b->outcome.failed)
		return give_up(b);
	return finish(b);
}

static int prepare(struct batch *b, struct ms_talk *talk)
{
	int status = ms_talk_config(b->cli, &talk->config);

	if (!status)
		status = ms_sign_options_read(b->cli, &talk->config, &b->sign,
					      &b->pool.jobs);
	if (!status)
		status = ms_talk_open(b->cli, talk);
	if (!status)
		status = certificate_check(b, &talk->http);
	if (!status)
		status = ms_sign_leave_own(b->cli, talk, &b->own, &b->pool);
	ms_talk_close(talk);
	b->sign.sync = false;
	b->pool.by_digest =
		ms_cli_opt(b->cli, "by-digest") || ms_agent_is_remote(&talk->config);
	return status;
}

int ms_cmd_batch(const struct ms_cli *cli)
{
	_cleanup_json_ json_t *list = cli->json ? json_array() : NULL;
	_cleanup_talk_ struct ms_talk talk = {0};
	struct batch b = {.cli = cli,
			  .spool = MS_SPOOL_INIT,
			  .tree = {.failed = ms_sign_failure, .arg = &b.outcome},
			  .outcome = {.list = list},
			  .compress = compression(cli)};
	int status;

	b.pool = (struct ms_pool){.config = &talk.config,
				  .sign = &b.sign,
				  .quiet = ms_cli_opt(cli, "quiet"),
				  .failed = ms_sign_failure,
				  .arg = &b.outcome};
	status = read_list(&b, cli->operands[0]);
	if (!status)
		status = prepare(&b, &talk);
	if (!status)
		status = run(&b);
	ms_spool_close(&b.spool);
	ms_tree_clear(&b.tree);
	ms_signer_clear(&b.own);
	return status;
}
