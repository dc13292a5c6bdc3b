/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/tpm/swtpm.h"

#include "lib/file.h"
#include "signer/agent/keys.h"
#include "signer/agent/log_key.h"

#define INDEX 0x01804d53u

static struct swtpm tpm;
static struct ms_tpmw worker;
static char dir[64];

/* The worker lives in a child of its own, as it does in the agent. */
static int setup(void **state)
{
	int pair[2];
	pid_t pid;

	swtpm_new(&tpm);
	snprintf(dir, sizeof(dir), "%s/keys", tpm.dir);
	if (mkdir(dir, 0700) < 0 || ms_ipc_pair(pair) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		_exit(ms_tpm_worker_run(pair[1], tpm.tcti) < 0);
	}
	close(pair[1]);
	worker = (struct ms_tpmw){.fd = pair[0], .deadline_ms = 20000};
	return pid > 0 ? 0 : -1;
}

static int teardown(void **state)
{
	if (worker.fd >= 0)
		close(worker.fd);
	wait(NULL);
	swtpm_end(&tpm);
	return 0;
}

static struct ms_log_key *must_new(const char *origin)
{
	struct ms_log_key *k = NULL;

	assert_int_equal(ms_log_key_new(dir, origin, INDEX, &k), 0);
	return k;
}

static int ask(struct ms_log_key *k, uint64_t size, uint8_t fill, struct ms_ipc_msg *ret)
{
	struct ms_ipc_msg q = {.op = MS_IPC_CHECKPOINT, .id = 9};

	q.checkpoint.size = size;
	memset(q.checkpoint.root, fill, sizeof(q.checkpoint.root));
	return ms_log_key_answer(k, &worker, &q, ret);
}

static struct ms_checkpoint must_verify(const struct ms_ipc_msg *m)
{
	struct ms_checkpoint c = {0};
	char name[MS_ORIGIN_MAX];
	EVP_PKEY *key = NULL;

	assert_int_equal(m->op, MS_IPC_NOTE);
	assert_int_equal(m->id, 9);
	assert_int_equal(
		ms_note_vkey_parse(m->note.vkey, strlen(m->note.vkey), name, &key), 0);
	assert_int_equal(
		ms_checkpoint_verify(m->note.note, strlen(m->note.note), key, &c), 0);
	assert_true(c.has_counter);
	assert_int_equal(c.counter, m->note.counter);
	EVP_PKEY_free(key);
	return c;
}

static void signs_and_remembers(void **state)
{
	struct ms_ipc_msg q = {.op = MS_IPC_COUNTER, .id = 9};
	struct ms_log_key *k = must_new("example.org/log");
	static struct ms_ipc_msg a, b;
	struct ms_checkpoint c1, c2;
	char path[96];
	struct stat st;

	assert_int_equal(ms_log_key_answer(k, &worker, &q, &a), 0);
	assert_int_equal(a.note.counter, 0);
	assert_true(a.note.fresh);
	assert_string_equal(a.note.note, "");
	assert_int_equal(ask(k, 5, 1, &a), 0);
	c1 = must_verify(&a);
	assert_string_equal(c1.origin, "example.org/log");
	assert_int_equal(c1.size, 5);
	assert_int_equal(c1.root[31], 1);
	/* no smaller head, no other of the same size; and the counter stays */
	assert_int_equal(ask(k, 4, 1, &b), -EPERM);
	assert_string_equal(b.note.err.code, "log-fork");
	assert_string_equal(b.note.note, "");
	assert_int_equal(ask(k, 5, 2, &b), -EPERM);
	assert_int_equal(ask(k, 5, 1, &b), 0);
	c2 = must_verify(&b);
	assert_int_equal(c2.counter, c1.counter + 1);
	ms_log_key_free(k);

	/* again from the file; its name stays whatever the configuration says now */
	snprintf(path, sizeof(path), "%s/audit-log.logkey", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	k = must_new("other.example/log");
	assert_int_equal(ask(k, 6, 3, &b), 0);
	assert_false(b.note.fresh);
	assert_string_equal(b.note.vkey, a.note.vkey);
	c2 = must_verify(&b);
	assert_string_equal(c2.origin, "example.org/log");
	assert_int_equal(c2.counter, c1.counter + 2);
	ms_log_key_free(k);
}

static void rename_as(const char *from, const char *to)
{
	char a[96], b[96];

	snprintf(a, sizeof(a), "%s/%s", dir, from);
	snprintf(b, sizeof(b), "%s/%s", dir, to);
	assert_int_equal(rename(a, b), 0);
}

/* A key in the place of the other kind is of no use there. */
static void kinds_do_not_mix(void **state)
{
	struct ms_ipc_create req = {.name = "mod",
				    .alg = MS_ALG_P256,
				    .custody = MS_CUSTODY_SEALED,
				    .common_name = "mod",
				    .days = 1};
	uint8_t digest[MS_DIGEST_MAX] = {0}, sig[MS_SIG_MAX];
	struct ms_log_key *k = must_new("o");
	static struct ms_ipc_msg a;
	struct ms_keys *keys = NULL;
	struct ms_error err = {0};
	size_t again, len;

	assert_int_equal(ask(k, 1, 1, &a), 0);
	ms_log_key_free(k);
	rename_as("audit-log.logkey", "stolen.key");
	assert_int_equal(ms_keys_load(dir, &keys, &err), 0);
	(void)ms_keys_unseal_pending(keys, &worker, &again);
	for (int h = MS_HASH_SHA256; h <= MS_HASH_SHA3_512; h++)
		assert_true(ms_keys_sign(keys, "stolen", NULL, (enum ms_hash)h, digest,
					 sig, &len, &err) < 0);
	assert_int_equal(ms_keys_create(keys, &worker, &req, &err), 0);
	ms_keys_free(keys);

	rename_as("mod.key", "audit-log.logkey");
	k = must_new("o");
	assert_int_equal(ask(k, 2, 1, &a), -EBADMSG);
	assert_string_equal(a.note.note, "");
	assert_non_null(strstr(a.note.err.msg, "no log key"));
	ms_log_key_free(k);
}

static void no_tpm_no_checkpoint(void **state)
{
	struct ms_log_key *k = must_new("o");
	static struct ms_ipc_msg a;
	uint64_t before;

	assert_int_equal(ask(k, 1, 1, &a), 0);
	before = a.note.counter;
	swtpm_kill(&tpm);
	assert_int_equal(ask(k, 2, 1, &a), -ENODEV);
	assert_string_equal(a.note.note, "");
	swtpm_start(&tpm);
	assert_int_equal(ask(k, 2, 1, &a), 0);
	assert_true(must_verify(&a).counter > before);
	ms_log_key_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(signs_and_remembers, setup, teardown),
		cmocka_unit_test_setup_teardown(kinds_do_not_mix, setup, teardown),
		cmocka_unit_test_setup_teardown(no_tpm_no_checkpoint, setup, teardown),
	};

	return cmocka_run_group_tests_name("log_key", tests, NULL, NULL);
}
