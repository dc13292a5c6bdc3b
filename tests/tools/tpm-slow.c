// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A TPM as slow and as poor as a real one: hands commands on to an swtpm, and answers
 * back no sooner than a chip would have them. Like them it has neither SHA-384 nor
 * SHA-512.
 *
 *   tpm-slow SOCKET SWTPM-SOCKET [LOG]
 *
 * Times are the medians of Intel's firmwares in the tpmscan data set (CHES 2024):
 * RSA-2048 signature 229 ms, P-256 signature 105 ms, RSA-2048 key 4,900 ms. What it has
 * no figure for is taken to be as long as what it does: what multiplies a point (a salted
 * session, an ECC primary or key) as a P-256 signature, RSA decryption as a signature;
 * loading and verifying 20 ms, all else 2 ms. For each command a line "CODE MS" goes to
 * LOG.
 */
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include "lib/buf.h"

#define MESSAGE_MAX 4096u

enum {
	RSA_SIGN_MS = 229,
	P256_SIGN_MS = 105,
	RSA_CREATE_MS = 4900,
	LOAD_MS = 20,
	OTHER_MS = 2,
};

static bool get_all(int fd, uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t r = read(fd, p, n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return false;
		p += r;
		n -= (size_t)r;
	}
	return true;
}

/* A command or an answer: tag, size, code, the rest. Return: its size, or 0 */
static size_t message(int fd, uint8_t buf[MESSAGE_MAX])
{
	size_t len;

	if (!get_all(fd, buf, 10))
		return 0;
	len = ms_get_be32(buf + 2);
	return len >= 10 && len <= MESSAGE_MAX && get_all(fd, buf + 10, len - 10) ? len
										  : 0;
}

static unsigned int u16(const uint8_t *p)
{
	return (unsigned int)p[0] << 8 | p[1];
}

/* TPM2_Sign: what follows header and parameterSize is TPMT_SIGNATURE. */
static unsigned int sign_ms(const uint8_t *a, size_t len)
{
	return len >= 16 && u16(a + 14) == 0x0018 ? P256_SIGN_MS : RSA_SIGN_MS;
}

/* TPM2_Create: outPrivate, then outPublic, whose type says what was made. */
static unsigned int create_ms(const uint8_t *a, size_t len)
{
	size_t at = 14;

	if (len < at + 2)
		return OTHER_MS;
	at += 2 + u16(a + at);
	if (len < at + 4)
		return OTHER_MS;
	switch (u16(a + at + 2)) {
	case 0x0001:
		return RSA_CREATE_MS;
	case 0x0023:
		return P256_SIGN_MS;
	default:
		return LOAD_MS;
	}
}

static unsigned int how_long(const uint8_t *cmd, const uint8_t *a, size_t len)
{
	uint32_t cc = ms_get_be32(cmd + 6);

	if (ms_get_be32(a + 6) != 0)
		return OTHER_MS;
	switch (cc) {
	case 0x15d: /* Sign */
		return sign_ms(a, len);
	case 0x159: /* RSA_Decrypt */
		return RSA_SIGN_MS;
	case 0x153: /* Create */
		return create_ms(a, len);
	case 0x131: /* CreatePrimary */
		return P256_SIGN_MS;
	case 0x176: /* StartAuthSession: salted with a key, or not */
		return ms_get_be32(cmd + 10) == 0x40000007 ? OTHER_MS : P256_SIGN_MS;
	case 0x157: /* Load */
	case 0x167: /* LoadExternal */
	case 0x177: /* VerifySignature */
	case 0x15e: /* Unseal */
		return LOAD_MS;
	default:
		return OTHER_MS;
	}
}

/* TPM2_GetCapability of algorithms: moreData, capability, count; u16 and u32 each. */
static void hide_hashes(const uint8_t *cmd, size_t n, uint8_t *a, size_t len)
{
	if (n < 14 || ms_get_be32(cmd + 6) != 0x17a || ms_get_be32(cmd + 10) != 0 ||
	    ms_get_be32(a + 6) != 0)
		return;
	for (size_t at = 19; at + 6 <= len; at += 6)
		if (u16(a + at) == 0x000c || u16(a + at) == 0x000d)
			a[at + 1] = 0x0b; /* once more SHA-256 */
}

static void wait_ms(unsigned int ms)
{
	struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000L};

	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
}

static bool serve_one(int client, int server, FILE *log)
{
	uint8_t cmd[MESSAGE_MAX], answer[MESSAGE_MAX];
	size_t n = message(client, cmd), len;
	unsigned int ms;

	if (!n || write(server, cmd, n) != (ssize_t)n)
		return false;
	len = message(server, answer);
	if (!len)
		return false;
	hide_hashes(cmd, n, answer, len);
	ms = how_long(cmd, answer, len);
	wait_ms(ms);
	if (log) {
		fprintf(log, "%x %u\n", ms_get_be32(cmd + 6), ms);
		fflush(log);
	}
	return write(client, answer, len) == (ssize_t)len;
}

static int unix_socket(const char *path, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(ret->sun_path))
		return -1;
	memcpy(ret->sun_path, path, strlen(path) + 1);
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

int main(int argc, char **argv)
{
	struct sockaddr_un here, there;
	char link[256], ctrl[256];
	FILE *log = NULL;
	int listener;

	if (argc < 3 || argc > 4)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	/* The control channel needs no delay. */
	snprintf(link, sizeof(link), "%s.ctrl", argv[1]);
	snprintf(ctrl, sizeof(ctrl), "%s.ctrl", argv[2]);
	listener = unix_socket(argv[1], &here);
	if (listener < 0 || symlink(ctrl, link) < 0 ||
	    bind(listener, (struct sockaddr *)&here, sizeof(here)) < 0 ||
	    listen(listener, 8) < 0) {
		perror("tpm-slow");
		return 1;
	}
	if (argc == 4)
		log = fopen(argv[3], "we");
	for (;;) {
		int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		int server = unix_socket(argv[2], &there);

		if (client < 0)
			return 1;
		if (server >= 0 &&
		    connect(server, (struct sockaddr *)&there, sizeof(there)) == 0)
			while (serve_one(client, server, log))
				;
		close(server);
		close(client);
	}
}
