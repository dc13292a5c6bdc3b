/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crowd SOCKET IDLE ROUNDS: holds IDLE connections with half a request each, and
 * meanwhile asks ROUNDS times for a small answer on a connection of its own. Prints the
 * median and the 99th percentile of how long these took, in microseconds: once without
 * the crowd, once with it.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

static int connect_to(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		perror("crowd: connect");
		exit(1);
	}
	return fd;
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void ask(const char *path, size_t rounds, const char *name)
{
	static const char request[] = "GET /v1/whoami HTTP/1.1\r\nHost: a\r\n\r\n";
	uint64_t *took = calloc(rounds, sizeof(*took));
	int fd = connect_to(path);
	char answer[4096];

	for (size_t i = 0; i < rounds && took; i++) {
		uint64_t began = now_us();

		if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0 ||
		    recv(fd, answer, sizeof(answer), 0) < 12 ||
		    memcmp(answer, "HTTP/1.1 200", 12) != 0) {
			fprintf(stderr, "crowd: no answer\n");
			exit(1);
		}
		took[i] = now_us() - began;
	}
	qsort(took, rounds, sizeof(*took), by_size);
	printf("%s %llu %llu\n", name, (unsigned long long)took[rounds / 2],
	       (unsigned long long)took[rounds * 99 / 100]);
	free(took);
	close(fd);
}

int main(int argc, char **argv)
{
	size_t idle, rounds;
	struct rlimit l;

	if (argc != 4)
		return 2;
	idle = strtoul(argv[2], NULL, 10);
	rounds = strtoul(argv[3], NULL, 10);
	if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
		l.rlim_cur = l.rlim_max;
		(void)!setrlimit(RLIMIT_NOFILE, &l);
	}
	ask(argv[1], rounds, "alone");
	for (size_t i = 0; i < idle; i++) {
		int fd = connect_to(argv[1]);

		/* One that had to make room already. */
		if (send(fd, "GET /v1/wh", 10, MSG_NOSIGNAL) < 0 && errno != EPIPE &&
		    errno != ECONNRESET)
			return 1;
	}
	ask(argv[1], rounds, "crowd");
	return 0;
}
