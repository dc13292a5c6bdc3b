// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The caller's side: send, wait with a deadline, read the answer.
 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include "lib/hash.h"
#include "lib/secmem.h"
#include "tpm/worker.h"
#include "tpm/worker_proto.h"

struct call {
	uint8_t msg[MS_TPMW_MSG_MAX];
	struct ms_tpmw_request q;
	struct ms_tpmw_answer a;
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Return: 0 ready, -ETIMEDOUT, or another negative errno. */
static int wait_for(int fd, short events, int64_t until)
{
	struct pollfd p = {.fd = fd, .events = events};

	for (;;) {
		int64_t left = until - now_ms();
		int r = poll(&p, 1, left > 0 ? (int)left : 0);

		if (r > 0)
			return 0;
		if (r == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

static int transmit(struct ms_tpmw *w, const struct ms_buf *b, int64_t until)
{
	for (;;) {
		int r;

		if (send(w->fd, b->data, b->len, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return 0;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -errno;
		r = wait_for(w->fd, POLLOUT, until);
		if (r < 0)
			return r;
	}
}

static int receive(struct ms_tpmw *w, struct call *c, int64_t until)
{
	for (;;) {
		ssize_t n;
		int r = wait_for(w->fd, POLLIN, until);

		if (r < 0)
			return r;
		n = recv(w->fd, c->msg, sizeof(c->msg), MSG_TRUNC | MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ECONNRESET;
		if ((size_t)n > sizeof(c->msg))
			return -EBADMSG;
		r = ms_tpmw_get_answer(c->msg, (size_t)n, &c->a);
		return r == 0 && c->a.op != c->q.op ? -EBADMSG : r;
	}
}

static int exchange(struct ms_tpmw *w, struct call *c)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_TPMW_MSG_MAX);
	int64_t until = now_ms() + w->deadline_ms;
	int r;

	r = ms_buf_reserve(&b, MS_TPMW_MSG_MAX);
	if (r == 0)
		r = ms_tpmw_put_request(&b, &c->q);
	if (r == 0)
		r = transmit(w, &b, until);
	if (r == 0)
		r = receive(w, c, until);
	return r;
}

/*
 * Whatever went wrong between the two, the answer may still come: only a new socket keeps
 * it apart from the answer to the next request.
 */
static int call_once(struct ms_tpmw *w, struct call *c, struct ms_error *err)
{
	int r;

	if (w->fd < 0)
		return ms_error_set(
			err, -ENODEV, "tpm-worker-gone",
			"the TPM process is not running: try again in a moment");
	r = exchange(w, c);
	if (r == -ENOMEM)
		return ms_error_set(err, r, "no-memory",
				    "out of memory: close other programs");
	if (r < 0) {
		close(w->fd);
		w->fd = -1;
	}
	if (r == -ETIMEDOUT)
		return ms_error_set(err, r, "tpm-timeout",
				    "the TPM did not answer within %u ms: try again, and "
				    "if it stays so, power the machine off and on",
				    w->deadline_ms);
	if (r < 0)
		return ms_error_set(
			err, -ENODEV, "tpm-worker-gone",
			"the TPM process ended in the middle of a request: try again");
	if (c->a.rc < 0 && err)
		*err = c->a.err;
	return c->a.rc;
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int call(struct ms_tpmw *w, struct call *c, struct ms_error *err)
{
	uint64_t began = now_us();
	int r = call_once(w, c, err);

	if (w->observe)
		w->observe(r, now_us() - began);
	return r;
}

static struct call *call_new(enum ms_tpmw_op op, struct ms_error *err)
{
	struct call *c = ms_secmem_alloc(sizeof(*c));

	if (c)
		c->q.op = (uint8_t)op;
	else
		ms_error_set(
			err, -ENOMEM, "no-memory",
			"out of locked memory: raise RLIMIT_MEMLOCK (LimitMEMLOCK=)");
	return c;
}

static void call_freep(struct call **c)
{
	if (*c)
		ms_secmem_free(*c, sizeof(**c));
}
#define _cleanup_call_ _cleanup_(call_freep)

static int set_pin(struct call *c, const char *pin, struct ms_error *err)
{
	size_t len = pin ? strlen(pin) : 0;

	if (!pin)
		return 0;
	if (len > MS_PIN_MAX)
		return ms_error_set(err, -EINVAL, "bad-pin",
				    "the PIN is longer than %u bytes: give a shorter one",
				    MS_PIN_MAX);
	memcpy(c->q.pin, pin, len);
	c->q.has_pin = true;
	return 0;
}

int ms_tpmw_info(struct ms_tpmw *w, struct ms_tpm_info *ret, struct ms_error *err)
{
	_cleanup_call_ struct call *c = call_new(MS_TPMW_INFO, err);
	int r;

	if (!c)
		return -ENOMEM;
	r = call(w, c, err);
	if (r == 0)
		*ret = c->a.info;
	return r;
}

int ms_tpmw_seal(struct ms_tpmw *w, const uint8_t secret[MS_TPM_SECRET_LEN],
		 uint32_t pcrs, const char *pin, struct ms_tpm_blob *ret,
		 struct ms_error *err)
{
	const struct ms_tpm_blob want = {.pcrs = pcrs};

	return ms_tpmw_seal_for(w, secret, &want, false, pin, ret, err);
}

int ms_tpmw_seal_for(struct ms_tpmw *w, const uint8_t secret[MS_TPM_SECRET_LEN],
		     const struct ms_tpm_blob *want, bool foretold, const char *pin,
		     struct ms_tpm_blob *ret, struct ms_error *err)
{
	_cleanup_call_ struct call *c = call_new(MS_TPMW_SEAL, err);
	int r;

	if (!c)
		return -ENOMEM;
	memcpy(c->q.secret, secret, MS_TPM_SECRET_LEN);
	c->q.blob = *want;
	c->q.foretold = foretold;
	r = set_pin(c, pin, err);
	if (r == 0)
		r = call(w, c, err);
	if (r == 0)
		*ret = c->a.blob;
	return r;
}

int ms_tpmw_unseal(struct ms_tpmw *w, const struct ms_tpm_blob *blob, const char *pin,
		   uint8_t ret[MS_TPM_SECRET_LEN], struct ms_error *err)
{
	_cleanup_call_ struct call *c = call_new(MS_TPMW_UNSEAL, err);
	int r;

	if (!c)
		return -ENOMEM;
	c->q.blob = *blob;
	r = set_pin(c, pin, err);
	if (r == 0)
		r = call(w, c, err);
	if (r == 0)
		memcpy(ret, c->a.secret, MS_TPM_SECRET_LEN);
	return r;
}

int ms_tpmw_counter(struct ms_tpmw *w, uint32_t index, bool increment, uint64_t *ret,
		    struct ms_error *err)
{
	_cleanup_call_ struct call *c = call_new(MS_TPMW_COUNTER, err);
	int r;

	if (!c)
		return -ENOMEM;
	c->q.index = index;
	c->q.increment = increment;
	r = call(w, c, err);
	if (r == 0)
		*ret = c->a.counter;
	return r;
}

int ms_tpmw_pcrs(struct ms_tpmw *w, uint32_t mask, uint8_t ret[MS_PCRS * 32],
		 size_t *ret_len, struct ms_error *err)
{
	_cleanup_call_ struct call *c = call_new(MS_TPMW_PCRS, err);
	int r;

	if (!c)
		return -ENOMEM;
	c->q.pcrs = mask;
	r = call(w, c, err);
	if (r < 0)
		return r;
	memcpy(ret, c->a.pcrs, c->a.pcrs_len);
	*ret_len = c->a.pcrs_len;
	return 0;
}

int ms_tpmw_create(struct ms_tpmw *w, enum ms_alg alg, uint32_t pcrs, const char *pin,
		   struct ms_tpm_blob *ret, struct ms_error *err)
{
	const struct ms_tpm_blob want = {.pcrs = pcrs};

	return ms_tpmw_create_for(w, alg, false, &want, pin, ret, err);
}

int ms_tpmw_create_for(struct ms_tpmw *w, enum ms_alg alg, bool raw,
		       const struct ms_tpm_blob *want, const char *pin,
		       struct ms_tpm_blob *ret, struct ms_error *err)
{
	_cleanup_call_ struct call *c = call_new(MS_TPMW_CREATE, err);
	int r;

	if (!c)
		return -ENOMEM;
	c->q.alg = (uint8_t)alg;
	c->q.raw = raw;
	c->q.blob = *want;
	r = set_pin(c, pin, err);
	if (r == 0)
		r = call(w, c, err);
	if (r == 0)
		*ret = c->a.blob;
	return r;
}

int ms_tpmw_sign(struct ms_tpmw *w, const struct ms_tpm_blob *blob, const char *pin,
		 enum ms_hash hash, const uint8_t *digest, uint8_t *ret, size_t *ret_len,
		 struct ms_error *err)
{
	_cleanup_call_ struct call *c = call_new(MS_TPMW_SIGN, err);
	int r;

	if (!c)
		return -ENOMEM;
	c->q.blob = *blob;
	c->q.hash = (uint8_t)hash;
	c->q.digest_len = ms_hash_size(hash);
	memcpy(c->q.digest, digest, c->q.digest_len);
	r = set_pin(c, pin, err);
	if (r == 0)
		r = call(w, c, err);
	if (r < 0)
		return r;
	memcpy(ret, c->a.sig, c->a.sig_len);
	*ret_len = c->a.sig_len;
	return 0;
}

/* An operation with a blob and data, in one of four ways. */
static int call_with_data(struct ms_tpmw *w, struct call *c,
			  const struct ms_tpm_blob *blob, const char *pin,
			  const uint8_t *data, size_t len, struct ms_error *err)
{
	int r;

	if (len > sizeof(c->q.data))
		return ms_error_set(err, -EFBIG, "too-large",
				    "what the TPM is given is too large");
	if (blob)
		c->q.blob = *blob;
	if (len)
		memcpy(c->q.data, data, len);
	c->q.data_len = len;
	r = set_pin(c, pin, err);
	return r == 0 ? call(w, c, err) : r;
}

static int ask_evidence(struct ms_tpmw *w, enum ms_tpmw_op op,
			const struct ms_tpm_blob *blob, const char *pin,
			const uint8_t *data, size_t len, uint8_t *ret, size_t *ret_len,
			struct ms_error *err)
{
	_cleanup_call_ struct call *c = call_new(op, err);
	int r = c ? call_with_data(w, c, blob, pin, data, len, err) : -ENOMEM;

	if (r == 0) {
		memcpy(ret, c->a.data, c->a.data_len);
		*ret_len = c->a.data_len;
	}
	return r;
}

static int ask_secret(struct ms_tpmw *w, enum ms_tpmw_op op,
		      const struct ms_tpm_blob *blob, const uint8_t *data, size_t len,
		      uint8_t ret[MS_TPM_SECRET_LEN], struct ms_error *err)
{
	_cleanup_call_ struct call *c = call_new(op, err);
	int r = c ? call_with_data(w, c, blob, NULL, data, len, err) : -ENOMEM;

	if (r == 0)
		memcpy(ret, c->a.secret, MS_TPM_SECRET_LEN);
	return r;
}

int ms_tpmw_attest(struct ms_tpmw *w, const struct ms_tpm_blob *blob, const char *pin,
		   const uint8_t extra[32], uint8_t *ret, size_t *ret_len,
		   struct ms_error *err)
{
	return ask_evidence(w, MS_TPMW_ATTEST, blob, pin, extra, 32, ret, ret_len, err);
}

int ms_tpmw_identity(struct ms_tpmw *w, uint8_t *ret, size_t *ret_len,
		     struct ms_error *err)
{
	return ask_evidence(w, MS_TPMW_IDENTITY, NULL, NULL, NULL, 0, ret, ret_len, err);
}

int ms_tpmw_activate(struct ms_tpmw *w, const uint8_t *data, size_t len,
		     uint8_t ret[MS_TPM_SECRET_LEN], struct ms_error *err)
{
	return ask_secret(w, MS_TPMW_ACTIVATE, NULL, data, len, ret, err);
}

int ms_tpmw_import(struct ms_tpmw *w, const struct ms_tpm_blob *blob, const uint8_t *seed,
		   size_t seed_len, uint8_t ret[MS_TPM_SECRET_LEN], struct ms_error *err)
{
	return ask_secret(w, MS_TPMW_IMPORT, blob, seed, seed_len, ret, err);
}
