/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/keyproc.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <syslog.h>
#include <time.h>

#include "signer/agent/ipc.h"
#include "signer/agent/keys.h"
#include "signer/agent/log.h"
#include "signer/agent/log_key.h"
#include "signer/agent/sandbox.h"
#include "signer/agent/stats.h"
#include "signer/agent/supervisor.h"
#include "lib/secmem.h"

#define THREADS_MAX 64u
#define QUEUE_MAX 32768u    /* requests of the front that wait */
#define RETRY_S 2	    /* between tries to unseal while the TPM is absent */
#define NEW_WORKER_WAIT_S 3 /* for the supervisor to replace a dead TPM worker */
#define THREAD_STACK (256u << 10)

/* A request that waits. Sign requests are small and many; the others large and few. */
struct job {
	struct job *next;
	struct ms_ipc_msg *admin;
	uint64_t id;
	char key[MS_KEY_NAME_MAX + 1], build[MS_BUILD_ID_MAX + 1];
	enum ms_hash hash;
	uint8_t digest[MS_DIGEST_MAX];
};

struct queue {
	struct job *head, **tail;
	size_t n;
	_Atomic uint64_t *depth; /* says @n to who watches */
	pthread_cond_t cond;
};

struct keyproc {
	const struct ms_config *config;
	int ctl, front;
	struct ms_keys *keys;
	struct ms_log_key *log_key; /* the admin thread's */
	struct ms_tpmw tpm;	    /* the admin thread's */

	pthread_mutex_t lock; /* the queues, new_tpm, announce */
	struct queue sign, admin;
	int new_tpm;
	bool announce;

	pthread_mutex_t send_lock; /* replacing @front against sending on it */
	char keys_dir[MS_PATH_MAX];
};

static void queue_init(struct queue *q, _Atomic uint64_t *depth)
{
	pthread_condattr_t attr;

	q->depth = depth;
	*depth = 0;
	q->head = NULL;
	q->tail = &q->head;
	q->n = 0;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&q->cond, &attr);
	pthread_condattr_destroy(&attr);
}

static bool queue_put(struct queue *q, struct job *j)
{
	if (q->n >= QUEUE_MAX)
		return false;
	j->next = NULL;
	*q->tail = j;
	q->tail = &j->next;
	*q->depth = ++q->n;
	pthread_cond_signal(&q->cond);
	return true;
}

static struct job *queue_take(struct queue *q)
{
	struct job *j = q->head;

	if (!j)
		return NULL;
	q->head = j->next;
	if (!q->head)
		q->tail = &q->head;
	*q->depth = --q->n;
	return j;
}

static void job_free(struct job *j)
{
	if (!j)
		return;
	if (j->admin) {
		ms_wipe(j->admin, sizeof(*j->admin));
		free(j->admin);
	}
	free(j);
}

/* To the front; when there is none the message is dropped, as is whoever asked. */
static void reply(struct keyproc *p, const struct ms_ipc_msg *m)
{
	pthread_mutex_lock(&p->send_lock);
	if (p->front >= 0)
		(void)!ms_ipc_send(p->front, m, -1);
	pthread_mutex_unlock(&p->send_lock);
}

/* ------------------------------------------------------------------ signing */

/* A worker that did not answer in time is replaced, whatever it was asked. */
static int after_tpm(struct keyproc *p, int r)
{
	struct ms_ipc_msg m = {.op = MS_IPC_REPLACE_TPM};

	if (r == -ETIMEDOUT)
		(void)!ms_ipc_send(p->ctl, &m, -1);
	return r;
}

/* @in_tpm: on the TPM's thread, with a key that never leaves the TPM */
static void sign_one(struct keyproc *p, const struct job *j, bool in_tpm)
{
	struct ms_ipc_msg m;

	m.op = MS_IPC_SIGNED;
	m.id = j->id;
	memset(&m.signed_.err, 0, sizeof(m.signed_.err));
	m.signed_.sig_len = 0;
	if (in_tpm)
		m.signed_.rc = after_tpm(
			p, ms_keys_sign_in_tpm(p->keys, &p->tpm, j->key, j->hash,
					       j->digest, m.signed_.sig,
					       &m.signed_.sig_len, &m.signed_.err));
	else
		m.signed_.rc =
			ms_keys_sign(p->keys, j->key, j->build, j->hash, j->digest,
				     m.signed_.sig, &m.signed_.sig_len, &m.signed_.err);
	reply(p, &m);
}

static void *sign_thread(void *arg)
{
	struct keyproc *p = arg;

	for (;;) {
		struct job *j;

		pthread_mutex_lock(&p->lock);
		while (!(j = queue_take(&p->sign)))
			pthread_cond_wait(&p->sign.cond, &p->lock);
		pthread_mutex_unlock(&p->lock);
		sign_one(p, j, false);
		job_free(j);
	}
	return NULL;
}

/* ------------------------------------------------- the thread with the TPM */

/* Takes over a worker that the supervisor has started anew; waits for one if there is
 * none. */
static void take_worker(struct keyproc *p)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += NEW_WORKER_WAIT_S;
	pthread_mutex_lock(&p->lock);
	while (p->tpm.fd < 0 && p->new_tpm < 0)
		if (pthread_cond_timedwait(&p->admin.cond, &p->lock, &until) == ETIMEDOUT)
			break;
	if (p->new_tpm >= 0) {
		if (p->tpm.fd >= 0)
			close(p->tpm.fd);
		p->tpm.fd = TAKE_FD(p->new_tpm);
	}
	pthread_mutex_unlock(&p->lock);
}

static void tell_key(struct keyproc *p, size_t i)
{
	struct ms_ipc_msg m = {.op = MS_IPC_KEY};

	if (ms_keys_describe(p->keys, i, &m.key) == 0)
		reply(p, &m);
}

static void tell_inventory(struct keyproc *p)
{
	struct ms_ipc_msg m = {.op = MS_IPC_KEY};

	for (size_t i = 0; ms_keys_describe(p->keys, i, &m.key) == 0; i++)
		reply(p, &m);
	m.op = MS_IPC_LOADED;
	reply(p, &m);
}

static void finish(struct keyproc *p, uint64_t id, const char *key, int r,
		   const struct ms_error *err)
{
	struct ms_ipc_msg m = {
		.op = MS_IPC_DONE, .id = id, .done = {.rc = r, .err = *err}};
	size_t i;

	if (ms_keys_find(p->keys, key, &i) == 0)
		tell_key(p, i);
	reply(p, &m);
}

static void probe(struct keyproc *p, uint64_t id)
{
	struct ms_ipc_msg m = {.op = MS_IPC_TPM, .id = id};
	struct ms_tpm_info info;

	m.tpm.rc = after_tpm(p, ms_tpmw_info(&p->tpm, &info, &m.tpm.err));
	if (m.tpm.rc == 0) {
		snprintf(m.tpm.manufacturer, sizeof(m.tpm.manufacturer), "%s",
			 info.manufacturer);
		snprintf(m.tpm.firmware, sizeof(m.tpm.firmware), "%s", info.firmware);
	}
	reply(p, &m);
}

static void open_leaf(struct keyproc *p, const struct ms_ipc_msg *q)
{
	struct ms_ipc_msg m = {.op = MS_IPC_OPENED, .id = q->id};

	m.opened.rc =
		after_tpm(p, ms_keys_open_leaf(p->keys, &p->tpm, &q->open, m.opened.cert,
					       &m.opened.cert_len, &m.opened.err));
	reply(p, &m);
}

static void close_leaf(struct keyproc *p, const struct ms_ipc_msg *q)
{
	struct ms_ipc_msg m = {.op = MS_IPC_DONE, .id = q->id};

	m.done.rc = ms_keys_close_leaf(p->keys, q->close.build);
	if (m.done.rc < 0)
		ms_error_set(&m.done.err, m.done.rc, "no-leaf",
			     "build %s has no leaf key", q->close.build);
	reply(p, &m);
}

static void change(struct keyproc *p, const struct ms_ipc_msg *q)
{
	struct ms_ipc_msg m = {.op = MS_IPC_RESULT, .id = q->id};
	size_t i;

	m.result.rc =
		after_tpm(p, ms_keys_change(p->keys, &p->tpm, &q->change, m.result.data,
					    &m.result.len, &m.result.err));
	if (ms_keys_find(p->keys, q->change.key, &i) == 0)
		tell_key(p, i);
	reply(p, &m);
}

static void pcrs(struct keyproc *p, const struct ms_ipc_msg *q)
{
	struct ms_ipc_msg m = {.op = MS_IPC_RESULT, .id = q->id};

	m.result.rc =
		after_tpm(p, ms_tpmw_pcrs(&p->tpm, q->pcrs.mask, m.result.data,
					  &m.result.len, &m.result.err));
	reply(p, &m);
}

static void log_question(struct keyproc *p, const struct ms_ipc_msg *q)
{
	struct ms_ipc_msg m;

	(void)after_tpm(p, ms_log_key_answer(p->log_key, &p->tpm, q, &m));
	reply(p, &m);
}

static void admin_one(struct keyproc *p, const struct ms_ipc_msg *m)
{
	struct ms_error err = {0};
	int r;

	switch (m->op) {
	case MS_IPC_CREATE:
		r = ms_keys_create(p->keys, &p->tpm, &m->create, &err);
		finish(p, m->id, m->create.name, after_tpm(p, r), &err);
		break;
	case MS_IPC_IMPORT:
		r = ms_keys_import(p->keys, &p->tpm, &m->import, &err);
		finish(p, m->id, m->import.create.name, after_tpm(p, r), &err);
		break;
	case MS_IPC_PROVISION:
		r = ms_keys_take_provisioned(p->keys, &p->tpm, &m->provision, &err);
		finish(p, m->id, m->provision.create.name, after_tpm(p, r), &err);
		break;
	case MS_IPC_UNLOCK:
		r = ms_keys_unlock(p->keys, &p->tpm, m->unlock.key, m->unlock.pin, &err);
		finish(p, m->id, m->unlock.key, after_tpm(p, r), &err);
		break;
	case MS_IPC_CHANGE:
		change(p, m);
		break;
	case MS_IPC_RESEAL:
		r = ms_keys_reseal(p->keys, &p->tpm, &m->create, &err);
		finish(p, m->id, m->create.name, after_tpm(p, r), &err);
		break;
	case MS_IPC_PCRS:
		pcrs(p, m);
		break;
	case MS_IPC_OPEN:
		open_leaf(p, m);
		break;
	case MS_IPC_CLOSE:
		close_leaf(p, m);
		break;
	case MS_IPC_PROBE:
		probe(p, m->id);
		break;
	case MS_IPC_CHECKPOINT:
	case MS_IPC_COUNTER:
		log_question(p, m);
		break;
	default:
		break;
	}
}

/* Waits for work, at the latest until @until (NULL: for ever); NULL when there is none.
 */
static struct job *wait_for_admin_job(struct keyproc *p, const struct timespec *until,
				      bool *ret_announce)
{
	struct job *j;

	pthread_mutex_lock(&p->lock);
	while (!p->announce && !p->admin.head) {
		if (!until)
			pthread_cond_wait(&p->admin.cond, &p->lock);
		else if (pthread_cond_timedwait(&p->admin.cond, &p->lock, until) ==
			 ETIMEDOUT)
			break;
	}
	*ret_announce = p->announce;
	p->announce = false;
	j = queue_take(&p->admin);
	pthread_mutex_unlock(&p->lock);
	return j;
}

static bool passed(const struct timespec *t)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > t->tv_sec ||
	       (now.tv_sec == t->tv_sec && now.tv_nsec >= t->tv_nsec);
}

/* Unseals what waits for the TPM; true, and when, if another try is worth it. */
static bool unseal_pending(struct keyproc *p, struct timespec *ret_next)
{
	size_t again;

	take_worker(p);
	(void)after_tpm(p, ms_keys_unseal_pending(p->keys, &p->tpm, &again));
	tell_inventory(p);
	clock_gettime(CLOCK_MONOTONIC, ret_next);
	ret_next->tv_sec += RETRY_S;
	return again > 0;
}

static void tpm_job(struct keyproc *p, const struct job *j)
{
	take_worker(p);
	if (j->admin)
		admin_one(p, j->admin);
	else
		sign_one(p, j, true);
}

/* When to look after things that need nobody to ask: sealed keys, leaves that expire. */
static const struct timespec *next_wake(struct keyproc *p, bool pending,
					const struct timespec *retry,
					struct timespec *buf)
{
	int64_t s = ms_keys_expire_leaves(p->keys, time(NULL)), due;

	if (ms_keys_retire_due(p->keys, time(NULL), &due))
		tell_inventory(p);
	if (due >= 0 && (s < 0 || due < s))
		s = due;
	if (s < 0)
		return pending ? retry : NULL;
	clock_gettime(CLOCK_MONOTONIC, buf);
	buf->tv_sec += MS_MIN(s + 1, INT64_C(3600));
	return pending && retry->tv_sec < buf->tv_sec ? retry : buf;
}

static void *admin_thread(void *arg)
{
	struct keyproc *p = arg;
	struct timespec next;
	bool pending = unseal_pending(p, &next);

	for (;;) {
		bool announce;
		struct timespec wake;
		struct job *j = wait_for_admin_job(p, next_wake(p, pending, &next, &wake),
						   &announce);

		if (announce)
			tell_inventory(p);
		if (j)
			tpm_job(p, j);
		job_free(j);
		if (pending && passed(&next))
			pending = unseal_pending(p, &next);
	}
	return NULL;
}

/* --------------------------------------------------------------- receiving */

static void refuse(struct keyproc *p, const struct ms_ipc_msg *req)
{
	struct ms_ipc_msg m = {.op = req->op == MS_IPC_SIGN ? MS_IPC_SIGNED : MS_IPC_DONE,
			       .id = req->id};

	if (m.op == MS_IPC_SIGNED)
		m.signed_.rc = ms_error_set(&m.signed_.err, -EAGAIN, "busy",
					    "the agent is busy: try again");
	else
		m.done.rc = ms_error_set(&m.done.err, -EAGAIN, "busy",
					 "the agent is busy: try again");
	reply(p, &m);
}

static void on_request(struct keyproc *p, struct ms_ipc_msg *m)
{
	struct job *j = calloc(1, sizeof(*j));
	bool here = m->op == MS_IPC_SIGN && !ms_keys_in_tpm(p->keys, m->sign.key);
	bool queued = false;

	if (j && m->op == MS_IPC_SIGN) {
		j->id = m->id;
		memcpy(j->key, m->sign.key, sizeof(j->key));
		memcpy(j->build, m->sign.build, sizeof(j->build));
		j->hash = m->sign.hash;
		memcpy(j->digest, m->sign.digest, sizeof(j->digest));
	} else if (j) {
		j->admin = malloc(sizeof(*j->admin));
		if (j->admin)
			memcpy(j->admin, m, sizeof(*m));
	}
	if (j && (m->op == MS_IPC_SIGN || j->admin)) {
		pthread_mutex_lock(&p->lock);
		queued = queue_put(here ? &p->sign : &p->admin, j);
		pthread_mutex_unlock(&p->lock);
	}
	if (!queued) {
		job_free(j);
		refuse(p, m);
	}
}

static void set_front(struct keyproc *p, int fd)
{
	pthread_mutex_lock(&p->send_lock);
	if (p->front >= 0)
		close(p->front);
	p->front = fd;
	pthread_mutex_unlock(&p->send_lock);
	pthread_mutex_lock(&p->lock);
	p->announce = fd >= 0;
	pthread_cond_broadcast(&p->admin.cond);
	pthread_mutex_unlock(&p->lock);
}

static void set_worker(struct keyproc *p, int fd)
{
	pthread_mutex_lock(&p->lock);
	if (p->new_tpm >= 0)
		close(p->new_tpm);
	p->new_tpm = fd;
	pthread_cond_broadcast(&p->admin.cond);
	pthread_mutex_unlock(&p->lock);
}

static int on_control(struct keyproc *p)
{
	struct ms_ipc_msg m;
	int fd = -1, r;

	r = ms_ipc_recv(p->ctl, &m, &fd);
	if (r < 0)
		return r;
	if (fd >= 0 && m.op == MS_IPC_PEER_FRONT)
		set_front(p, fd);
	else if (fd >= 0 && m.op == MS_IPC_PEER_TPM)
		set_worker(p, fd);
	else if (fd >= 0)
		close(fd);
	return 0;
}

static void on_front(struct keyproc *p)
{
	struct ms_ipc_msg m;
	int r = ms_ipc_recv(p->front, &m, NULL);

	if (r == 0 && m.op >= MS_IPC_SIGN && m.op < MS_IPC_SIGNED) {
		on_request(p, &m);
	} else if (r != -EAGAIN && r != -EINTR) {
		/* The front is gone or talks nonsense; a new one will come. */
		set_front(p, -1);
	}
	if (r == 0 && m.op != MS_IPC_SIGN)
		ms_wipe(&m, sizeof(m));
}

static void receive(struct keyproc *p)
{
	for (;;) {
		struct pollfd f[2] = {{.fd = p->ctl, .events = POLLIN},
				      {.fd = p->front, .events = POLLIN}};

		if (poll(f, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			return;
		}
		if (f[0].revents && on_control(p) < 0)
			return;
		else if (!f[0].revents && f[1].revents)
			on_front(p);
	}
}

static int start_threads(struct keyproc *p)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned int n =
		p->config->threads ? p->config->threads : (unsigned int)MS_MAX(cpus, 1);
	pthread_attr_t attr;
	pthread_t t;
	int r;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, THREAD_STACK);
	r = -pthread_create(&t, &attr, admin_thread, p);
	for (unsigned int i = 0; r == 0 && i < MS_MIN(n, THREADS_MAX); i++)
		r = -pthread_create(&t, &attr, sign_thread, p);
	pthread_attr_destroy(&attr);
	return r;
}

int ms_keyproc_run(const struct ms_config *c, int ctl)
{
	static struct keyproc p;
	struct ms_error err = {0};
	bool locked;
	int r;

	p = (struct keyproc){.config = c,
			     .ctl = ctl,
			     .front = -1,
			     .new_tpm = -1,
			     .tpm = {.fd = -1,
				     .deadline_ms = c->tpm_deadline_ms,
				     .observe = ms_stats_tpm}};
	pthread_mutex_init(&p.lock, NULL);
	pthread_mutex_init(&p.send_lock, NULL);
	queue_init(&p.sign, &ms_stats()->queue_sign);
	queue_init(&p.admin, &ms_stats()->queue_tpm);
	r = ms_secmem_process(&locked);
	if (r < 0) {
		ms_log(LOG_ERR,
		       "no locked memory for keys: %s: raise LimitMEMLOCK (ulimit -l)",
		       ms_strerror(r));
		return MS_EXIT_FATAL;
	}
	snprintf(p.keys_dir, sizeof(p.keys_dir), "%s/keys", c->state);
	r = ms_keys_load(p.keys_dir, &p.keys, &err);
	if (r == 0)
		ms_keys_allow(p.keys, &c->backup_to, &c->provision_to);
	if (r == 0)
		r = ms_log_key_new(p.keys_dir, c->log_origin, c->nv_counter, &p.log_key);
	if (r == 0)
		r = ms_sandbox_apply(MS_ROLE_KEY, c, NULL, &err);
	if (r < 0) {
		ms_log(LOG_ERR, "%s", err.msg);
		return MS_EXIT_FATAL;
	}
	r = start_threads(&p);
	if (r < 0) {
		ms_log(LOG_ERR, "cannot start threads: %s", ms_strerror(r));
		return 1;
	}
	receive(&p);
	return 0;
}
