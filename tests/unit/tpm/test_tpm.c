// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/tpm/swtpm.h"
#include "tpm/internal.h"

static struct ms_error err;

/* What the TSS or anyone prints on stderr while @tcti is opened goes into @said. */
static int open_quietly(const char *tcti, struct ms_tpm **ret, char *said, size_t size)
{
	int keep = dup(2), p[2], r;
	ssize_t n;

	assert_int_equal(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
	fflush(stderr);
	dup2(p[1], 2);
	err = (struct ms_error){0};
	r = ms_tpm_open(tcti, ret, &err);
	fflush(stderr);
	dup2(keep, 2);
	close(keep);
	close(p[1]);
	n = read(p[0], said, size - 1);
	said[n > 0 ? n : 0] = '\0';
	close(p[0]);
	return r;
}

static void absent(const char *tcti, const char *code, const char *says)
{
	struct ms_tpm *const nothing = (struct ms_tpm *)&err;
	struct ms_tpm *t = nothing;
	char said[1024];
	int r = open_quietly(tcti, &t, said, sizeof(said));

	if (r != -ENODEV || strcmp(err.code, code) != 0 || !strstr(err.msg, says))
		fail_msg("%s: %d %s: %s", tcti, r, err.code, err.msg);
	assert_ptr_equal(t, nothing);
	assert_string_equal(said, "");
}

static void test_absent(void **state)
{
	char dir[] = "/tmp/modseal-test-XXXXXX", path[64], tcti[80];

	assert_non_null(mkdtemp(dir));
	absent("device:/dev/no-such-tpm", "tpm-absent",
	       "there is no /dev/no-such-tpm: enable the TPM in the firmware set-up");
	absent("swtpm:path=/nonexistent/sock", "tpm-absent",
	       "there is no /nonexistent/sock: start swtpm");
	absent("nosuchdriver:x", "tpm-no-driver", "check its spelling");
	absent("", "tpm-absent", "");
	/* there, but nobody listens */
	snprintf(path, sizeof(path), "%s/file", dir);
	snprintf(tcti, sizeof(tcti), "swtpm:path=%s", path);
	close(open(path, O_CREAT | O_RDWR, 0600));
	absent(tcti, "tpm-absent", "nothing answers at \"swtpm:path=");
	/* no TPM at all but a plain file, which takes our commands and never answers */
	if (geteuid() != 0) {
		snprintf(tcti, sizeof(tcti), "device:%s", path);
		chmod(path, 0);
		absent(tcti, "tpm-absent", "no permission for");
	}
	unlink(path);
	rmdir(dir);
}

static void test_info(void **state)
{
	struct ms_tpm_info i, was;
	struct ms_tpm *t = NULL;
	struct swtpm tpm;
	char said[1024];

	swtpm_new(&tpm);
	assert_int_equal(open_quietly(tpm.tcti, &t, said, sizeof(said)), 0);
	assert_string_equal(said, "");
	assert_int_equal(ms_tpm_info(t, &i, &err), 0);
	assert_string_equal(i.manufacturer, "IBM");
	assert_string_equal(i.vendor, "SW   TPM");
	assert_int_equal(i.lockout_counter, 0);
	assert_int_equal(i.lockout_max, 3);
	assert_int_equal(i.lockout_recovery_s, 1000);
	assert_false(i.in_lockout || i.srk_persistent);
	/* four numbers, whatever they are */
	{
		unsigned int a, b, c, d;
		char end;

		assert_int_equal(
			sscanf(i.firmware, "%u.%u.%u.%u%c", &a, &b, &c, &d, &end), 4);
	}
	assert_int_equal(ms_tpm_ping(t, &err), 0);

	swtpm_kill(&tpm);
	was = i;
	assert_int_equal(ms_tpm_ping(t, &err), -ENODEV);
	assert_int_equal(ms_tpm_info(t, &i, &err), -ENODEV);
	assert_memory_equal(&i, &was, sizeof(i));
	ms_tpm_close(t);
	swtpm_end(&tpm);
	ms_tpm_close(NULL);
}

/* What a program before us left in a TPM without a resource manager is cleaned away. */
static void test_leftovers(void **state)
{
	struct swtpm tpm;
	struct ms_error e;

	swtpm_new(&tpm);
	for (int round = 0; round < 4; round++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			const TPMT_SYM_DEF none = {.algorithm = TPM2_ALG_NULL};
			struct ms_tpm *t;
			struct ms_srk a, b;
			ESYS_TR s;

			if (ms_tpm_open(tpm.tcti, &t, &e) < 0 ||
			    ms_srk_use(t, MS_TPM_PARENT_OWNER, &a, &e) < 0 ||
			    ms_srk_use(t, MS_TPM_PARENT_OWNER, &b, &e) < 0 ||
			    Esys_StartAuthSession(t->esys, ESYS_TR_NONE, ESYS_TR_NONE,
						  MS_NO_SESSIONS, NULL, TPM2_SE_HMAC,
						  &none, TPM2_ALG_SHA256, &s) != 0)
				_exit(1);
			/* dies as it stands */
			kill(getpid(), SIGKILL);
		}
		waitpid(pid, &status, 0);
		assert_true(WIFSIGNALED(status));
	}
	swtpm_end(&tpm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_leftovers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
