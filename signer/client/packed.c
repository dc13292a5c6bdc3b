/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include "lib/agent_client.h"
#include "lib/limits.h"
#include "lib/module_file.h"
#include "lib/trailer.h"
#include "signer/client/detached.h"
#include "signer/client/packed.h"

/* -------------------------------------------------------------------- encoders */

void ms_packers_init(struct ms_packers *p, unsigned int n)
{
	memset(p, 0, sizeof(*p));
	p->n = MS_MAX(1u, MS_MIN(n, MS_PACKERS_MAX));
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->idle, NULL);
}

void ms_packers_clear(struct ms_packers *p)
{
	for (size_t i = 0; i < p->n; i++)
		ms_deflater_clear(&p->d[i]);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->idle);
}

static size_t packer_take(struct ms_packers *p)
{
	size_t i = 0;

	pthread_mutex_lock(&p->lock);
	while (p->taken == p->n)
		pthread_cond_wait(&p->idle, &p->lock);
	while (p->busy[i])
		i++;
	p->busy[i] = true;
	p->taken++;
	pthread_mutex_unlock(&p->lock);
	return i;
}

static void packer_give_back(struct ms_packers *p, size_t i)
{
	pthread_mutex_lock(&p->lock);
	p->busy[i] = false;
	p->taken--;
	pthread_cond_signal(&p->idle);
	pthread_mutex_unlock(&p->lock);
}

/* --------------------------------------------------------------------- reading */

void ms_packed_close(struct ms_packed *m)
{
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
}

static void out_clear(struct ms_packed *m)
{
	free(m->out);
	m->out = NULL;
	m->cap = 0;
}

void ms_packed_trim(struct ms_packed *m, size_t max)
{
	if (m->f.cap > max)
		ms_file_clear(&m->f);
	if (m->cap > max)
		out_clear(m);
}

void ms_packed_clear(struct ms_packed *m)
{
	ms_packed_close(m);
	ms_file_clear(&m->f);
	out_clear(m);
}

static int unpack_failed(const struct ms_packed *m, int rc, struct ms_error *err)
{
	const char *name = ms_compression_name(m->kind);

	if (rc == -EBADMSG)
		return ms_error_set(err, rc, "damaged-compression",
				    "its %s data are damaged or cut off: build or "
				    "install the module again",
				    name);
	if (rc == -EFBIG)
		return ms_error_set(err, rc, "too-large",
				    "becomes more than %zu bytes when it is "
				    "decompressed, which no module does",
				    ms_inflate_limit(m->f.len));
	if (rc == -ENOPKG)
		return ms_error_set(err, rc, "unsupported-compression",
				    "is %s of a kind that modules are not compressed "
				    "with: decompress it, sign it, compress it again",
				    name);
	return ms_error_set(err, rc, NULL, "cannot be decompressed: %s", ms_strerror(rc));
}

/* Decoders keep the last one's memory for no one: a batch of modules has one each. */
static int unpack(struct ms_packed *m, struct ms_error *err)
{
	_cleanup_inflater_ struct ms_inflater inf = {.out = m->out, .cap = m->cap};
	size_t used = 0;
	int rc = ms_inflate(&inf, m->kind, m->f.data, m->f.len, &used);

	m->out = TAKE_PTR(inf.out);
	m->cap = inf.cap;
	if (rc < 0)
		return unpack_failed(m, rc, err);
	if (used != m->f.len)
		return ms_error_set(err, -EBADMSG, "trailing-bytes",
				    "has %zu bytes behind its compressed data, which "
				    "would be lost: build or install the module again",
				    m->f.len - used);
	m->data = m->out;
	m->len = inf.len;
	return 0;
}

int ms_packed_read(struct ms_packed *m, const char *path, struct ms_error *err)
{
	int r;

	ms_packed_close(m);
	r = ms_file_open(AT_FDCWD, path, &m->fd, err);
	if (r == 0)
		r = ms_file_read_fd(m->fd, MS_MODULE_MAX, 0, &m->f, err);
	if (r < 0)
		return r;
	m->data = m->f.data;
	m->len = m->f.len;
	m->kind = ms_compression_detect(m->f.data, m->f.len);
	if (m->kind != MS_PLAIN)
		r = unpack(m, err);
	if (r == 0)
		r = ms_module_payload(m->data, m->len, &m->payload_len, err);
	return r;
}

/* --------------------------------------------------------------------- writing */

/* What will be compressed has to lie together. */
static int join(struct ms_packed *m, const struct iovec *iov, int n, size_t *ret)
{
	size_t len = 0, at = m->payload_len;
	uint8_t *p;

	for (int i = 0; i < n; i++)
		len += iov[i].iov_len;
	if (len > m->cap) {
		p = realloc(m->out, len);
		if (!p)
			return -ENOMEM;
		m->data = m->out = p;
		m->cap = len;
	}
	for (int i = 1; i < n; i++) {
		memcpy(m->out + at, iov[i].iov_base, iov[i].iov_len);
		at += iov[i].iov_len;
	}
	*ret = len;
	return 0;
}

static int write_compressed(struct ms_packed *m, struct ms_packers *packers,
			    const char *path, const struct iovec *iov, int n,
			    const char *dest, bool sync, struct ms_error *err)
{
	size_t len, i;
	int r = join(m, iov, n, &len);

	if (r < 0)
		return ms_error_set(err, r, NULL, "%s", ms_strerror(r));
	i = packer_take(packers);
	packers->d[i].xz_sizes = m->kind == MS_XZ && ms_xz_has_sizes(m->f.data, m->f.len);
	r = ms_deflate(&packers->d[i], m->kind, m->out, len);
	if (r < 0) {
		r = ms_error_set(err, r, NULL, "cannot be compressed again: %s",
				 ms_strerror(r));
	} else {
		const struct iovec all = {packers->d[i].out, packers->d[i].len};

		r = ms_module_replace(path, m->fd, &m->f, &all, 1, dest, sync, err);
	}
	packer_give_back(packers, i);
	return r;
}

static int put(struct ms_packed *m, struct ms_packers *packers, const char *path,
	       const struct iovec *iov, int n, const char *dest, bool sync,
	       struct ms_error *err)
{
	if (m->kind != MS_PLAIN)
		return write_compressed(m, packers, path, iov, n, dest, sync, err);
	return ms_module_replace(path, m->fd, &m->f, iov, n, dest, sync, err);
}

int ms_packed_write_tail(struct ms_packed *m, struct ms_packers *packers,
			 const char *path, const uint8_t *tail, size_t len,
			 const char *dest, bool sync, struct ms_error *err)
{
	const struct iovec iov[] = {
		{(void *)(uintptr_t)m->data, m->payload_len},
		{(void *)(uintptr_t)tail, len},
	};

	return put(m, packers, path, iov, ARRAY_SIZE(iov), dest, sync, err);
}

int ms_packed_write(struct ms_packed *m, struct ms_packers *packers, const char *path,
		    const uint8_t *msg, size_t msg_len, const char *dest, bool sync,
		    struct ms_error *err)
{
	uint8_t trailer[MS_TRAILER_LEN];
	const struct iovec iov[] = {
		{(void *)(uintptr_t)m->data, m->payload_len},
		{(void *)(uintptr_t)msg, msg_len},
		{trailer, sizeof(trailer)},
	};
	int n = msg_len ? (int)ARRAY_SIZE(iov) : 1;

	ms_trailer_build((uint32_t)msg_len, trailer);
	return put(m, packers, path, iov, n, dest, sync, err);
}

int ms_packed_write_signed(struct ms_packed *m, struct ms_packers *packers,
			   const char *path, const struct ms_sign_options *opt,
			   const struct ms_buf *message, struct ms_error *err)
{
	struct ms_sign_options beside = *opt;
	char name[MS_PATH_MAX];
	int r = 0;

	if (opt->sig_dir) {
		r = ms_detached_path(path, opt->roots, opt->n_roots, opt->sig_dir, true,
				     name, sizeof(name), err);
		beside.detached = true;
		beside.dest = name;
	}
	if (r == 0 && (opt->detached || opt->keep_detached))
		r = ms_agent_write_detached(path, &beside, message, err);
	if (r == 0 && !opt->detached)
		r = ms_packed_write(m, packers, path, message->data, message->len,
				    opt->dest, opt->sync, err);
	return r;
}
