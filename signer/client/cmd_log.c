/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal log show, tail, search, proof, export */
#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "lib/escape.h"
#include "lib/hash.h"
#include "signer/client/facts.h"
#include "signer/client/log_source.h"

#define FOLLOW_S 1
#define PART ".part"

/* ------------------------------------------------------------------------ printing */

static void print_field(const json_t *j, const char *label, const char *name)
{
	char text[MS_FACT_TEXT];

	ms_fact_text(j, name, text);
	if (strcmp(text, "-") != 0 && text[0])
		printf(" %s%s", label, text);
}

/* As the agent writes it, so that what was read can be read again. */
static void print_raw(FILE *f, const struct ms_log_line *l)
{
	bool plain = l->len > 0;

	for (size_t i = 0; i < l->len && plain; i++)
		plain = (unsigned char)l->bytes[i] >= 0x20;
	fprintf(f, "{\"seq\":%" PRIu64 ",", l->seq);
	if (plain) {
		fprintf(f, "\"entry\":");
		fwrite(l->bytes, 1, l->len, f);
	} else {
		fprintf(f, "\"hex\":\"");
		for (size_t i = 0; i < l->len; i++)
			fprintf(f, "%02x", (unsigned char)l->bytes[i]);
		fprintf(f, "\"");
	}
	fprintf(f, "}\n");
}

static void print_entry(const struct ms_log_line *l, bool raw)
{
	json_t *j = raw ? NULL : json_loadb(l->bytes, l->len, 0, NULL);
	char shown[1024];

	if (raw) {
		print_raw(stdout, l);
	} else if (!json_is_object(j)) {
		printf("%" PRIu64 " %s\n", l->seq,
		       ms_escape(l->bytes, l->len, shown, sizeof(shown)));
	} else {
		printf("%" PRIu64, l->seq);
		print_field(j, "", "time");
		print_field(j, "", "event");
		print_field(j, "", "identity");
		print_field(j, "key=", "key");
		print_field(j, "type=", "type");
		print_field(j, "module=", "module.name");
		if (!json_object_get(j, "module"))
			print_field(j, "file=", "file");
		print_field(j, "digest=", "digest");
		print_field(j, "build=", "build");
		print_field(j, "result=", "result");
		print_field(j, "code=", "code");
		print_field(j, "reason: ", "reason");
		printf("\n");
	}
	json_decref(j);
}

static void print_malformed(const struct ms_log_line *l)
{
	char shown[200];

	fprintf(stderr, "modseal: entry %" PRIu64 " cannot be read: %s\n", l->seq,
		ms_escape(l->bytes, MS_MIN(l->len, 60u), shown, sizeof(shown)));
}

static int number_option(const struct ms_cli *cli, const char *name, long def, long *ret)
{
	const char *text = ms_cli_opt(cli, name);

	*ret = def;
	if (text && ms_cli_number(text, 1, INT64_MAX / 16, ret) < 0)
		return ms_cli_usage(cli, "%s--%s is not a number from 1 on",
				    strcmp(name, "number") == 0 ? "-n/" : "", name);
	return MS_EXIT_OK;
}

static int print_from(const struct ms_cli *cli, struct ms_log_source *s, long max)
{
	struct ms_log_line l;
	int r = 1, status = MS_EXIT_OK;

	while (max-- > 0 && (r = ms_log_source_next(s, &l)) != 0) {
		if (r == -EBADMSG) {
			print_malformed(&l);
			status = MS_EXIT_FAILED;
		} else if (r < 0) {
			return r == -EACCES ? MS_EXIT_FAILED : MS_EXIT_AGENT;
		} else {
			print_entry(&l, cli->json);
		}
	}
	return status;
}

/* ------------------------------------------------------------------- show and tail */

int ms_cmd_log_show(const struct ms_cli *cli)
{
	_cleanup_source_ struct ms_log_source s = {0};
	_cleanup_talk_ struct ms_talk talk = {0};
	long from, n;
	int status = number_option(cli, "from", 1, &from);

	if (!status)
		status = number_option(cli, "number", INT64_MAX / 16, &n);
	if (!status)
		status = ms_talk_open(cli, &talk);
	if (status)
		return status;
	ms_log_source_agent(&talk, (uint64_t)from, &s);
	return print_from(cli, &s, n);
}

int ms_cmd_log_tail(const struct ms_cli *cli)
{
	_cleanup_source_ struct ms_log_source s = {0};
	_cleanup_talk_ struct ms_talk talk = {0};
	_cleanup_json_ json_t *j = NULL;
	long n, size;
	int status = number_option(cli, "number", 10, &n);

	if (!status)
		status = ms_talk_open(cli, &talk);
	if (!status)
		status = ms_talk_ask(&talk, "GET", "/v1/status", NULL, NULL, &j);
	if (status)
		return status;
	size = (long)json_integer_value(
		json_object_get(json_object_get(j, "store"), "entries"));
	ms_log_source_agent(&talk, (uint64_t)(size > n ? size - n + 1 : 1), &s);
	for (;;) {
		status = print_from(cli, &s, INT64_MAX);
		if (status || !ms_cli_opt(cli, "follow"))
			return status;
		fflush(stdout);
		if (ferror(stdout))
			return MS_EXIT_FAILED;
		nanosleep(&(struct timespec){.tv_sec = FOLLOW_S}, NULL);
	}
}

/* -------------------------------------------------------------------------- search */

static bool says(const json_t *j, const char *outer, const char *name, const char *want)
{
	const char *text;

	if (!want)
		return true;
	if (outer)
		j = json_object_get(j, outer);
	text = json_string_value(json_object_get(j, name));
	return text && strcmp(text, want) == 0;
}

/* Times are UTC and as RFC 3339 has them: text order is time order. */
static bool since(const json_t *j, const char *want)
{
	const char *text = json_string_value(json_object_get(j, "time"));

	return !want || (text && strcmp(text, want) >= 0);
}

static bool matches(const struct ms_cli *cli, const struct ms_log_line *l)
{
	json_t *j = json_loadb(l->bytes, l->len, 0, NULL);
	const char *who = ms_cli_opt(cli, "identity");
	bool yes;

	yes = j && says(j, NULL, "key", ms_cli_opt(cli, "key")) &&
	      says(j, "module", "name", ms_cli_opt(cli, "module")) &&
	      says(j, NULL, "digest", ms_cli_opt(cli, "digest")) &&
	      (says(j, NULL, "identity", who) || says(j, NULL, "user", who)) &&
	      says(j, NULL, "event", ms_cli_opt(cli, "event")) &&
	      since(j, ms_cli_opt(cli, "since"));
	json_decref(j);
	return yes;
}

int ms_cmd_log_search(const struct ms_cli *cli)
{
	_cleanup_source_ struct ms_log_source s = {0};
	_cleanup_talk_ struct ms_talk talk = {0};
	const char *when = ms_cli_opt(cli, "since");
	int status = MS_EXIT_OK, r;
	struct ms_log_line l;

	if (when && (strlen(when) < 4 || strspn(when, "0123456789") != 4))
		return ms_cli_usage(cli, "--since wants a date such as 2026-03-31 or "
					 "2026-03-31T08:00, in UTC");
	status = ms_talk_open(cli, &talk);
	if (status)
		return status;
	ms_log_source_agent(&talk, 1, &s);
	while ((r = ms_log_source_next(&s, &l)) != 0) {
		if (r == -EBADMSG) {
			print_malformed(&l);
			status = MS_EXIT_FAILED;
		} else if (r < 0) {
			return r == -EACCES ? MS_EXIT_FAILED : MS_EXIT_AGENT;
		} else if (matches(cli, &l)) {
			print_entry(&l, cli->json);
		}
	}
	return status;
}

/* --------------------------------------------------------------------------- proof */

struct proof {
	struct ms_checkpoint c;
	char note[MS_CHECKPOINT_MAX + 1], vkey[MS_VKEY_MAX];
	uint8_t leaf[MS_MERKLE_HASH], hashes[MS_MERKLE_PROOF_MAX][MS_MERKLE_HASH];
	size_t n;
};

static int fetch(struct ms_talk *t, const char *target, char *ret, size_t size)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(MS_HTTP_HEAD_MAX);
	int status = ms_talk_fetch(t, target, "text/plain", &out);

	if (!status)
		snprintf(ret, size, "%s", ms_buf_cstr(&out) ? ms_buf_cstr(&out) : "");
	return status;
}

static bool from_hex(const json_t *j, uint8_t ret[MS_MERKLE_HASH])
{
	const char *s = json_string_value(j);

	if (!s || strlen(s) != 2 * MS_MERKLE_HASH ||
	    strspn(s, "0123456789abcdef") != 2 * MS_MERKLE_HASH)
		return false;
	for (size_t i = 0; i < MS_MERKLE_HASH; i++) {
		char two[3] = {s[2 * i], s[2 * i + 1]};

		ret[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	return true;
}

static bool take_hashes(const json_t *answer, struct proof *p)
{
	const json_t *a = json_object_get(answer, "hashes");

	p->n = json_array_size(a);
	if (!json_is_array(a) || p->n > MS_MERKLE_PROOF_MAX)
		return false;
	for (size_t i = 0; i < p->n; i++)
		if (!from_hex(json_array_get(a, i), p->hashes[i]))
			return false;
	return true;
}

/* The agent is not believed: signature, bytes and path are checked here. */
static int check_proof(struct proof *p, uint64_t entry)
{
	char name[MS_ORIGIN_MAX];
	EVP_PKEY *key = NULL;
	int r;

	p->vkey[strcspn(p->vkey, "\n")] = '\0';
	r = ms_note_vkey_parse(p->vkey, strlen(p->vkey), name, &key);
	if (r == 0)
		r = ms_checkpoint_verify(p->note, strlen(p->note), key, &p->c);
	EVP_PKEY_free(key);
	if (r == 0)
		r = ms_merkle_check_inclusion(p->leaf, entry - 1, p->c.size,
					      (const uint8_t(*)[MS_MERKLE_HASH])p->hashes,
					      p->n, p->c.root);
	return r;
}

static void print_proof(const struct ms_cli *cli, const struct proof *p, uint64_t entry)
{
	char hex[2 * MS_MERKLE_HASH + 1];
	json_t *a = json_array(), *j;

	for (size_t i = 0; i < p->n; i++)
		json_array_append_new(
			a, json_string(ms_hex(p->hashes[i], MS_MERKLE_HASH, hex)));
	j = json_pack("{s:I, s:I, s:s, s:o, s:s, s:s}", "entry", (json_int_t)entry,
		      "size", (json_int_t)p->c.size, "leaf",
		      ms_hex(p->leaf, MS_MERKLE_HASH, hex), "hashes", a, "checkpoint",
		      p->note, "vkey", p->vkey);
	if (cli->json) {
		ms_fact_json(j);
	} else {
		printf("Entry          %" PRIu64 " of %" PRIu64 "\n", entry, p->c.size);
		ms_fact_line("Leaf", j, "leaf");
		for (size_t i = 0; i < p->n; i++)
			printf("%-14s %s\n", i ? "" : "Path",
			       ms_hex(p->hashes[i], MS_MERKLE_HASH, hex));
		ms_fact_line("Key", j, "vkey");
		printf("\n%s", p->note);
	}
	json_decref(j);
}

int ms_cmd_log_proof(const struct ms_cli *cli)
{
	_cleanup_source_ struct ms_log_source s = {0};
	_cleanup_talk_ struct ms_talk talk = {0};
	_cleanup_json_ json_t *answer = NULL;
	static struct proof p;
	struct ms_log_line l = {0};
	size_t covered;
	char target[128];
	long entry;
	int status;

	if (ms_cli_number(cli->operands[0], 1, INT64_MAX / 16, &entry) < 0)
		return ms_cli_usage(cli, "N is not a number from 1 on");
	status = ms_talk_open(cli, &talk);
	if (!status)
		status = fetch(&talk, "/v1/log/vkey", p.vkey, sizeof(p.vkey));
	if (!status)
		status = fetch(&talk, "/v1/log/checkpoint", p.note, sizeof(p.note));
	if (status)
		return status;
	if (ms_checkpoint_parse(p.note, strlen(p.note), &p.c, &covered) < 0 ||
	    (uint64_t)entry > p.c.size) {
		fprintf(stderr,
			"modseal: entry %ld is not among the %" PRIu64
			" of the newest checkpoint: wait for the next\n",
			entry, p.c.size);
		return MS_EXIT_FAILED;
	}
	snprintf(target, sizeof(target), "/v1/log/proof?entry=%ld&size=%" PRIu64, entry,
		 p.c.size);
	status = ms_talk_ask(&talk, "GET", target, NULL, NULL, &answer);
	if (status)
		return status;
	ms_log_source_agent(&talk, (uint64_t)entry, &s);
	if (ms_log_source_next(&s, &l) != 1 || l.seq != (uint64_t)entry ||
	    ms_merkle_leaf(l.bytes, l.len, p.leaf) < 0 || !take_hashes(answer, &p) ||
	    check_proof(&p, (uint64_t)entry) < 0) {
		fprintf(stderr,
			"modseal: the agent's proof for entry %ld does not hold: run "
			"modseal log verify\n",
			entry);
		return MS_EXIT_FAILED;
	}
	print_proof(cli, &p, (uint64_t)entry);
	return MS_EXIT_OK;
}

/* -------------------------------------------------------------------------- export */

static int write_export(struct ms_talk *talk, FILE *f)
{
	_cleanup_source_ struct ms_log_source s = {0};
	static struct proof p;
	_cleanup_free_ char *head = NULL;
	struct ms_log_line l;
	size_t covered;
	json_t *j;
	int status, r;

	status = fetch(talk, "/v1/log/vkey", p.vkey, sizeof(p.vkey));
	if (!status)
		status = fetch(talk, "/v1/log/checkpoint", p.note, sizeof(p.note));
	if (status)
		return status;
	p.vkey[strcspn(p.vkey, "\n")] = '\0';
	if (ms_checkpoint_parse(p.note, strlen(p.note), &p.c, &covered) < 0)
		return MS_EXIT_FAILED;
	j = json_pack("{s:i, s:s, s:s}", "modseal_log_export", 1, "vkey", p.vkey,
		      "checkpoint", p.note);
	head = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	fprintf(f, "%s\n", head ? head : "");
	ms_log_source_agent(talk, 1, &s);
	while ((r = ms_log_source_next(&s, &l)) == 1 && l.seq <= p.c.size)
		print_raw(f, &l);
	if (r == -EBADMSG)
		print_malformed(&l);
	return r < 0 ? MS_EXIT_FAILED : MS_EXIT_OK;
}

int ms_cmd_log_export(const struct ms_cli *cli)
{
	_cleanup_talk_ struct ms_talk talk = {0};
	const char *path = cli->operands[0];
	char part[MS_PATH_MAX];
	int status, bad;
	FILE *f;

	status = ms_talk_open(cli, &talk);
	if (status)
		return status;
	if (strcmp(path, "-") == 0)
		return write_export(&talk, stdout);
	if (snprintf(part, sizeof(part), "%s" PART, path) >= (int)sizeof(part))
		return ms_cli_usage(cli, "FILE is too long");
	f = fopen(part, "wxe");
	if (!f) {
		fprintf(stderr, "modseal: cannot write %s: %s\n", part,
			ms_strerror(errno));
		return MS_EXIT_FAILED;
	}
	status = write_export(&talk, f);
	bad = ferror(f) | fflush(f) | fsync(fileno(f));
	bad |= fclose(f);
	if (!status && (bad || rename(part, path) < 0)) {
		fprintf(stderr, "modseal: cannot write %s: %s\n", path,
			ms_strerror(errno));
		status = MS_EXIT_FAILED;
	}
	if (status)
		(void)unlink(part);
	return status;
}
