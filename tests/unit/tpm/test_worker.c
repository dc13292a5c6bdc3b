// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/tpm/swtpm.h"
#include "tpm/worker.h"

static const uint8_t secret[MS_TPM_SECRET_LEN] = "0123456789abcdefghijklmnopqrstu";

static struct swtpm tpm;

/* A worker of its own process, as the agent has one. */
struct worker {
	struct ms_tpmw w;
	pid_t pid;
};

static void worker_start(struct worker *k, const char *tcti, unsigned int deadline_ms)
{
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	k->pid = fork();
	assert_true(k->pid >= 0);
	if (k->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(sv[0]);
		_exit(ms_tpm_worker_run(sv[1], tcti) == 0 ? 0 : 1);
	}
	close(sv[1]);
	k->w = (struct ms_tpmw){.fd = sv[0], .deadline_ms = deadline_ms};
}

/* Return: its exit status, or minus the signal that ended it */
static int worker_end(struct worker *k)
{
	int status = 0;

	if (k->w.fd >= 0)
		close(k->w.fd);
	k->w.fd = -1;
	waitpid(k->pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void test_roundtrip(void **state)
{
	struct ms_error err = {0};
	struct ms_tpm_blob blob;
	struct ms_tpm_info info;
	struct worker k;
	uint8_t out[MS_TPM_SECRET_LEN] = {0};

	worker_start(&k, tpm.tcti, 10000);
	if (ms_tpmw_info(&k.w, &info, &err))
		fail_msg("%s", err.msg);
	assert_string_equal(info.manufacturer, "IBM");
	assert_false(info.srk_persistent);
	assert_int_equal(info.lockout_max, 3);
	if (ms_tpmw_seal(&k.w, secret, 1u << 7, "1234", &blob, &err))
		fail_msg("%s", err.msg);
	if (ms_tpmw_unseal(&k.w, &blob, "1234", out, &err))
		fail_msg("%s", err.msg);
	assert_memory_equal(out, secret, sizeof(out));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roundtrip),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
