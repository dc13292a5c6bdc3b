/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "signer/agent/ipc.h"

static void round_trip(const struct ms_ipc_msg *m, struct ms_ipc_msg *ret)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_IPC_MAX);

	assert_int_equal(ms_ipc_encode(m, &b), 0);
	assert_int_equal(ms_ipc_decode(b.data, b.len, ret), 0);
	assert_int_equal(ret->op, m->op);
	assert_int_equal(ret->id, m->id);
	/* Every proper prefix, and one byte more, is refused. */
	for (size_t n = 0; n < b.len; n++) {
		struct ms_ipc_msg cut;

		assert_int_equal(ms_ipc_decode(b.data, n, &cut), -EBADMSG);
	}
	ms_buf_put_u8(&b, 0);
	assert_int_equal(ms_ipc_decode(b.data, b.len, ret), -EBADMSG);
	assert_int_equal(ms_ipc_decode(b.data, b.len - 1, ret), 0);
}

static void test_sign(void **state)
{
	struct ms_ipc_msg m = {.op = MS_IPC_SIGN, .id = 7, .sign.build = "b-1"}, got;

	memcpy(m.sign.key, "distro", 7);
	m.sign.hash = MS_HASH_SHA384;
	memset(m.sign.digest, 0xa5, 48);
	round_trip(&m, &got);
	assert_string_equal(got.sign.key, "distro");
	assert_string_equal(got.sign.build, "b-1");
	assert_int_equal(got.sign.hash, MS_HASH_SHA384);
	assert_memory_equal(got.sign.digest, m.sign.digest, 48);
}

/* The key process signs nothing but whole digests of hashes that may sign. */
static void test_sign_refuses(void **state)
{
	struct ms_ipc_msg got;
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_IPC_MAX);
	static const struct {
		uint8_t hash;
		size_t len;
	} bad[] = {{MS_HASH_SHA1, 20},
		   {MS_HASH_MD5, 16},
		   {MS_HASH_NONE, 0},
		   {MS_HASH_SHA256, 31},
		   {MS_HASH_SHA256, 33},
		   {MS_HASH_SHA512, 32},
		   {99, 32}};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uint8_t digest[MS_DIGEST_MAX] = {0};

		b.len = 0;
		ms_buf_put_u8(&b, MS_IPC_SIGN);
		ms_buf_put_u64(&b, 1);
		ms_buf_put_str(&b, "k");
		ms_buf_put_str(&b, "");
		ms_buf_put_u8(&b, bad[i].hash);
		ms_buf_put_bytes(&b, digest, bad[i].len);
		assert_int_equal(ms_buf_error(&b), 0);
		assert_int_equal(ms_ipc_decode(b.data, b.len, &got), -EBADMSG);
	}
}

static void test_checkpoint(void **state)
{
	static struct ms_ipc_msg m, got;

	m = (struct ms_ipc_msg){.op = MS_IPC_CHECKPOINT, .id = 8};
	m.checkpoint.size = UINT64_MAX;
	memset(m.checkpoint.root, 0x5a, sizeof(m.checkpoint.root));
	round_trip(&m, &got);
	assert_int_equal(got.checkpoint.size, UINT64_MAX);
	assert_memory_equal(got.checkpoint.root, m.checkpoint.root, MS_MERKLE_HASH);

	m = (struct ms_ipc_msg){.op = MS_IPC_COUNTER, .id = 9};
	round_trip(&m, &got);

	m = (struct ms_ipc_msg){.op = MS_IPC_NOTE, .id = 10};
	m.note.counter = 77;
	m.note.fresh = true;
	memset(m.note.vkey, 'v', sizeof(m.note.vkey) - 1);
	memset(m.note.note, 'n', sizeof(m.note.note) - 1);
	round_trip(&m, &got);
	assert_int_equal(got.note.rc, 0);
	assert_int_equal(got.note.counter, 77);
	assert_true(got.note.fresh);
	assert_string_equal(got.note.vkey, m.note.vkey);
	assert_string_equal(got.note.note, m.note.note);

	m = (struct ms_ipc_msg){.op = MS_IPC_NOTE, .id = 11};
	m.note.rc = ms_error_set(&m.note.err, -ENODEV, "tpm-absent", "no TPM");
	round_trip(&m, &got);
	assert_int_equal(got.note.rc, -ENODEV);
	assert_string_equal(got.note.err.msg, "no TPM");
}

static void test_answers(void **state)
{
	struct ms_ipc_msg m = {.op = MS_IPC_SIGNED, .id = UINT64_MAX}, got;

	m.signed_.sig_len = 512;
	memset(m.signed_.sig, 1, 512);
	round_trip(&m, &got);
	assert_int_equal(got.signed_.rc, 0);
	assert_int_equal(got.signed_.sig_len, 512);

	m.signed_.rc = -EAGAIN;
	ms_error_set(&m.signed_.err, -EAGAIN, "key-locked", "key x is locked");
	round_trip(&m, &got);
	assert_int_equal(got.signed_.rc, -EAGAIN);
	assert_int_equal(got.signed_.sig_len, 0);
	assert_string_equal(got.signed_.err.code, "key-locked");
	assert_string_equal(got.signed_.err.msg, "key x is locked");

	memset(&m, 0, sizeof(m));
	m.op = MS_IPC_DONE;
	m.done.rc = -ENOENT;
	round_trip(&m, &got);
	assert_int_equal(got.done.rc, -ENOENT);

	m.op = MS_IPC_TPM;
	memset(&m.tpm, 0, sizeof(m.tpm));
	memcpy(m.tpm.manufacturer, "IBM", 4);
	round_trip(&m, &got);
	assert_string_equal(got.tpm.manufacturer, "IBM");
}

static void test_key_and_create(void **state)
{
	static struct ms_ipc_msg m = {.op = MS_IPC_KEY}, got;

	memcpy(m.key.name, "a", 2);
	m.key.alg = MS_ALG_P384;
	m.key.custody = MS_CUSTODY_SEALED;
	m.key.state = MS_KEY_LOCKED;
	memcpy(m.key.reason, "why", 4);
	m.key.created = 1700000000;
	m.key.cert_len = 1000;
	memset(m.key.cert, 0x30, 1000);
	round_trip(&m, &got);
	assert_int_equal(got.key.cert_len, 1000);
	assert_string_equal(got.key.reason, "why");
	assert_int_equal(got.key.created, 1700000000);

	memset(&m, 0, sizeof(m));
	m.op = MS_IPC_CREATE;
	memcpy(m.create.name, "n", 2);
	memcpy(m.create.pin, "1234", 5);
	m.create.days = 10;
	m.create.pcrs = 1 << 7;
	round_trip(&m, &got);
	assert_string_equal(got.create.pin, "1234");
	assert_int_equal(got.create.pcrs, 1 << 7);

	memset(&m, 0, sizeof(m));
	m.op = MS_IPC_UNLOCK;
	memcpy(m.unlock.key, "n", 2);
	round_trip(&m, &got);
	assert_string_equal(got.unlock.pin, "");
}

static void test_builds(void **state)
{
	static struct ms_ipc_msg m = {.op = MS_IPC_OPEN, .id = 1}, got;

	memcpy(m.open.key, "issuer", 7);
	memcpy(m.open.build, "b-1", 4);
	memcpy(m.open.common_name, "build b-1", 10);
	m.open.alg = MS_ALG_RSA2048;
	m.open.not_after = 1800000000;
	m.open.max = 6000;
	round_trip(&m, &got);
	assert_string_equal(got.open.build, "b-1");
	assert_int_equal(got.open.not_after, 1800000000);
	assert_int_equal(got.open.max, 6000);

	memset(&m, 0, sizeof(m));
	m.op = MS_IPC_CLOSE;
	memcpy(m.close.build, "b-1", 4);
	round_trip(&m, &got);
	assert_string_equal(got.close.build, "b-1");

	memset(&m, 0, sizeof(m));
	m.op = MS_IPC_OPENED;
	m.opened.cert_len = 900;
	round_trip(&m, &got);
	assert_int_equal(got.opened.cert_len, 900);
	m.opened.rc = -EAGAIN;
	round_trip(&m, &got);
	assert_int_equal(got.opened.cert_len, 0);
}

static void test_import_and_change(void **state)
{
	static struct ms_ipc_msg m = {.op = MS_IPC_IMPORT, .id = 1}, got;

	/* The largest that there may be fits a message. */
	memcpy(m.import.create.name, "n", 2);
	memset(m.import.create.pin, '1', MS_PIN_MAX);
	memset(m.import.create.common_name, 'c', 64);
	m.import.pkcs8_len = sizeof(m.import.pkcs8);
	memset(m.import.pkcs8, 0x30, sizeof(m.import.pkcs8));
	m.import.cert_len = sizeof(m.import.cert);
	round_trip(&m, &got);
	assert_int_equal(got.import.pkcs8_len, sizeof(m.import.pkcs8));
	assert_memory_equal(got.import.pkcs8, m.import.pkcs8, sizeof(m.import.pkcs8));
	assert_int_equal(got.import.cert_len, sizeof(m.import.cert));

	memset(&m, 0, sizeof(m));
	m.op = MS_IPC_CHANGE;
	memcpy(m.change.key, "n", 2);
	m.change.what = MS_CHANGE_REVOKE;
	memcpy(m.change.reason, "superseded", 11);
	m.change.from = -1;
	m.change.data_len = 3;
	round_trip(&m, &got);
	assert_int_equal(got.change.what, MS_CHANGE_REVOKE);
	assert_string_equal(got.change.reason, "superseded");
	assert_int_equal(got.change.from, -1);
	assert_int_equal(got.change.data_len, 3);

	memset(&m, 0, sizeof(m));
	m.op = MS_IPC_RESULT;
	m.result.len = 100;
	round_trip(&m, &got);
	assert_int_equal(got.result.len, 100);
	m.result.rc = -EINVAL;
	round_trip(&m, &got);
	assert_int_equal(got.result.len, 0);
}

static void test_unknown_op(void **state)
{
	struct ms_ipc_msg m = {.op = 200}, got;
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_IPC_MAX);
	uint8_t raw[9] = {200};

	assert_int_equal(ms_ipc_encode(&m, &b), -EINVAL);
	assert_int_equal(ms_ipc_decode(raw, sizeof(raw), &got), -EBADMSG);
}

static void test_socket(void **state)
{
	struct ms_ipc_msg m = {.op = MS_IPC_PEER_KEY, .id = 3}, got;
	int pair[2], pipefd[2], passed = -1;
	char big[64] = {0}, c;

	assert_int_equal(ms_ipc_pair(pair), 0);
	assert_int_equal(pipe(pipefd), 0);
	assert_int_equal(ms_ipc_send(pair[0], &m, pipefd[1]), 0);
	close(pipefd[1]);
	assert_int_equal(ms_ipc_recv(pair[1], &got, &passed), 0);
	assert_int_equal(got.op, MS_IPC_PEER_KEY);
	assert_true(passed >= 0);
	assert_int_equal(write(passed, "x", 1), 1);
	assert_int_equal(read(pipefd[0], &c, 1), 1);
	assert_true(fcntl(passed, F_GETFD) & FD_CLOEXEC);
	close(passed);

	/* A descriptor that nobody expects is closed, not leaked. */
	assert_int_equal(ms_ipc_send(pair[0], &m, pipefd[0]), 0);
	close(pipefd[0]);
	passed = dup(0);
	close(passed);
	assert_int_equal(ms_ipc_recv(pair[1], &got, NULL), 0);
	assert_int_equal(dup(0), passed);
	close(passed);

	assert_int_equal(send(pair[0], big, sizeof(big), 0), sizeof(big));
	assert_int_equal(ms_ipc_recv(pair[1], &got, NULL), -EBADMSG);
	close(pair[0]);
	assert_int_equal(ms_ipc_recv(pair[1], &got, NULL), -EPIPE);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sign),	cmocka_unit_test(test_sign_refuses),
		cmocka_unit_test(test_answers), cmocka_unit_test(test_key_and_create),
		cmocka_unit_test(test_builds),	cmocka_unit_test(test_unknown_op),
		cmocka_unit_test(test_import_and_change),
		cmocka_unit_test(test_socket),	cmocka_unit_test(test_checkpoint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
