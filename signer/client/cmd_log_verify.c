/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal log verify: everything computed anew. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#include "lib/escape.h"
#include "lib/file.h"
#include "lib/secmem.h"
#include "signer/client/facts.h"
#include "signer/client/log_check.h"
#include "signer/client/log_memory.h"
#include "signer/client/log_source.h"

#define TILE 256u
#define LOCATED_MAX 10u

/**
 * struct head - a checkpoint that the log has to agree with
 * @note: "": there is none; @c: what it says, @mark: where the root for it is kept
 */
struct head {
	char note[MS_CHECKPOINT_MAX + 1];
	struct ms_checkpoint c;
	size_t mark;
	bool good;
};

struct verify {
	struct ms_talk talk;
	struct ms_log_check check;
	struct ms_log_memory memory;
	char vkey[MS_VKEY_MAX], agent_vkey[MS_VKEY_MAX];
	bool vkey_given;
	EVP_PKEY *key;
	struct head last, kept, given;
	uint64_t counter;
};

static void verify_clear(struct verify *v)
{
	ms_talk_close(&v->talk);
	ms_log_check_clear(&v->check);
	EVP_PKEY_free(v->key);
}
#define _cleanup_verify_ _cleanup_(verify_clear)

static int could_not(const char *what, const struct ms_error *err)
{
	fprintf(stderr, "modseal: log verify: could not %s: %s\n", what, err->msg);
	return MS_EXIT_AGENT;
}

/* ------------------------------------------------------------- what it is held against
 */

static int read_text(const char *path, char *ret, size_t size)
{
	_cleanup_file_ struct ms_file f = {0};
	struct ms_error err = {0};

	if (ms_file_read(AT_FDCWD, path, size - 1, 0, &f, &err) < 0) {
		fprintf(stderr, "modseal: log verify: cannot read %s: %s\n", path,
			err.msg);
		return MS_EXIT_USAGE;
	}
	memcpy(ret, f.data, f.len);
	ret[f.len] = '\0';
	return MS_EXIT_OK;
}

static void trim(char *s)
{
	size_t n = strlen(s);

	while (n > 0 && (s[n - 1] == '\n' || s[n - 1] == '\r' || s[n - 1] == ' '))
		s[--n] = '\0';
}

static int fetch_text(struct verify *v, const char *target, char *ret, size_t size)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(MS_HTTP_HEAD_MAX);
	int status = ms_talk_fetch(&v->talk, target, "text/plain", &out);

	if (status)
		return status == MS_EXIT_FAILED ? MS_EXIT_AGENT : status;
	snprintf(ret, size, "%s", ms_buf_cstr(&out) ? ms_buf_cstr(&out) : "");
	return MS_EXIT_OK;
}

/* The key: what the user gives, else what was seen before, else what the log says. */
static int choose_key(struct verify *v)
{
	char name[MS_ORIGIN_MAX];

	if (!v->vkey_given)
		snprintf(v->vkey, sizeof(v->vkey), "%s",
			 v->memory.vkey[0] ? v->memory.vkey : v->agent_vkey);
	trim(v->vkey);
	if (ms_note_vkey_parse(v->vkey, strlen(v->vkey), name, &v->key) < 0) {
		fprintf(stderr, "modseal: log verify: this is no log's key "
				"(NAME+ID+KEY, as GET /v1/log/vkey prints it)\n");
		return MS_EXIT_USAGE;
	}
	if (strcmp(v->vkey, v->agent_vkey) != 0)
		ms_log_check_finding(&v->check,
				     "the log shows another key than the one that %s",
				     v->vkey_given ? "was given" : "it had before");
	return MS_EXIT_OK;
}

static void use_head(struct verify *v, struct head *h, const char *what)
{
	size_t covered;
	int r;

	if (!h->note[0])
		return;
	r = ms_checkpoint_verify(h->note, strlen(h->note), v->key, &h->c);
	if (r < 0)
		ms_log_check_finding(&v->check, "%s is not signed by the log's key: %s",
				     what,
				     r == -ENOKEY	  ? "another key's signature"
				     : r == -EKEYREJECTED ? "the signature is wrong"
							  : "it is no checkpoint");
	/* Its numbers may still tell what happened. */
	if (r < 0 && ms_checkpoint_parse(h->note, strlen(h->note), &h->c, &covered) < 0)
		return;
	h->good = true;
	h->mark = ms_log_check_mark(&v->check, h->c.size);
}

/* ------------------------------------------------------------------ all the entries */

static int read_entries(struct verify *v, struct ms_log_source *s)
{
	struct ms_log_line l;
	int r;

	while ((r = ms_log_source_next(s, &l)) == 1 || r == -EBADMSG) {
		if (r == -EBADMSG)
			ms_log_check_malformed(&v->check);
		else if (ms_log_check_entry(&v->check, &l) < 0)
			return MS_EXIT_AGENT;
	}
	return r < 0 ? MS_EXIT_AGENT : MS_EXIT_OK;
}

/* N of a tile, in groups of three digits. */
static void tile_path(unsigned int level, uint64_t n, size_t width, char *ret,
		      size_t size)
{
	char groups[64] = "", partial[16] = "";
	size_t at = 0;

	for (uint64_t unit = 1000000000000000; unit >= 1000; unit /= 1000)
		if (n >= unit)
			at += (size_t)snprintf(groups + at, sizeof(groups) - at, "x%03u/",
					       (unsigned int)(n / unit % 1000));
	if (width < TILE)
		snprintf(partial, sizeof(partial), ".p/%zu", width);
	snprintf(ret, size, "/v1/log/tile/%u/%s%03u%s", level, groups,
		 (unsigned int)(n % 1000), partial);
}

/* One stored hash. Return: 0 or a negative errno. */
static int stored_hash(struct verify *v, unsigned int level, uint64_t index,
		       uint8_t ret[MS_MERKLE_HASH])
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(TILE * MS_MERKLE_HASH);
	size_t width = index % TILE + 1;
	struct ms_error err = {0};
	char target[128];

	tile_path(level, index / TILE, width, target, sizeof(target));
	if (ms_agent_call(&v->talk.http, "GET", target, "application/octet-stream", NULL,
			  NULL, 0, &out, &err) < 0 ||
	    out.len != width * MS_MERKLE_HASH)
		return -EIO;
	memcpy(ret, out.data + (width - 1) * MS_MERKLE_HASH, MS_MERKLE_HASH);
	return 0;
}

struct block {
	uint8_t leaf[TILE][MS_MERKLE_HASH];
	size_t n;
	uint64_t first;
	struct ms_merkle tree;
};

/* Which entries of a block are not what the store's hashes say they were? */
static size_t look_at_block(struct verify *v, const struct block *b)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(TILE * MS_MERKLE_HASH);
	uint8_t want[MS_MERKLE_HASH];
	struct ms_error err = {0};
	char target[128];
	size_t found = 0;

	tile_path(0, b->first / TILE, b->n, target, sizeof(target));
	if (ms_agent_call(&v->talk.http, "GET", target, "application/octet-stream", NULL,
			  NULL, 0, &out, &err) < 0 ||
	    out.len != b->n * MS_MERKLE_HASH)
		return 0;
	for (size_t i = 0; i < b->n && found < LOCATED_MAX; i++) {
		if (ms_equal(b->leaf[i], out.data + i * MS_MERKLE_HASH, MS_MERKLE_HASH))
			continue;
		ms_log_check_finding(&v->check,
				     "entry %" PRIu64 " was changed: its bytes do not "
				     "have the hash that the log keeps for it",
				     b->first + i + 1);
		found++;
	}
	if (found || b->n < TILE || stored_hash(v, 1, b->first / TILE, want) < 0 ||
	    ms_equal(b->tree.edge[MS_MERKLE_TILE], want, MS_MERKLE_HASH))
		return found;
	ms_log_check_finding(&v->check,
			     "one of the entries %" PRIu64 " to %" PRIu64 " was changed, "
			     "and its hash with it: the hash over them is another",
			     b->first + 1, b->first + TILE);
	return 1;
}

/* The root is wrong: once more through the entries, block by block. */
static void locate(struct verify *v)
{
	_cleanup_source_ struct ms_log_source s = {0};
	struct block *b = calloc(1, sizeof(*b));
	struct ms_log_line l;
	size_t found = 0;

	ms_log_source_agent(&v->talk, 1, &s);
	while (b && found < LOCATED_MAX && ms_log_source_next(&s, &l) == 1) {
		if (l.seq > v->last.c.size ||
		    ms_merkle_leaf(l.bytes, l.len, b->leaf[b->n]) < 0 ||
		    ms_merkle_append(&b->tree, b->leaf[b->n]) < 0)
			break;
		if (++b->n < TILE)
			continue;
		found += look_at_block(v, b);
		b->first += TILE;
		b->n = 0;
		memset(&b->tree, 0, sizeof(b->tree));
	}
	if (b && b->n && found < LOCATED_MAX)
		(void)look_at_block(v, b);
	free(b);
}

/* ---------------------------------------------------------------------- judgement */

static void judge_last(struct verify *v)
{
	const struct head *h = &v->last;
	const struct ms_log_mark *m = &v->check.mark[h->mark];

	if (!h->good)
		return;
	if (m->have && ms_equal(m->root, h->c.root, sizeof(m->root)))
		return;
	if (m->have) {
		ms_log_check_finding(&v->check,
				     "the first %" PRIu64 " entries are not those that "
				     "the checkpoint signed",
				     h->c.size);
		if (v->talk.open)
			locate(v);
	} else if (!v->check.broken) {
		ms_log_check_finding(&v->check,
				     "the checkpoint signed %" PRIu64
				     " entries, and there are only %" PRIu64
				     ": some at the end are missing",
				     h->c.size, v->check.tree.size);
	}
}

static void judge_earlier(struct verify *v, const struct head *h, const char *what)
{
	const struct ms_log_mark *m = &v->check.mark[h->mark];

	if (!h->good)
		return;
	if (v->last.good && h->c.size > v->last.c.size)
		ms_log_check_finding(&v->check,
				     "rollback: %s had %" PRIu64 " entries, the newest "
				     "has %" PRIu64 ": an older log was put back",
				     what, h->c.size, v->last.c.size);
	if (v->last.good && h->c.has_counter && v->last.c.has_counter &&
	    h->c.counter > v->last.c.counter)
		ms_log_check_finding(&v->check,
				     "rollback: %s had the counter %" PRIu64
				     ", the newest has %" PRIu64,
				     what, h->c.counter, v->last.c.counter);
	if (m->have && !ms_equal(m->root, h->c.root, sizeof(m->root)))
		ms_log_check_finding(&v->check,
				     "fork: the first %" PRIu64 " entries are not those "
				     "of %s: two histories were signed",
				     h->c.size, what);
	else if (!m->have && !v->check.broken && h != &v->last)
		ms_log_check_finding(&v->check,
				     "%s signed %" PRIu64
				     " entries, and there are only %" PRIu64,
				     what, h->c.size, v->check.tree.size);
}

static int judge_counter(struct verify *v)
{
	_cleanup_json_ json_t *j = NULL;
	uint64_t now, attempts;
	int status = ms_talk_ask(&v->talk, "GET", "/v1/log/counter", NULL, NULL, &j);

	if (status) {
		fprintf(stderr, "modseal: log verify: could not compare the checkpoint "
				"with the TPM's counter\n");
		return MS_EXIT_AGENT;
	}
	now = (uint64_t)json_integer_value(json_object_get(j, "counter"));
	attempts = (uint64_t)json_integer_value(json_object_get(j, "attempts"));
	v->counter = now;
	if (!v->last.good)
		return MS_EXIT_OK;
	if (!v->last.c.has_counter)
		ms_log_check_finding(&v->check, "the newest checkpoint has no counter");
	else if (now > v->last.c.counter + attempts)
		ms_log_check_finding(&v->check,
				     "rollback: the newest checkpoint has the counter "
				     "%" PRIu64 ", the TPM is at %" PRIu64
				     ": an older log was put back",
				     v->last.c.counter, now);
	else if (now < v->last.c.counter)
		ms_log_check_finding(&v->check,
				     "the TPM's counter is at %" PRIu64
				     ", below the newest checkpoint's %" PRIu64
				     ": it was made with another TPM",
				     now, v->last.c.counter);
	return MS_EXIT_OK;
}

/* ------------------------------------------------------------------------- report */

static void print_report(const struct ms_cli *cli, struct verify *v)
{
	uint64_t n = v->check.next - 1,
		 after = n > v->last.c.size ? n - v->last.c.size : 0;
	char shown[1024];
	json_t *f;
	size_t i;

	if (cli->json) {
		json_t *j = json_pack("{s:b, s:I, s:I, s:I, s:I, s:s, s:O}", "good",
				      v->check.n == 0, "entries", (json_int_t)n, "signed",
				      (json_int_t)v->last.c.size, "counter",
				      (json_int_t)v->last.c.counter, "number_of_findings",
				      (json_int_t)v->check.n, "vkey", v->vkey, "findings",
				      v->check.findings);

		ms_fact_json(j);
		json_decref(j);
		return;
	}
	json_array_foreach(v->check.findings, i, f)
		printf("finding: %s\n",
		       ms_escape_str(json_string_value(f), shown, sizeof(shown)));
	if (v->check.n > MS_LOG_FINDINGS_MAX)
		printf("and %zu more\n", v->check.n - MS_LOG_FINDINGS_MAX);
	if (v->check.n == 0)
		printf("good: %" PRIu64 " entries, the first %" PRIu64
		       " signed by %s with the TPM's counter at %" PRIu64 "\n",
		       n, v->last.c.size, ms_escape_str(v->vkey, shown, sizeof(shown)),
		       v->last.c.counter);
	if (after && v->check.n == 0)
		fprintf(stderr,
			"modseal: the last %" PRIu64 " entries wait for their "
			"checkpoint\n",
			after);
}

static int remember(struct verify *v)
{
	struct ms_log_memory m = {0};
	struct ms_error err = {0};

	snprintf(m.vkey, sizeof(m.vkey), "%s", v->vkey);
	snprintf(m.note, sizeof(m.note), "%s", v->last.note);
	if (!v->memory.vkey[0] && !v->vkey_given)
		fprintf(stderr,
			"modseal: the log's key was taken from the agent, as it was seen "
			"for the first time: compare it with what its administrator "
			"says\n");
	if (ms_log_memory_save(v->talk.config.agent, &m, &err) < 0)
		ms_cli_complain(&err);
	return MS_EXIT_OK;
}

static int open_source(const struct ms_cli *cli, struct verify *v,
		       struct ms_log_source *s)
{
	const char *file = ms_cli_opt(cli, "export");
	struct ms_error err = {0};
	int status;

	if (file)
		return ms_log_source_file(file, s, v->agent_vkey, v->last.note);
	status = ms_talk_open(cli, &v->talk);
	if (!status)
		status = fetch_text(v, "/v1/log/vkey", v->agent_vkey,
				    sizeof(v->agent_vkey));
	if (!status)
		status = fetch_text(v, "/v1/log/checkpoint", v->last.note,
				    sizeof(v->last.note));
	if (status)
		return status;
	trim(v->agent_vkey);
	if (ms_log_memory_load(v->talk.config.agent, &v->memory, &err) < 0)
		return could_not("remember the last checkpoint", &err);
	snprintf(v->kept.note, sizeof(v->kept.note), "%s", v->memory.note);
	ms_log_source_agent(&v->talk, 1, s);
	return MS_EXIT_OK;
}

static int given_files(const struct ms_cli *cli, struct verify *v)
{
	const char *vkey = ms_cli_opt(cli, "vkey"), *note = ms_cli_opt(cli, "checkpoint");
	int status = MS_EXIT_OK;

	if (vkey) {
		v->vkey_given = true;
		status = read_text(vkey, v->vkey, sizeof(v->vkey));
	}
	if (!status && note)
		status = read_text(note, v->given.note, sizeof(v->given.note));
	return status;
}

int ms_cmd_log_verify(const struct ms_cli *cli)
{
	_cleanup_verify_ struct verify v = {0};
	_cleanup_source_ struct ms_log_source s = {0};
	int status = given_files(cli, &v);

	if (!status && ms_log_check_init(&v.check) < 0)
		status = MS_EXIT_AGENT;
	if (!status)
		status = open_source(cli, &v, &s);
	if (!status)
		status = choose_key(&v);
	if (status)
		return status;
	use_head(&v, &v.last, "the newest checkpoint");
	use_head(&v, &v.kept, "the checkpoint seen last time");
	use_head(&v, &v.given, "the given checkpoint");
	status = read_entries(&v, &s);
	if (status)
		return status;
	judge_last(&v);
	judge_earlier(&v, &v.kept, "the checkpoint seen last time");
	judge_earlier(&v, &v.given, "the given checkpoint");
	if (v.talk.open)
		status = judge_counter(&v);
	if (v.check.n > 0 || !status)
		print_report(cli, &v);
	if (v.check.n > 0)
		return MS_EXIT_FAILED;
	return status || !v.talk.open ? status : remember(&v);
}
