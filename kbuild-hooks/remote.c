/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kbuild-hooks/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include "lib/limits.h"
#include "lib/pem.h"

/* The modseal of the same installation, and no other. */
static int find_modseal(char path[MS_PATH_MAX], struct ms_error *err)
{
	static const char name[] = "modseal";
	ssize_t n = readlink("/proc/self/exe", path, MS_PATH_MAX - sizeof(name));
	char *slash;

	if (n <= 0)
		return ms_error_set(err, -ENOENT, "no-modseal",
				    "cannot tell where this program is: is /proc there?");
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return ms_error_set(err, -ENOENT, "no-modseal", "no path: %s", path);
	memcpy(slash + 1, name, sizeof(name));
	return 0;
}

static int cannot_start(const char *path, int e, struct ms_error *err)
{
	return ms_error_set(err, -e, "no-modseal",
			    "an agent at https:// needs %s: %s: install modseal", path,
			    ms_strerror(e));
}

static int read_all(int fd, struct ms_buf *out)
{
	ssize_t n;

	for (;;) {
		if (ms_buf_reserve(out, 4096) < 0)
			return -EFBIG;
		n = read(fd, out->data + out->len, 4096);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		out->len += (size_t)n;
	}
}

/* Standard output of a program; what goes wrong there is said there. */
static int capture(char *const argv[], struct ms_buf *out, struct ms_error *err)
{
	int pipefd[2], status = 0, r;
	pid_t pid;

	if (pipe2(pipefd, O_CLOEXEC) < 0)
		return ms_error_set(err, -errno, NULL, "no pipe: %s", ms_strerror(errno));
	pid = fork();
	if (pid == 0) {
		if (dup2(pipefd[1], STDOUT_FILENO) >= 0)
			execv(argv[0], argv);
		_exit(127);
	}
	close(pipefd[1]);
	r = pid < 0 ? -errno : read_all(pipefd[0], out);
	close(pipefd[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r < 0)
		return ms_error_set(err, r, NULL, "cannot run %s: %s", argv[0],
				    ms_strerror(r));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return cannot_start(argv[0], ENOENT, err);
	if (status)
		return ms_error_set(err, -EIO, "no-certificate",
				    "the agent's certificate could not be had");
	return 0;
}

int ms_hook_remote_cert(const char *key, struct ms_buf *ret, struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf pem = MS_BUF_INIT(4 * MS_CERT_MAX);
	char path[MS_PATH_MAX], name[MS_KEY_NAME_MAX + 1];
	char sub[] = "key", verb[] = "cert", end[] = "--";
	char *argv[] = {path, sub, verb, end, name, NULL};
	size_t used = 0;
	int r = find_modseal(path, err);

	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "%s", key);
	r = capture(argv, &pem, err);
	if (r < 0)
		return r;
	r = ms_pem_find((const char *)pem.data, pem.len, "CERTIFICATE", ret, &used);
	return r < 0 ? ms_error_set(err, r, "bad-answer",
				    "modseal key cert %s has printed no certificate", key)
		     : 0;
}

int ms_hook_remote_sign(const struct ms_hook_arguments *a, const char *key,
			struct ms_error *err)
{
	char path[MS_PATH_MAX];
	const char *argv[16] = {path, "sign", "--quiet", "--key", key, "--hash", a->hash};
	size_t n = 7;
	int r = find_modseal(path, err);

	if (r < 0)
		return r;
	if (a->detached)
		argv[n++] = "--detached";
	if (a->keep)
		argv[n++] = "--keep-detached";
	if (a->keyid)
		argv[n++] = "--keyid";
	if (a->dest) {
		argv[n++] = "--dest";
		argv[n++] = a->dest;
	}
	argv[n++] = "--";
	argv[n] = a->module;
	execv(path, (char **)(uintptr_t)argv);
	return cannot_start(path, errno, err);
}
