/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * load OPTION...: clients that ask an agent for signatures as fast as they get them, each
 * on a connection of its own that is kept. Prints one line of JSON.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "lib/error.h"
#include "lib/hash.h"

#define ANSWER_MAX (64u << 20)
#define HEAD_MAX 4096u
#define AGAIN_US 20000 /* before a call is made again */

static const char usage[] =
	"usage: load OPTION...\n"
	"  -u SOCKET | -t PORT -c CERT -k KEY -a CA   where; TLS to localhost\n"
	"  -K NAME     the signing key\n"
	"  -m MODULE   sign this one, with a number at its end: another each time\n"
	"  -b N        instead: sign-digests with N random digests a call (1)\n"
	"  -n CLIENTS  (1)\n"
	"  -s SECONDS, -r REQUESTS in all   when to stop; or at SIGTERM\n"
	"  -R RATE     requests a second in all; time counts from when one was due\n"
	"  -o FILE     each signature that was handed out: request id, digest\n"
	"  -O          an Idempotency-Key with each call, which is made again until "
	"there\n"
	"              is an answer\n"
	"  -p          patient: goes on after broken connections, and calls anew until "
	"all\n"
	"              is signed\n";

static const char *socket_path, *cert, *key_file, *ca, *key_name, *out_path;
static uint16_t port;
static size_t batch = 1, clients = 1;
static pthread_barrier_t connected, started;
static uint64_t requests_max = UINT64_MAX, seconds_max = 3600, began_us;
static double rate;
static bool once, patient;
static uint8_t *module;
static size_t module_len;
static SSL_CTX *ctx;
static FILE *out;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t requests_begun;
static volatile sig_atomic_t told_to_stop;

/**
 * struct client - one of them, on a thread of its own
 * @body: of the request; @answer: head, NUL, body, NUL
 * @took: of each request, in microseconds
 * @again: calls made anew; @refused: answered, but not with what was asked for
 */
struct client {
	pthread_t thread;
	size_t i;
	int fd;
	SSL *ssl;
	char *body, *answer;
	size_t body_len, body_max, answer_max;
	char idem[48];
	uint32_t *took;
	size_t n, n_max;
	uint64_t signatures, again, refused, random;
	char problem[256];
};

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void sleep_until(uint64_t us)
{
	const struct timespec t = {.tv_sec = (time_t)(us / 1000000),
				   .tv_nsec = (long)(us % 1000000) * 1000};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

_noreturn_ static void die(const char *what, const char *why)
{
	fprintf(stderr, "load: %s: %s\n", what, why);
	exit(1);
}

static void *must(void *p)
{
	if (!p)
		die("memory", "none left");
	return p;
}

/* xorshift: the digests need to differ, no more. */
static uint64_t draw(struct client *c)
{
	uint64_t x = c->random;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return c->random = x;
}

/* --------------------------------------------------------------- connections */

static void hang_up(struct client *c)
{
	SSL_free(c->ssl);
	c->ssl = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static bool connect_unix(struct client *c)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", socket_path);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return c->fd >= 0 && connect(c->fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;
}

static bool connect_tls(struct client *c)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return false;
	(void)!setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->ssl = SSL_new(ctx);
	return c->ssl && SSL_set1_host(c->ssl, "localhost") == 1 &&
	       SSL_set_fd(c->ssl, c->fd) == 1 && SSL_connect(c->ssl) == 1;
}

static bool send_all(struct client *c, const char *p, size_t n)
{
	while (n) {
		ssize_t w = c->ssl ? SSL_write(c->ssl, p, (int)MS_MIN(n, 1u << 20))
				   : send(c->fd, p, n, MSG_NOSIGNAL);

		if (w <= 0)
			return false;
		p += w;
		n -= (size_t)w;
	}
	return true;
}

static ssize_t get_some(struct client *c, char *p, size_t n)
{
	return c->ssl ? SSL_read(c->ssl, p, (int)MS_MIN(n, 1u << 20))
		      : recv(c->fd, p, n, 0);
}

static size_t body_length(const char *head)
{
	const char *p = strcasestr(head, "\r\ncontent-length:");

	return p ? strtoul(p + 17, NULL, 10) : 0;
}

/* Return: the status, with the head and the body; 0: the connection broke. */
static unsigned long get_answer(struct client *c, const char **ret_body)
{
	size_t have = 0, want = 0;
	char *end = NULL;

	while (!end || have < want) {
		ssize_t n;

		if (have + 1 >= c->answer_max)
			c->answer = must(realloc(c->answer, c->answer_max *= 2));
		n = get_some(c, c->answer + have, c->answer_max - have - 1);
		if (n <= 0)
			return 0;
		have += (size_t)n;
		c->answer[have] = '\0';
		if (want || !(end = strstr(c->answer, "\r\n\r\n")))
			continue;
		want = (size_t)(end - c->answer) + 4 + body_length(c->answer);
		if (want > ANSWER_MAX)
			return 0;
		if (c->answer_max < want + 2) {
			size_t at = (size_t)(end - c->answer);

			c->answer = must(realloc(c->answer, c->answer_max = want + 2));
			end = c->answer + at;
		}
	}
	end = strstr(c->answer, "\r\n\r\n");
	*end = '\0';
	*ret_body = end + 4;
	return strncmp(c->answer, "HTTP/1.1 ", 9) == 0 ? strtoul(c->answer + 9, NULL, 10)
						       : 0;
}

static unsigned long call(struct client *c, const char **ret_body)
{
	char head[1024], idem[80] = "";
	int n;

	if (c->fd < 0 && !(socket_path ? connect_unix(c) : connect_tls(c)))
		return 0;
	if (once)
		snprintf(idem, sizeof(idem), "Idempotency-Key: %s\r\n", c->idem);
	n = snprintf(head, sizeof(head),
		     "POST /v1/keys/%s/sign%s HTTP/1.1\r\nHost: localhost\r\n"
		     "Content-Type: application/%s\r\n%sContent-Length: %zu\r\n\r\n",
		     key_name, module ? "" : "-digests", module ? "octet-stream" : "json",
		     idem, c->body_len);
	if (n < 0 || !send_all(c, head, (size_t)n) || !send_all(c, c->body, c->body_len))
		return 0;
	return get_answer(c, ret_body);
}

/* ------------------------------------------------------------------ requests */

static void make_module(struct client *c)
{
	uint64_t number;

	c->body_len = module_len + sizeof(uint64_t);
	if (!c->body) {
		c->body = must(malloc(c->body_len));
		memcpy(c->body, module, module_len);
	}
	number = draw(c);
	memcpy(c->body + module_len, &number, sizeof(number));
}

static void make_batch(struct client *c)
{
	static const char item[] =
		"%s{\"name\":\"m.ko\",\"digest\":\"%016llx%016llx%016llx%016llx\","
		"\"facts\":{\"name\":\"m\",\"vermagic\":\"6.1.0-1-amd64 SMP \"}}";
	size_t max = batch * 200 + 100, n;

	if (!c->body)
		c->body = must(malloc(max));
	n = (size_t)snprintf(c->body, max, "{\"hash\":\"sha256\",\"items\":[");
	for (size_t i = 0; i < batch; i++)
		n += (size_t)snprintf(
			c->body + n, max - n, item, i ? "," : "",
			(unsigned long long)draw(c), (unsigned long long)draw(c),
			(unsigned long long)draw(c), (unsigned long long)draw(c));
	c->body_len = n + (size_t)snprintf(c->body + n, max - n, "]}");
}

static void note(struct client *c, const char *id, const char *digest)
{
	c->signatures++;
	if (out)
		fprintf(out, "%.32s %.64s\n", id, digest);
}

/* The answer's digests that have a signature beside them. Return: all have one. */
static bool read_batch(struct client *c, const char *id, const char *p)
{
	uint64_t before = c->signatures;

	while ((p = strstr(p, "{\"digest\":\""))) {
		p += 11;
		if (strncmp(p + 64, "\",\"signature\":\"", 15) == 0)
			note(c, id, p);
		else if (!c->problem[0])
			snprintf(c->problem, sizeof(c->problem), "%s", p);
	}
	if (c->signatures - before == batch)
		return true;
	c->refused++;
	return false;
}

/* Return: all was signed. */
static bool read_answer(struct client *c, unsigned long status, const char *body)
{
	const char *id = strcasestr(c->answer, "\r\nx-request-id: ");
	uint8_t digest[MS_DIGEST_MAX];
	char hex[2 * MS_DIGEST_MAX + 1];

	id = id ? id + 16 : "-";
	if (status != 200) {
		c->refused++;
		if (!c->problem[0])
			snprintf(c->problem, sizeof(c->problem), "%lu %s", status, body);
		return false;
	}
	if (!module)
		return read_batch(c, id, body);
	if (!out)
		c->signatures++;
	else if (ms_digest(MS_HASH_SHA256, c->body, c->body_len, digest) == 0)
		note(c, id, ms_hex(digest, 32, hex));
	return true;
}

static void on_term(int sig)
{
	(void)sig;
	told_to_stop = 1;
}

static bool time_is_up(void)
{
	return told_to_stop || now_us() >= began_us + seconds_max * 1000000;
}

static void draw_request(struct client *c)
{
	snprintf(c->idem, sizeof(c->idem), "%016llx%016llx", (unsigned long long)draw(c),
		 (unsigned long long)draw(c));
	if (module)
		make_module(c);
	else
		make_batch(c);
}

/* One request, again and again if it must be. Return: false: no more. */
static bool one(struct client *c)
{
	uint64_t until = now_us() + 60 * 1000000;
	const char *body = "";

	draw_request(c);
	for (;;) {
		unsigned long status = call(c, &body);
		bool answered = status && !(patient && status >= 500);

		if (answered && (read_answer(c, status, body) || !patient))
			return true;
		if (!status)
			hang_up(c);
		if (!patient)
			die("no answer", status ? body : "the connection broke");
		c->again++;
		if (now_us() > until)
			die("no answer", "not for a minute");
		sleep_until(now_us() + AGAIN_US);
		if (answered)
			draw_request(c); /* a refusal is kept, and given again */
		else if (!once)
			return true; /* what came of it nobody knows: another one */
	}
}

static bool may_begin(void)
{
	bool yes;

	pthread_mutex_lock(&lock);
	yes = requests_begun < requests_max && !time_is_up();
	requests_begun += yes;
	pthread_mutex_unlock(&lock);
	return yes;
}

static void *run(void *arg)
{
	struct client *c = arg;
	double every = rate > 0 ? 1e6 * (double)clients / rate : 0;
	uint64_t due;

	/* What is measured is kept-alive connections: all are there when the clock
	 * starts. */
	if (!patient && !(socket_path ? connect_unix(c) : connect_tls(c)))
		die("no connection", "the agent does not take as many");
	pthread_barrier_wait(&connected);
	pthread_barrier_wait(&started);
	due = began_us + (uint64_t)(every * (double)c->i / (double)clients);
	while (may_begin()) {
		if (rate > 0 && now_us() < due)
			sleep_until(due);
		else if (!(rate > 0))
			due = now_us();
		if (!one(c))
			break;
		if (c->n == c->n_max) {
			c->n_max = c->n_max ? 2 * c->n_max : 256;
			c->took = must(reallocarray(c->took, c->n_max, sizeof(*c->took)));
		}
		c->took[c->n++] = (uint32_t)MS_MIN(now_us() - due, UINT32_MAX);
		/* by chance: what comes does not wait for what came before */
		due += (uint64_t)(-log(1 - (double)(draw(c) >> 11) * 0x1p-53) * every);
	}
	hang_up(c);
	return NULL;
}

/* ---------------------------------------------------------------------- main */

static int by_size(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void report(struct client *all)
{
	double wall = (double)(now_us() - began_us) / 1e6;
	uint64_t signatures = 0, again = 0, refused = 0;
	uint32_t *took = NULL;
	size_t n = 0;

	for (size_t i = 0; i < clients; i++) {
		struct client *c = &all[i];

		took = must(reallocarray(took, n + c->n + 1, sizeof(*took)));
		if (c->n)
			memcpy(took + n, c->took, c->n * sizeof(*took));
		n += c->n;
		signatures += c->signatures;
		again += c->again;
		refused += c->refused;
		if (c->problem[0])
			fprintf(stderr, "load: refused: %s\n", c->problem);
	}
	if (n == 0)
		die("load", "no request was made");
	qsort(took, n, sizeof(*took), by_size);
	printf("{\"requests\": %zu, \"signatures\": %llu, \"seconds\": %.3f, "
	       "\"rate\": %.1f, \"median_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f, "
	       "\"again\": %llu, \"refused\": %llu}\n",
	       n, (unsigned long long)signatures, wall, (double)signatures / wall,
	       took[n / 2] / 1e3, took[n * 99 / 100] / 1e3, took[n - 1] / 1e3,
	       (unsigned long long)again, (unsigned long long)refused);
	free(took);
}

static void set_up_tls(void)
{
	ctx = SSL_CTX_new(TLS_client_method());
	if (!ctx || SSL_CTX_load_verify_locations(ctx, ca, NULL) != 1 ||
	    SSL_CTX_use_certificate_chain_file(ctx, cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, key_file, SSL_FILETYPE_PEM) != 1)
		die("certificates", ERR_error_string(ERR_get_error(), NULL));
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(ctx, SSL_MODE_AUTO_RETRY);
}

static void read_module(const char *path)
{
	FILE *f = fopen(path, "re");

	module = must(malloc(64u << 20));
	module_len = f ? fread(module, 1, 64u << 20, f) : 0;
	if (!module_len)
		die(path, ms_strerror(errno));
	fclose(f);
}

static bool options(int argc, char **argv)
{
	int o;

	while ((o = getopt(argc, argv, "u:t:c:k:a:K:m:b:n:s:r:R:o:Op")) != -1) {
		switch (o) {
		case 'u':
			socket_path = optarg;
			break;
		case 't':
			port = (uint16_t)strtoul(optarg, NULL, 10);
			break;
		case 'c':
			cert = optarg;
			break;
		case 'k':
			key_file = optarg;
			break;
		case 'a':
			ca = optarg;
			break;
		case 'K':
			key_name = optarg;
			break;
		case 'm':
			read_module(optarg);
			break;
		case 'b':
			batch = strtoul(optarg, NULL, 10);
			break;
		case 'n':
			clients = strtoul(optarg, NULL, 10);
			break;
		case 's':
			seconds_max = strtoul(optarg, NULL, 10);
			break;
		case 'r':
			requests_max = strtoul(optarg, NULL, 10);
			break;
		case 'R':
			rate = strtod(optarg, NULL);
			break;
		case 'o':
			out_path = optarg;
			break;
		case 'O':
			once = true;
			break;
		case 'p':
			patient = true;
			break;
		default:
			return false;
		}
	}
	return key_name && (socket_path || (port && cert && key_file && ca)) && batch &&
	       clients && clients <= 100000;
}

int main(int argc, char **argv)
{
	struct client *all;

	if (!options(argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGTERM, on_term);
	if (!socket_path)
		set_up_tls();
	if (out_path && !(out = fopen(out_path, "we")))
		die(out_path, ms_strerror(errno));
	all = must(calloc(clients, sizeof(*all)));
	if (pthread_barrier_init(&connected, NULL, (unsigned int)clients + 1) != 0 ||
	    pthread_barrier_init(&started, NULL, (unsigned int)clients + 1) != 0)
		die("threads", "cannot be started");
	for (size_t i = 0; i < clients; i++) {
		struct client *c = &all[i];

		c->i = i;
		c->fd = -1;
		c->answer = must(malloc(c->answer_max = HEAD_MAX));
		if (RAND_bytes((unsigned char *)&c->random, sizeof(c->random)) != 1 ||
		    pthread_create(&c->thread, NULL, run, c) != 0)
			die("threads", "cannot be started");
	}
	pthread_barrier_wait(&connected);
	began_us = now_us();
	pthread_barrier_wait(&started);
	for (size_t i = 0; i < clients; i++)
		pthread_join(all[i].thread, NULL);
	report(all);
	for (size_t i = 0; i < clients; i++) {
		free(all[i].body);
		free(all[i].answer);
		free(all[i].took);
	}
	free(all);
	free(module);
	SSL_CTX_free(ctx);
	if (out && fclose(out) != 0)
		die(out_path, ms_strerror(errno));
	return 0;
}
