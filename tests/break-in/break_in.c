/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * POST /break-in, in a modseald that is built for one test and never installed: the front
 * does what the body says, as if somebody had taken it over. One action, answered by what
 * came of it; what kills the process has no answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "signer/agent/web.h"

/* @r: 0 or more: it worked; else a negative errno */
static void answer(struct ms_web *w, long r, const char *code)
{
	ms_web_json(w, 200,
		    json_pack("{s:b, s:s, s:s}", "worked", r >= 0, "error",
			      r < 0 ? ms_strerror((int)r) : "", "code", code));
}

static long result(long r)
{
	return r < 0 ? -errno : r;
}

static long open_file(const char *path, int flags)
{
	long fd = result(open(path, flags | O_CLOEXEC));
	char c;

	return fd < 0 ? fd : result(read((int)fd, &c, 1));
}

static long connect_to(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	return fd < 0 ? -errno : result(connect(fd, (struct sockaddr *)&a, sizeof(a)));
}

static long read_memory(pid_t pid, void *where)
{
	char c;
	struct iovec here = {&c, 1}, there = {where, 1};

	return result(process_vm_readv(pid, &here, 1, &there, 1, 0));
}

static long act(const char *verb, const char *what)
{
	long n = strtol(what, NULL, 10);

	if (strcmp(verb, "read") == 0)
		return open_file(what, O_RDONLY);
	if (strcmp(verb, "write") == 0)
		return result(open(what, O_WRONLY | O_CLOEXEC));
	if (strcmp(verb, "create") == 0)
		return result(open(what, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	if (strcmp(verb, "connect") == 0)
		return connect_to(what);
	if (strcmp(verb, "socket") == 0)
		return result(socket((int)n, SOCK_STREAM, 0));
	if (strcmp(verb, "vm") == 0)
		return read_memory((pid_t)n, (void *)(uintptr_t)0x400000);
	if (strcmp(verb, "ptrace") == 0)
		return result(ptrace(PTRACE_ATTACH, (pid_t)n, NULL, NULL));
	if (strcmp(verb, "pidfd") == 0)
		return result(syscall(SYS_pidfd_open, (pid_t)n, 0));
	if (strcmp(verb, "kill") == 0)
		return result(kill((pid_t)n, SIGKILL));
	if (strcmp(verb, "exec") == 0)
		return result(execl(what, what, (char *)NULL));
	if (strcmp(verb, "fork") == 0)
		return result(fork());
	return -EINVAL;
}

static void on_answer(void *arg, const struct ms_ipc_msg *m, const struct ms_error *err)
{
	struct ms_web *w = arg;

	if (!m)
		answer(w, -EAGAIN, err->code);
	else if (m->op == MS_IPC_SIGNED)
		answer(w, m->signed_.rc, m->signed_.err.code);
	else if (m->op == MS_IPC_RESULT)
		answer(w, m->result.rc, m->result.err.code);
	else
		answer(w, m->done.rc ? m->done.rc : -EIO, m->done.err.code);
}

/* A digest of anything, as if it were one of an update of an EFI variable. */
static void ask_to_sign_efi(struct ms_web *w, const char *key)
{
	struct ms_ipc_msg m = {.op = MS_IPC_CHANGE,
			       .change = {.what = MS_CHANGE_EFI, .data_len = 32}};
	struct ms_error err = {0};
	int r;

	snprintf(m.change.key, sizeof(m.change.key), "%s", key);
	r = ms_key_link_ask(w->front->keys, &m, on_answer, w, &err);
	if (r < 0)
		answer(w, r, err.code);
}

/* A key for whoever has broken in. @cert: DER in base64 */
static void ask_for_backup(struct ms_web *w, const char *key, const char *cert)
{
	struct ms_ipc_msg m = {.op = MS_IPC_CHANGE, .change.what = MS_CHANGE_BACKUP};
	struct ms_error err = {0};
	int n = EVP_DecodeBlock(m.change.data, (const unsigned char *)cert,
				(int)strlen(cert));
	int r;

	while (n > 0 && m.change.data[0] == 0x30 && strchr(cert, '=')) {
		cert = strchr(cert, '=') + 1;
		n--;
	}
	if (n <= 0) {
		answer(w, -EINVAL, "no-certificate");
		return;
	}
	m.change.data_len = (size_t)n;
	snprintf(m.change.key, sizeof(m.change.key), "%s", key);
	r = ms_key_link_ask(w->front->keys, &m, on_answer, w, &err);
	if (r < 0)
		answer(w, r, err.code);
}

/* Past all policy: the key process is asked for a signature directly. */
static void ask_to_sign(struct ms_web *w, const char *key, const char *build)
{
	struct ms_ipc_msg m = {.op = MS_IPC_SIGN, .sign.hash = MS_HASH_SHA256};
	struct ms_error err = {0};
	int r;

	snprintf(m.sign.key, sizeof(m.sign.key), "%s", key);
	snprintf(m.sign.build, sizeof(m.sign.build), "%s", build);
	r = ms_key_link_ask(w->front->keys, &m, on_answer, w, &err);
	if (r < 0)
		answer(w, r, err.code);
}

void ms_api_break_in(struct ms_web *w)
{
	char text[4096] = "", *what, *more;
	size_t len;
	const uint8_t *body = ms_web_body(w, &len);
	bool backup;

	if (body)
		memcpy(text, body, MS_MIN(len, sizeof(text) - 1));
	what = strchr(text, ' ');
	if (what)
		*what++ = '\0';
	else
		what = text + strlen(text);
	if (strcmp(text, "sign-efi") == 0) {
		ask_to_sign_efi(w, what);
		return;
	}
	backup = strcmp(text, "backup") == 0;
	if (!backup && strcmp(text, "sign") != 0) {
		answer(w, act(text, what), "");
		return;
	}
	more = strchr(what, ' ');
	if (more)
		*more++ = '\0';
	if (backup)
		ask_for_backup(w, what, more ? more : "");
	else
		ask_to_sign(w, what, more ? more : "");
}
