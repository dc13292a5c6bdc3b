// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Both sides of the worker: tpm/worker.c in a process of its own, tpm/worker_call.c here.
 */
#include <inttypes.h>
#include <sys/random.h>
#include "tests/unit/tpm/swtpm.h"
#include "lib/secmem.h"
#include "tpm/internal.h"
#include "tpm/sign.h"
#include "tpm/worker.h"
#include "tpm/worker_proto.h"

static struct swtpm tpm;
static struct ms_error err;

/* A worker of its own process, as the agent has one. */
struct worker {
	struct ms_tpmw w;
	pid_t pid;
	int mem, maps; /* opened before the worker closed them to us */
};

static int proc_open(pid_t pid, const char *file)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void worker_start(struct worker *k, unsigned int deadline_ms)
{
	int sv[2], status;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	k->pid = fork();
	assert_true(k->pid >= 0);
	if (k->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(sv[0]);
		raise(SIGSTOP);
		_exit(ms_tpm_worker_run(sv[1], tpm.tcti) == 0 ? 0 : 1);
	}
	close(sv[1]);
	assert_int_equal(waitpid(k->pid, &status, WUNTRACED), k->pid);
	assert_true(WIFSTOPPED(status));
	k->mem = proc_open(k->pid, "mem");
	k->maps = proc_open(k->pid, "maps");
	kill(k->pid, SIGCONT);
	k->w = (struct ms_tpmw){.fd = sv[0], .deadline_ms = deadline_ms};
}

/* Return: its exit status, or minus the signal that ended it */
static int worker_end(struct worker *k)
{
	int status = 0;

	if (k->w.fd >= 0)
		close(k->w.fd);
	k->w.fd = -1;
	close(k->mem);
	close(k->maps);
	waitpid(k->pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

#define good(call)                                                  \
	do {                                                        \
		int _r = (call);                                    \
		if (_r != 0)                                        \
			fail_msg("%s: %d: %s", #call, _r, err.msg); \
	} while (0)

#define refused(call, errno_, code_)                                             \
	do {                                                                     \
		int _r = (call);                                                 \
		if (_r != (errno_) || strcmp(err.code, code_) != 0)              \
			fail_msg("%s: %d %s: %s", #call, _r, err.code, err.msg); \
	} while (0)

static const uint8_t secret[MS_TPM_SECRET_LEN] = "0123456789abcdefghijklmnopqrstu";

static void unseals(struct worker *k, const struct ms_tpm_blob *b, const char *pin)
{
	uint8_t out[MS_TPM_SECRET_LEN] = {0};

	good(ms_tpmw_unseal(&k->w, b, pin, out, &err));
	assert_memory_equal(out, secret, sizeof(out));
}

static void test_roundtrip(void **state)
{
	struct ms_tpm_info info;
	struct ms_tpm_blob b;
	struct worker k;

	worker_start(&k, 10000);
	good(ms_tpmw_info(&k.w, &info, &err));
	assert_string_equal(info.manufacturer, "IBM");
	assert_string_equal(info.vendor, "SW   TPM");
	assert_true(strlen(info.firmware) >= 7);
	assert_false(info.srk_persistent);
	assert_false(info.in_lockout);
	assert_int_equal(info.lockout_max, 3);
	assert_int_equal(info.lockout_recovery_s, 1000);
	good(ms_tpmw_seal(&k.w, secret, 1u << 7, "1234", &b, &err));
	unseals(&k, &b, "1234");
	good(ms_tpmw_seal(&k.w, secret, 0, NULL, &b, &err));
	unseals(&k, &b, NULL);
	assert_int_equal(worker_end(&k), 0);
}

static void test_resident_key(void **state)
{
	uint8_t sig[MS_SIG_MAX], digest[MS_DIGEST_MAX] = {1, 2, 3};
	struct ms_tpm_blob b;
	EVP_PKEY *key = NULL;
	struct worker k;
	size_t len = 0;

	worker_start(&k, 60000);
	good(ms_tpmw_create(&k.w, MS_ALG_RSA2048, 1u << 7, "1234", &b, &err));
	good(ms_tpm_key_public(&b, &key, &err));
	good(ms_tpmw_sign(&k.w, &b, "1234", MS_HASH_SHA384, digest, sig, &len, &err));
	assert_int_equal(len, 256);
	assert_int_equal(ms_key_verify_digest(key, MS_HASH_SHA384, digest, sig, len), 0);
	refused(ms_tpmw_sign(&k.w, &b, NULL, MS_HASH_SHA256, digest, sig, &len, &err),
		-EACCES, "pin-needed");
	refused(ms_tpmw_sign(&k.w, &b, "1234", MS_HASH_NONE, digest, sig, &len, &err),
		-EINVAL, "bad-digest");
	refused(ms_tpmw_create(&k.w, MS_ALG_OTHER, 0, NULL, &b, &err), -EINVAL,
		"bad-algorithm");
	EVP_PKEY_free(key);
	assert_int_equal(worker_end(&k), 0);
}

/* The sentences come through, and a refusal leaves the worker and the output alone. */
static void test_refusals(void **state)
{
	uint8_t out[MS_TPM_SECRET_LEN], was[MS_TPM_SECRET_LEN];
	char pin[MS_PIN_MAX + 2];
	struct ms_tpm_blob b;
	struct worker k;

	memset(pin, 'x', sizeof(pin));
	pin[sizeof(pin) - 1] = '\0';
	memset(out, 0xa5, sizeof(out));
	memset(was, 0xa5, sizeof(was));
	worker_start(&k, 10000);
	refused(ms_tpmw_seal(&k.w, secret, 1u << 30, NULL, &b, &err), -EINVAL, "bad-pcr");
	refused(ms_tpmw_seal(&k.w, secret, 1u << 7, pin, &b, &err), -EINVAL, "bad-pin");
	refused(ms_tpmw_seal(&k.w, secret, 1u << 7, "", &b, &err), -EINVAL, "bad-pin");
	good(ms_tpmw_seal(&k.w, secret, 1u << 7, "1234", &b, &err));
	refused(ms_tpmw_unseal(&k.w, &b, "4321", out, &err), -EACCES, "wrong-pin");
	assert_non_null(strstr(err.msg, "2 of 3 tries are left"));
	refused(ms_tpmw_unseal(&k.w, &b, NULL, out, &err), -EACCES, "pin-needed");
	b.priv[20] ^= 1;
	refused(ms_tpmw_unseal(&k.w, &b, "1234", out, &err), -EBADMSG,
		"key-file-damaged");
	b.priv[20] ^= 1;
	b.srk_name[20] ^= 1;
	refused(ms_tpmw_unseal(&k.w, &b, "1234", out, &err), -EBADMSG,
		"key-file-damaged");
	b.srk_name[20] ^= 1;
	assert_memory_equal(out, was, sizeof(out));
	assert_true(k.w.fd >= 0);
	unseals(&k, &b, "1234");
	/* nobody has to want the words */
	assert_int_equal(ms_tpmw_unseal(&k.w, &b, NULL, out, NULL), -EACCES);
	assert_int_equal(worker_end(&k), 0);
}

static void test_tpm_dies_and_comes_back(void **state)
{
	uint8_t out[MS_TPM_SECRET_LEN];
	struct ms_tpm_info info;
	struct ms_tpm_blob b;
	struct worker k;

	/* No PIN: a TPM that lost its power after one was typed counts that as a wrong
	 * one. */
	worker_start(&k, 10000);
	good(ms_tpmw_seal(&k.w, secret, 1u << 7, NULL, &b, &err));
	for (int i = 0; i < 3; i++) {
		swtpm_kill(&tpm);
		refused(ms_tpmw_unseal(&k.w, &b, NULL, out, &err), -ENODEV, "tpm-absent");
		assert_true(k.w.fd >= 0);
		assert_non_null(strstr(err.msg, "start swtpm"));
		refused(ms_tpmw_info(&k.w, &info, &err), -ENODEV, "tpm-absent");
		swtpm_start(&tpm);
		unseals(&k, &b, NULL);
		/* gone and back between two requests: nobody notices */
		swtpm_kill(&tpm);
		swtpm_start(&tpm);
		unseals(&k, &b, NULL);
	}
	assert_int_equal(worker_end(&k), 0);
}

/* Killed at some moment of an unseal, again and again: an answer, then all is well. */
static void test_tpm_dies_in_the_middle(void **state)
{
	unsigned int died = 0;
	struct ms_tpm_blob b;
	struct worker k;

	worker_start(&k, 10000);
	good(ms_tpmw_seal(&k.w, secret, 1u << 7, NULL, &b, &err));
	for (int i = 0; i < 24; i++) {
		uint8_t out[MS_TPM_SECRET_LEN];
		pid_t killer, victim = tpm.pid;
		int r;

		killer = fork();
		assert_true(killer >= 0);
		if (killer == 0) {
			nanosleep(&(struct timespec){.tv_nsec = 250000L * i}, NULL);
			kill(victim, SIGKILL);
			_exit(0);
		}
		r = ms_tpmw_unseal(&k.w, &b, NULL, out, &err);
		waitpid(killer, NULL, 0);
		if (r < 0) {
			refused(r, -ENODEV, "tpm-absent");
			died++;
		}
		assert_true(k.w.fd >= 0);
		swtpm_kill(&tpm);
		swtpm_start(&tpm);
		unseals(&k, &b, NULL);
	}
	assert_true(died > 0);
	assert_int_equal(worker_end(&k), 0);
}

static void test_deadline(void **state)
{
	struct timespec a, z;
	struct ms_tpm_info info;
	struct ms_tpm_blob b;
	struct worker k;
	double took;

	worker_start(&k, 5000);
	good(ms_tpmw_seal(&k.w, secret, 1u << 7, "1234", &b, &err));
	kill(tpm.pid, SIGSTOP);
	k.w.deadline_ms = 300;
	clock_gettime(CLOCK_MONOTONIC, &a);
	refused(ms_tpmw_info(&k.w, &info, &err), -ETIMEDOUT, "tpm-timeout");
	clock_gettime(CLOCK_MONOTONIC, &z);
	took = (double)(z.tv_sec - a.tv_sec) + (double)(z.tv_nsec - a.tv_nsec) / 1e9;
	assert_true(took > 0.29 && took < 5);
	assert_non_null(strstr(err.msg, "within 300 ms"));
	/* the late answer must never be taken for another's: the socket is gone */
	assert_int_equal(k.w.fd, -1);
	refused(ms_tpmw_info(&k.w, &info, &err), -ENODEV, "tpm-worker-gone");
	kill(k.pid, SIGKILL);
	assert_int_equal(worker_end(&k), -SIGKILL);
	kill(tpm.pid, SIGCONT);
	worker_start(&k, 10000);
	unseals(&k, &b, "1234");
	assert_int_equal(worker_end(&k), 0);
}

static void test_worker_dies(void **state)
{
	uint8_t out[MS_TPM_SECRET_LEN];
	struct ms_tpm_blob b;
	struct worker k;

	worker_start(&k, 10000);
	good(ms_tpmw_seal(&k.w, secret, 1u << 7, "1234", &b, &err));
	kill(k.pid, SIGKILL);
	refused(ms_tpmw_unseal(&k.w, &b, "1234", out, &err), -ENODEV, "tpm-worker-gone");
	assert_int_equal(k.w.fd, -1);
	assert_int_equal(worker_end(&k), -SIGKILL);
	worker_start(&k, 10000);
	unseals(&k, &b, "1234");
	assert_int_equal(worker_end(&k), 0);
}

/* What is in the TPM. Not by ms_tpm_open(), which would end it. */
static size_t count_loaded(void)
{
	TSS2_TCTI_CONTEXT *tcti = NULL;
	ESYS_CONTEXT *esys = NULL;
	size_t n = 0;

	/* as ms_tpm_open() does: the workers after this one inherit what the TSS read */
	setenv("TSS2_LOG", "all+NONE", 0);
	assert_int_equal(Tss2_TctiLdr_Initialize(tpm.tcti, &tcti), 0);
	assert_int_equal(Esys_Initialize(&esys, tcti, NULL), 0);
	for (int i = 0; i < 2; i++) {
		_cleanup_esys_ TPMS_CAPABILITY_DATA *caps = NULL;
		TPMI_YES_NO more;

		assert_int_equal(Esys_GetCapability(esys, ESYS_TR_NONE, ESYS_TR_NONE,
						    ESYS_TR_NONE, TPM2_CAP_HANDLES,
						    i ? TPM2_LOADED_SESSION_FIRST
						      : (TPM2_HANDLE)TPM2_HT_TRANSIENT
								    << TPM2_HR_SHIFT,
						    TPM2_MAX_CAP_HANDLES, &more, &caps),
				 0);
		n += caps->data.handles.count;
	}
	Esys_Finalize(&esys);
	Tss2_TctiLdr_Finalize(&tcti);
	return n;
}

/* A key stays loaded, but an idle worker leaves the slots to others. */
static void test_idle_worker_lets_go(void **state)
{
	uint8_t sig[MS_SIG_MAX], digest[MS_DIGEST_MAX] = {1, 2, 3};
	struct ms_tpm_blob b;
	struct worker k;
	size_t len, n = 0;

	worker_start(&k, 10000);
	good(ms_tpmw_create(&k.w, MS_ALG_P256, 1u << 7, NULL, &b, &err));
	/* On a busy machine it may be idle before we look. */
	for (int i = 0; i < 50 && n == 0; i++) {
		good(ms_tpmw_sign(&k.w, &b, NULL, MS_HASH_SHA256, digest, sig, &len,
				  &err));
		n = count_loaded();
	}
	assert_int_equal(n, 2);
	for (int i = 0; count_loaded() > 0; i++) {
		assert_true(i < 5000);
		swtpm_pause();
	}
	good(ms_tpmw_sign(&k.w, &b, NULL, MS_HASH_SHA256, digest, sig, &len, &err));
	assert_int_equal(worker_end(&k), 0);
	assert_int_equal(count_loaded(), 0);
}

/* What is no request ends the worker: its caller has lost its mind, or was taken over. */
static void test_nonsense(void **state)
{
	static const struct {
		size_t len;
		uint8_t bytes[8];
	} messages[] = {{1, {0}},
			{1, {7}},
			{1, {255}},
			{2, {MS_TPMW_INFO, 0}},
			{1, {MS_TPMW_SEAL}},
			{8, {MS_TPMW_UNSEAL, 0x40, 0, 0, 1, 0xff, 0xff, 0xff}}};
	static uint8_t huge[MS_TPMW_MSG_MAX + 1];
	struct worker k;

	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		uint8_t c;

		worker_start(&k, 1000);
		assert_int_equal(send(k.w.fd, messages[i].bytes, messages[i].len, 0),
				 messages[i].len);
		assert_true(recv(k.w.fd, &c, 1, 0) <= 0);
		assert_int_equal(worker_end(&k), 1);
	}
	worker_start(&k, 1000);
	assert_int_equal(send(k.w.fd, huge, sizeof(huge), 0), sizeof(huge));
	assert_int_equal(worker_end(&k), 1);
}

/* A worker that answers nonsense is not believed. */
static void test_false_answers(void **state)
{
	static const struct {
		size_t len;
		uint8_t bytes[16];
	} answers[] = {{1, {0}},
		       {13, {MS_TPMW_SEAL, 0, 0, 0, 1}}, /* to another question */
		       {13, {MS_TPMW_INFO, 0xff, 0xff, 0xff, 0xff}},
		       {13, {MS_TPMW_INFO, 0, 0, 0, 0}}, /* good, but nothing in it */
		       {14, {MS_TPMW_INFO, 0, 0, 0, 1}}};
	static uint8_t huge[MS_TPMW_MSG_MAX + 1];

	for (size_t i = 0; i <= ARRAY_SIZE(answers); i++) {
		struct ms_tpm_info info = {.lockout_max = 77};
		struct ms_tpmw w = {.deadline_ms = 1000};
		int sv[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv), 0);
		w.fd = sv[0];
		if (i < ARRAY_SIZE(answers))
			assert_true(send(sv[1], answers[i].bytes, answers[i].len, 0) > 0);
		else
			assert_true(send(sv[1], huge, sizeof(huge), 0) > 0);
		refused(ms_tpmw_info(&w, &info, &err), -ENODEV, "tpm-worker-gone");
		assert_int_equal(w.fd, -1);
		assert_int_equal(info.lockout_max, 77);
		close(sv[1]);
	}
}

/* ----------------------------------------------------------------- memory */

/* Freed memory is kept apart and unwiped by these, on purpose. */
static bool memory_is_honest(void)
{
	const char *preload = getenv("LD_PRELOAD");

#ifdef MS_SANITIZE
	return false;
#endif
	return !preload || !strstr(preload, "vgpreload");
}

static unsigned int times_in(int mem, uint64_t from, uint64_t to, const void *what,
			     size_t n)
{
	size_t len = (size_t)(to - from);
	_cleanup_free_ uint8_t *p = malloc(len);
	unsigned int times = 0;

	assert_non_null(p);
	if (pread(mem, p, len, (off_t)from) != (ssize_t)len)
		return 0;
	for (uint8_t *at = p; (at = memmem(at, len - (size_t)(at - p), what, n)); at++)
		times++;
	return times;
}

static unsigned int times_in_memory(const struct worker *k, const void *what, size_t n)
{
	char line[512];
	unsigned int times = 0, regions = 0;
	FILE *maps = fdopen(dup(k->maps), "re");

	assert_non_null(maps);
	rewind(maps);
	while (fgets(line, sizeof(line), maps)) {
		uint64_t from, to;
		char mode[8];

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &from, &to, mode) != 3 ||
		    mode[0] != 'r' || mode[1] != 'w')
			continue;
		times += times_in(k->mem, from, to, what, n);
		regions++;
	}
	fclose(maps);
	assert_true(regions > 5);
	return times;
}

/* The last bytes are wiped just after the answer has left, long before it is idle. */
static void assert_gone(const struct worker *k, const void *what, size_t n)
{
	unsigned int times = 1;

	for (int i = 0; i < 50 && times > 0; i++) {
		swtpm_pause();
		times = times_in_memory(k, what, n);
	}
	assert_int_equal(times, 0);
}

static void test_worker_keeps_no_secret(void **state)
{
	static const char pin_pattern[] = "a PIN to look for ";
	uint8_t key[MS_TPM_SECRET_LEN], out[MS_TPM_SECRET_LEN], quarters[4][8];
	char pin[32];
	struct ms_tpm_blob b;
	struct ms_tpm_info info;
	struct worker k;

	if (!memory_is_honest())
		skip();
	worker_start(&k, 10000);
	good(ms_tpmw_info(&k.w, &info, &err));
	/* Made after the fork, so that what is found came through the socket. */
	assert_int_equal(getrandom(key, sizeof(key), 0), sizeof(key));
	snprintf(pin, sizeof(pin), "%s%02x%02x%02x", pin_pattern, key[0], key[1], key[2]);
	memcpy(quarters, key, sizeof(quarters));
	good(ms_tpmw_seal(&k.w, key, 1u << 7, pin, &b, &err));
	for (int i = 0; i < 4; i++)
		assert_gone(&k, quarters[i], 8);
	assert_gone(&k, pin, strlen(pin));
	good(ms_tpmw_unseal(&k.w, &b, pin, out, &err));
	assert_memory_equal(out, key, sizeof(out));
	for (int i = 0; i < 4; i++)
		assert_gone(&k, quarters[i], 8);
	assert_gone(&k, pin, strlen(pin));
	/* a creation is not followed by anything else */
	good(ms_tpmw_create(&k.w, MS_ALG_P256, 0, pin, &b, &err));
	assert_gone(&k, pin, strlen(pin));
	/* and the search can find what is there: the socket's path */
	assert_true(times_in_memory(&k, tpm.tcti, strlen(tpm.tcti)) > 0);
	assert_int_equal(worker_end(&k), 0);
}

static int setup(void **state)
{
	swtpm_new(&tpm);
	return 0;
}

static int teardown(void **state)
{
	swtpm_end(&tpm);
	return 0;
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_roundtrip),
		test(test_resident_key),
		test(test_refusals),
		test(test_tpm_dies_and_comes_back),
		test(test_tpm_dies_in_the_middle),
		test(test_deadline),
		test(test_worker_dies),
		test(test_idle_worker_lets_go),
		test(test_nonsense),
		cmocka_unit_test(test_false_answers),
		test(test_worker_keeps_no_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
