// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The worker's side: one request after the other, no state but the open TPM.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include "lib/hash.h"
#include "lib/secmem.h"
#include "tpm/internal.h"
#include "tpm/sign.h"
#include "tpm/worker.h"
#include "tpm/worker_proto.h"

/* An idle worker lets go of the TPM, which others may want who have no resource manager.
 */
#define IDLE_MS 500

struct worker {
	int fd;
	const char *tcti;
	struct ms_tpm *tpm;
	/* everything below is in locked memory */
	struct secrets {
		uint8_t msg[MS_TPMW_MSG_MAX];
		struct ms_tpmw_request q;
		struct ms_tpmw_answer a;
	} * s;
};

/*
 * A connection that broke while it was idle is opened again before anything is asked of
 * it, so that no authorisation is ever sent twice.
 */
static int have_tpm(struct worker *w, struct ms_error *err)
{
	if (w->tpm && ms_tpm_ping(w->tpm, NULL) < 0) {
		ms_tpm_close(w->tpm);
		w->tpm = NULL;
	}
	return w->tpm ? 0 : ms_tpm_open(w->tcti, &w->tpm, err);
}

static int sign(struct worker *w, const char *pin)
{
	struct ms_tpmw_request *q = &w->s->q;
	struct ms_tpmw_answer *a = &w->s->a;

	if (q->digest_len == 0 || q->digest_len != ms_hash_size(q->hash))
		return ms_error_set(&a->err, -EINVAL, "bad-digest",
				    "cannot sign: the digest has not the size of its "
				    "hash: give a whole digest");
	return ms_tpm_sign(w->tpm, &q->blob, pin, q->hash, q->digest, a->sig, &a->sig_len,
			   &a->err);
}

static int tell(struct worker *w, const char *pin)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(MS_TPM_EVIDENCE_MAX);
	struct ms_tpmw_request *q = &w->s->q;
	struct ms_tpmw_answer *a = &w->s->a;
	int r;

	if (q->op == MS_TPMW_IDENTITY)
		r = ms_tpm_identity(w->tpm, &out, &a->err);
	else if (q->data_len != 32)
		r = ms_error_set(&a->err, -EINVAL, "bad-request",
				 "an attestation is about 32 bytes");
	else
		r = ms_tpm_attest(w->tpm, &q->blob, pin, q->data, &out, &a->err);
	if (r < 0)
		return r;
	memcpy(a->data, out.data, out.len);
	a->data_len = out.len;
	return 0;
}

static int activate(struct worker *w)
{
	struct ms_tpmw_request *q = &w->s->q;
	struct ms_tpmw_answer *a = &w->s->a;
	struct ms_tpm_evidence e;
	int r = ms_tpm_evidence_parse(q->data, q->data_len, &e);

	if (r < 0)
		return ms_error_set(&a->err, r, "bad-request",
				    "the enrolment CA's answer is damaged");
	return ms_tpm_activate(w->tpm, e.f[MS_EV_CREDENTIAL].p, e.f[MS_EV_CREDENTIAL].len,
			       e.f[MS_EV_SECRET].p, e.f[MS_EV_SECRET].len, a->secret,
			       &a->err);
}

static int serve(struct worker *w)
{
	struct ms_tpmw_request *q = &w->s->q;
	struct ms_tpmw_answer *a = &w->s->a;
	const char *pin = q->has_pin ? q->pin : NULL;
	int r;

	r = have_tpm(w, &a->err);
	if (r < 0)
		return r;
	/* What needs slots finds them free. */
	if (q->op != MS_TPMW_SIGN && q->op != MS_TPMW_INFO && q->op != MS_TPMW_PCRS)
		ms_tpm_let_go(w->tpm);
	switch ((enum ms_tpmw_op)q->op) {
	case MS_TPMW_INFO:
		r = ms_tpm_info(w->tpm, &a->info, &a->err);
		break;
	case MS_TPMW_SEAL:
		r = ms_tpm_seal_for(w->tpm, q->secret, &q->blob, q->foretold, pin,
				    &a->blob, &a->err);
		break;
	case MS_TPMW_UNSEAL:
		r = ms_tpm_unseal(w->tpm, &q->blob, pin, a->secret, &a->err);
		break;
	case MS_TPMW_COUNTER:
		r = ms_tpm_counter(w->tpm, q->index, q->increment, &a->counter, &a->err);
		break;
	case MS_TPMW_CREATE:
		r = ms_tpm_key_create_for(w->tpm, q->alg, q->raw, &q->blob, pin, &a->blob,
					  &a->err);
		break;
	case MS_TPMW_SIGN:
		r = sign(w, pin);
		break;
	case MS_TPMW_PCRS:
		r = ms_tpm_pcrs(w->tpm, q->pcrs, a->pcrs, &a->pcrs_len, &a->err);
		break;
	case MS_TPMW_ATTEST:
	case MS_TPMW_IDENTITY:
		r = tell(w, pin);
		break;
	case MS_TPMW_ACTIVATE:
		r = activate(w);
		break;
	case MS_TPMW_IMPORT:
		r = ms_tpm_import_secret(w->tpm, &q->blob, q->data, q->data_len,
					 a->secret, &a->err);
		break;
	}
	if (r == -ENODEV) {
		ms_tpm_close(w->tpm);
		w->tpm = NULL;
	}
	return r;
}

static int answer(struct worker *w, size_t len)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_TPMW_MSG_MAX);
	struct secrets *s = w->s;
	ssize_t n;
	int r;

	r = ms_tpmw_get_request(s->msg, len, &s->q);
	if (r < 0)
		return r;
	ms_wipe(s->msg, len);
	s->a.op = s->q.op;
	s->a.rc = serve(w);
	ms_wipe(&s->q, sizeof(s->q));
	/* All the room at once: a buffer that grows leaves copies behind. */
	r = ms_buf_reserve(&b, MS_TPMW_MSG_MAX);
	if (r == 0)
		r = ms_tpmw_put_answer(&b, &s->a);
	ms_wipe(&s->a, sizeof(s->a));
	if (r < 0)
		return r;
	do
		n = send(w->fd, b.data, b.len, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* Return: 1 there is a message, 0 end of file, or a negative errno. */
static int receive(struct worker *w, size_t *ret_len)
{
	struct pollfd p = {.fd = w->fd, .events = POLLIN};
	ssize_t n;
	int r;

	for (;;) {
		r = poll(&p, 1, w->tpm ? IDLE_MS : -1);
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r == 0) {
			ms_tpm_close(w->tpm);
			w->tpm = NULL;
		}
		if (r <= 0)
			continue;
		n = recv(w->fd, w->s->msg, sizeof(w->s->msg), MSG_TRUNC | MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			return errno == ECONNRESET ? 0 : -errno;
		if ((size_t)n > sizeof(w->s->msg))
			return -EMSGSIZE;
		*ret_len = (size_t)n;
		return n > 0;
	}
}

int ms_tpm_worker_run(int fd, const char *tcti)
{
	struct worker w = {.fd = fd, .tcti = tcti};
	size_t len = 0;
	int r;

	/* The TSS writes to a TPM's socket that may be dead, in its own way. */
	signal(SIGPIPE, SIG_IGN);
	r = ms_secmem_process(NULL);
	if (r == 0) {
		w.s = ms_secmem_alloc(sizeof(*w.s));
		r = w.s ? 0 : -ENOMEM;
	}
	if (r < 0) {
		close(fd);
		return r;
	}
	while ((r = receive(&w, &len)) > 0) {
		r = answer(&w, len);
		ms_wipe(w.s, sizeof(*w.s));
		if (r < 0)
			break;
	}
	ms_tpm_close(w.tpm);
	ms_secmem_free(w.s, sizeof(*w.s));
	close(fd);
	return r == -EPIPE || r == -ECONNRESET ? 0 : r;
}
