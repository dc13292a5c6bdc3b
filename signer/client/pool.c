/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include "lib/escape.h"
#include "lib/file.h"
#include "lib/limits.h"
#include "lib/module_path.h"
#include "signer/client/by_digest.h"
#include "signer/client/pool.h"
#include "signer/client/talk.h"

#define THREADS_MAX 256u
#define STACK_BYTES (1u << 20)
#define LARGE_BYTES (16 << 20) /* such a module waits for the one before it */
#define LARGE_COMPRESSED_BYTES (LARGE_BYTES / 4)
#define KEPT_BYTES                                                                       \
	((size_t)4 << 20)	       /* memory that a thread keeps for its next module \
					*/
#define BATCH 32u		       /* modules in one request by digest, */
#define BATCH_BYTES ((size_t)32 << 20) /* and bytes of them in memory */
#define DRAW_MS 100
#define RECONNECTS 50 /* an agent that restarts is back within 50 * 100 ms */
#define RECONNECT_MS 100
#define HANG_UPS 5
#define RETRIES 100
#define RETRY_MS 100

/* What becomes of a file, beside 0 and a negative errno. */
#define LEFT 1	  /* it is as it shall be */
#define STOPPED 2 /* and so is everything: nothing more to do */

static bool code_in(const char *code, const char *const *codes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(code, codes[i]))
			return true;
	}
	return false;
}

/* Refusals that every other module would meet as well. */
static bool hopeless(const char *code)
{
	static const char *const codes[] = {
		"no-such-key",	    "key-locked",	"pin-needed",
		"key-broken",	    "key-file-damaged", "key-file-foreign",
		"hash-unsupported", "no-such-build",	"build-pending",
		"build-closed",	    "build-expired",	"build-rejected",
		"build-full",	    "build-key",	"build-rule",
		"build-required",   "content-required", "own-approval",
		"limit-day",	    "limit-hour",	"rule-when",
		"no-rule",	    "rule-type"};

	return code_in(code, codes, ARRAY_SIZE(codes)) || !strncmp(code, "tpm-", 4);
}

/* Refusals that pass: part of the agent is being started again, or it has too much to do.
 */
static bool passing(struct ms_pool *p, const char *code)
{
	static const char *const codes[] = {"not-ready", "busy", "key-process-restarted"};
	bool worked;

	if (code_in(code, codes, ARRAY_SIZE(codes)))
		return true;
	pthread_mutex_lock(&p->lock);
	worked = p->signed_files > 0;
	pthread_mutex_unlock(&p->lock);
	/* It was open before: its process was started again and unseals it. */
	return worked && !strcmp(code, "key-locked");
}

static void stop(struct ms_pool *p, const struct ms_error *err, bool lost)
{
	pthread_mutex_lock(&p->lock);
	if (!p->stopped) {
		p->stopped = true;
		p->lost = lost;
		p->fatal = *err;
	}
	pthread_mutex_unlock(&p->lock);
	atomic_store(&p->stop, true);
}

static void count(struct ms_pool *p, const char *path, int rc, uint64_t bytes,
		  const struct ms_error *err)
{
	pthread_mutex_lock(&p->lock);
	if (rc == LEFT) {
		p->left_files++;
	} else if (!rc) {
		p->signed_files++;
		p->signed_bytes += bytes;
	} else {
		ms_progress_wipe(&p->progress);
		p->failed(p->arg, path, err);
	}
	pthread_mutex_unlock(&p->lock);
	atomic_fetch_add(&p->done, 1);
}

/* The agent may be restarting; when it stays away, no file is tried any more. */
static int reconnect(struct ms_pool *p, struct ms_http *http, struct ms_error *err)
{
	int rc = -ENOTCONN;

	ms_http_close(http);
	for (int i = 0; i < RECONNECTS && rc; i++) {
		if (i && atomic_load(&p->stop))
			break;
		if (i)
			poll(NULL, 0, RECONNECT_MS);
		rc = ms_agent_open(http, p->config, err);
	}
	return rc;
}

static bool is_left(struct ms_pool *p, const struct ms_packed *m)
{
	return p->leave && p->leave(m, p->leave_arg);
}

/* Could the module be replaced? What is signed and cannot be written is only in the log.
 */
static int check_place(const struct ms_pool *p, const char *path, struct ms_error *err)
{
	if (p->sign->detached || p->sign->dest)
		return 0;
	return ms_file_replaceable(path, err);
}

static void prefix_path(struct ms_error *err, const char *path)
{
	char shown[300];

	ms_error_prefix(err, "%s", ms_escape_str(path, shown, sizeof(shown)));
}

/* Read, ask, append, replace. Return: 0, LEFT, or the file's errno with a sentence */
static int sign_once(struct ms_pool *p, struct ms_http *http, const char *path,
		     struct ms_packed *m, struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf message = MS_BUF_INIT(MS_MESSAGE_MAX);
	int rc = ms_packed_read(m, path, err);

	if (!rc && is_left(p, m)) {
		ms_packed_close(m);
		return LEFT;
	}
	if (!rc)
		rc = check_place(p, path, err);
	if (!rc)
		rc = ms_agent_ask(http, path, p->sign, m->data, m->payload_len, &message,
				  err);
	if (!rc)
		rc = ms_packed_write_signed(m, &p->packers, path, p->sign, &message, err);
	ms_packed_close(m);
	if (rc)
		prefix_path(err, path);
	return rc;
}

/* Asks again while the agent says that it will be able to, within RETRIES * RETRY_MS. */
static int sign_patiently(struct ms_pool *p, struct ms_http *http, const char *path,
			  struct ms_packed *m, struct ms_error *err)
{
	for (int i = 0;; i++) {
		int rc;

		*err = (struct ms_error){0};
		rc = sign_once(p, http, path, m, err);
		if (rc >= 0 || i == RETRIES || !passing(p, err->code) ||
		    atomic_load(&p->stop))
			return rc;
		poll(NULL, 0, RETRY_MS);
	}
}

/* Return: 0, LEFT, STOPPED, or the file's errno with a sentence */
static int sign_file(struct ms_pool *p, struct ms_http *http, const char *path,
		     struct ms_packed *m, struct ms_error *err)
{
	bool lost;
	int rc;

	for (int i = 0;; i++) {
		*err = (struct ms_error){0};
		rc = !ms_http_is_open(http) ? reconnect(p, http, err) : 0;
		if (!rc)
			rc = sign_patiently(p, http, path, m, err);
		/* A dying agent may still accept a connection, and hang up again. */
		if (rc >= 0 || strcmp(err->code, "agent-gone") != 0 || i == HANG_UPS)
			break;
		ms_http_close(http);
		poll(NULL, 0, RECONNECT_MS);
	}
	/* An agent that keeps hanging up over this file may still sign the next one. */
	lost = rc < 0 && ms_talk_lost(err) && strcmp(err->code, "agent-gone") != 0;
	/* What did not pass in all that time will not for the next one either. */
	if (rc < 0 && (lost || hopeless(err->code) || passing(p, err->code))) {
		stop(p, err, lost);
		return STOPPED;
	}
	return rc;
}

/* Would many of this size at one time take too much memory? */
static bool is_large(const char *path)
{
	bool packed = ms_module_plain_len(path) != strlen(path);
	struct stat st;

	return !stat(path, &st) &&
	       st.st_size > (packed ? LARGE_COMPRESSED_BYTES : LARGE_BYTES);
}

static void worker_loop(struct ms_pool *p, struct ms_http *http, struct ms_packed *m)
{
	struct ms_error err;

	while (!atomic_load(&p->stop)) {
		size_t i = atomic_fetch_add(&p->next, 1);
		bool large;
		int rc;

		if (i >= p->n)
			return;
		large = is_large(p->path[i]);
		if (large)
			pthread_mutex_lock(&p->large);
		rc = sign_file(p, http, p->path[i], m, &err);
		if (rc != STOPPED)
			count(p, p->path[i], rc, (uint64_t)m->f.st.st_size, &err);
		ms_packed_trim(m, KEPT_BYTES);
		if (large)
			pthread_mutex_unlock(&p->large);
	}
}

/* ------------------------------------------------------------------ by digest */

/* A name for the request, so that asking again after a lost answer signs nothing twice.
 */
static void new_key(char key[33])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t bytes[16];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		abort();
	for (size_t i = 0; i < sizeof(bytes); i++) {
		key[2 * i] = digits[bytes[i] >> 4];
		key[2 * i + 1] = digits[bytes[i] & 15];
	}
	key[32] = '\0';
}

/* Items that are refused for a reason that passes are asked for again. */
static bool ask_again(struct ms_pool *p, struct ms_digest_item *items, size_t n)
{
	bool again = false;

	for (size_t i = 0; i < n; i++) {
		if (items[i].rc < 0 && passing(p, items[i].err.code)) {
			items[i].rc = -EINPROGRESS;
			again = true;
		}
	}
	return again;
}

/* Return: 0, or why there is no answer */
static int ask_for_batch(struct ms_pool *p, struct ms_http *http,
			 struct ms_digest_item *items, size_t n, struct ms_error *err)
{
	int hang_ups = 0, rc;
	char key[33];

	new_key(key);
	for (int i = 0;; i++) {
		*err = (struct ms_error){0};
		rc = ms_http_is_open(http) ? 0 : reconnect(p, http, err);
		http->idempotency_key = key;
		if (!rc)
			rc = ms_digest_ask(http, p->sign, items, n, err);
		http->idempotency_key = NULL;
		if (i >= RETRIES || atomic_load(&p->stop))
			return rc;
		if (!rc && !ask_again(p, items, n))
			return 0;
		if (!rc || !strcmp(err->code, "request-repeated"))
			new_key(key); /* what was answered is answered */
		else if (!strcmp(err->code, "agent-gone") && hang_ups++ < HANG_UPS)
			ms_http_close(http);
		else if (!passing(p, err->code) &&
			 strcmp(err->code, "request-in-progress"))
			return rc;
		poll(NULL, 0, RETRY_MS);
	}
}

static void write_item(struct ms_pool *p, struct ms_digest_item *i)
{
	i->rc = ms_packed_write_signed(&i->m, &p->packers, i->path, p->sign, &i->message,
				       &i->err);
	if (i->rc < 0)
		prefix_path(&i->err, i->path);
}

static void finish_item(struct ms_pool *p, struct ms_digest_item *i)
{
	if (i->rc == 0)
		write_item(p, i);
	if (i->rc < 0 && i->rc != -EINPROGRESS && hopeless(i->err.code))
		stop(p, &i->err, false);
	else if (i->rc != -EINPROGRESS)
		count(p, i->path, i->rc, (uint64_t)i->m.f.st.st_size, &i->err);
	ms_digest_item_clear(i);
}

static void read_item(struct ms_pool *p, struct ms_digest_item *i, const char *path,
		      enum ms_hash hash)
{
	if (ms_digest_item_read(i, path, hash) < 0)
		return;
	if (is_left(p, &i->m)) {
		i->rc = LEFT;
	} else if (check_place(p, path, &i->err) < 0) {
		i->rc = -EACCES;
		prefix_path(&i->err, path);
	}
}

/* Return: how many were read; false in @ret_more: there are no more */
static size_t read_batch(struct ms_pool *p, enum ms_hash hash,
			 struct ms_digest_item *items, bool *ret_more)
{
	size_t n = 0, bytes = 0, i;

	while (n < BATCH && bytes < BATCH_BYTES && !atomic_load(&p->stop)) {
		i = atomic_fetch_add(&p->next, 1);
		if (i >= p->n) {
			*ret_more = false;
			break;
		}
		read_item(p, &items[n], p->path[i], hash);
		if (items[n].rc != -EINPROGRESS) {
			finish_item(p, &items[n]);
			continue;
		}
		bytes += items[n].m.f.len + items[n].m.cap;
		n++;
	}
	return n;
}

static void batch_loop(struct ms_pool *p, struct ms_http *http)
{
	struct ms_digest_item *items = calloc(BATCH, sizeof(*items));
	enum ms_hash hash = MS_HASH_NONE;
	bool more = items && ms_hash_from_name(p->sign->hash, &hash) == 0;
	struct ms_error err;

	for (size_t i = 0; items && i < BATCH; i++)
		items[i].m.fd = -1;
	while (more && !atomic_load(&p->stop)) {
		size_t n = read_batch(p, hash, items, &more);
		int rc = n ? ask_for_batch(p, http, items, n, &err) : 0;

		if (rc)
			stop(p, &err, ms_talk_lost(&err));
		for (size_t i = 0; i < n; i++)
			finish_item(p, &items[i]);
		for (size_t i = 0; i < BATCH; i++)
			ms_packed_trim(&items[i].m, KEPT_BYTES / BATCH);
	}
	for (size_t i = 0; items && i < BATCH; i++)
		ms_packed_clear(&items[i].m);
	free(items);
}

static void *worker(void *arg)
{
	_cleanup_packed_ struct ms_packed m = MS_PACKED_INIT;
	struct ms_pool *p = arg;
	struct ms_http http = {.fd = -1};
	uint64_t one = 1;

	if (p->by_digest)
		batch_loop(p, &http);
	else
		worker_loop(p, &http, &m);
	ms_http_close(&http);
	pthread_mutex_lock(&p->lock);
	if (!--p->running && write(p->wake, &one, sizeof(one)) < 0)
		atomic_store(&p->stop, true);
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static void interrupted(struct ms_pool *p, int signals)
{
	struct signalfd_siginfo si;

	if (read(signals, &si, sizeof(si)) != sizeof(si))
		return;
	if (p->signal) {
		ms_file_remove_temporary();
		_exit(128 + (int)si.ssi_signo);
	}
	p->signal = (int)si.ssi_signo;
	atomic_store(&p->stop, true);
	pthread_mutex_lock(&p->lock);
	ms_progress_wipe(&p->progress);
	fprintf(stderr,
		"modseal: sign: stopping after the modules that are on their way\n");
	pthread_mutex_unlock(&p->lock);
}

/* The main thread draws and waits for signals until the last worker has said goodbye. */
static void watch(struct ms_pool *p, int signals)
{
	struct pollfd fds[] = {
		{.fd = p->wake, .events = POLLIN},
		{.fd = signals, .events = POLLIN},
	};

	for (;;) {
		int n = poll(fds, ARRAY_SIZE(fds), p->progress.on ? DRAW_MS : -1);

		if (n > 0 && fds[1].revents)
			interrupted(p, signals);
		if (n > 0 && fds[0].revents)
			break;
		pthread_mutex_lock(&p->lock);
		ms_progress_draw(&p->progress, atomic_load(&p->done));
		pthread_mutex_unlock(&p->lock);
	}
	ms_progress_wipe(&p->progress);
}

/* Signals that the caller of this program has not told it to ignore (nohup). */
static void signals_wanted(sigset_t *ret)
{
	static const int wanted[] = {SIGINT, SIGTERM, SIGHUP};

	sigemptyset(ret);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		struct sigaction sa;

		if (!sigaction(wanted[i], NULL, &sa) && sa.sa_handler != SIG_IGN)
			sigaddset(ret, wanted[i]);
	}
}

static unsigned int start(struct ms_pool *p, pthread_t *threads, unsigned int n)
{
	pthread_attr_t attr;
	unsigned int started = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	/* Held, so that the first to finish does not take itself for the last. */
	pthread_mutex_lock(&p->lock);
	while (started < n && !pthread_create(&threads[started], &attr, worker, p))
		started++;
	p->running = started;
	pthread_mutex_unlock(&p->lock);
	pthread_attr_destroy(&attr);
	return started;
}

int ms_pool_run(struct ms_pool *p)
{
	unsigned int n = MS_MIN(p->jobs * (p->by_digest ? 2u : MS_POOL_IN_FLIGHT),
				THREADS_MAX),
		     started;
	_cleanup_close_ int wake = eventfd(0, EFD_CLOEXEC), signals = -1;
	pthread_t threads[THREADS_MAX];
	sigset_t wanted, before;

	if (p->n < n)
		n = (unsigned int)p->n;
	/* Else malloc() learns from large modules to keep such pieces. */
	mallopt(M_MMAP_THRESHOLD, (int)KEPT_BYTES);
	signals_wanted(&wanted);
	pthread_sigmask(SIG_BLOCK, &wanted, &before);
	signals = signalfd(-1, &wanted, SFD_CLOEXEC);
	if (wake < 0 || signals < 0)
		return -errno;
	p->wake = wake;
	pthread_mutex_init(&p->lock, NULL);
	pthread_mutex_init(&p->large, NULL);
	ms_packers_init(&p->packers, p->jobs);
	ms_progress_start(&p->progress, p->n, p->quiet);
	started = start(p, threads, n);
	if (started)
		watch(p, signals);
	for (unsigned int i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	p->seconds = ms_progress_now() - p->progress.start;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_mutex_destroy(&p->lock);
	pthread_mutex_destroy(&p->large);
	ms_packers_clear(&p->packers);
	return started || !p->n ? 0 : -EAGAIN;
}
