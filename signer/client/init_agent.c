/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include "lib/file.h"
#include "lib/limits.h"
#include "signer/client/init_agent.h"

#define SIMULATED "or name another with --tcti, as swtpm:path=SOCKET for a simulated one"

extern char **environ;

static bool exists(const char *root, const char *path)
{
	char whole[MS_PATH_MAX];

	return snprintf(whole, sizeof(whole), "%s%s", root, path) < (int)sizeof(whole) &&
	       access(whole, F_OK) == 0;
}

/* Kernels since 5.6 tell; 0: unknown. */
static int tpm_version(const char *root)
{
	char path[MS_PATH_MAX], c = 0;
	_cleanup_close_ int fd = -1;

	if (snprintf(path, sizeof(path), "%s/sys/class/tpm/tpm0/tpm_version_major",
		     root) >= (int)sizeof(path))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, &c, 1) != 1 || c < '1' || c > '9')
		return 0;
	return c - '0';
}

int ms_init_tpm(const char *root, struct ms_error *err)
{
	if (exists(root, MS_TPM_DEVICE))
		return 0;
	if (tpm_version(root) == 1)
		return ms_error_set(err, -ENODEV, "no-tpm",
				    "this machine's TPM is of version 1.2, and modseal "
				    "needs 2.0: look in the firmware's settings for one "
				    "(fTPM, PTT), " SIMULATED);
	if (exists(root, "/sys/class/tpm/tpm0") || exists(root, "/dev/tpm0"))
		return ms_error_set(err, -ENODEV, "no-tpm",
				    "there is a TPM, but no " MS_TPM_DEVICE
				    ": let this container have the device, or start a "
				    "kernel of 4.12 or later, " SIMULATED);
	return ms_error_set(err, -ENODEV, "no-tpm",
			    "there is no TPM (" MS_TPM_DEVICE
			    "): turn it on in the firmware's settings (TPM, fTPM, PTT), "
			    "load its driver (modprobe tpm_crb or tpm_tis), " SIMULATED);
}

static int spawn(const char *const argv[], pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	char sbin[MS_PATH_MAX];
	char *const *args = (char *const *)(uintptr_t)argv;
	int r;

	if (posix_spawn_file_actions_init(&actions))
		return ENOMEM;
	r = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	if (!r)
		r = posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY,
						     0);
	if (!r)
		r = posix_spawnp(ret, argv[0], &actions, NULL, args, environ);
	if (r == ENOENT &&
	    snprintf(sbin, sizeof(sbin), "/usr/sbin/%s", argv[0]) < (int)sizeof(sbin))
		r = posix_spawn(ret, sbin, &actions, NULL, args, environ);
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

int ms_init_run(const char *const argv[], struct ms_error *err)
{
	int r, status;
	pid_t pid;

	fflush(stdout);
	r = spawn(argv, &pid);
	if (r == ENOENT)
		return -ENOENT;
	while (!r && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			r = errno;
	if (r)
		return ms_error_set(err, -r, NULL, "%s cannot be run: %s", argv[0],
				    ms_strerror(r));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool ms_init_systemd(void)
{
	return access("/run/systemd/system", F_OK) == 0;
}
