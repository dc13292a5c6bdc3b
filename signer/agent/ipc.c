/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/ipc.h"

#include <errno.h>
#include <sys/socket.h>

#include "lib/secmem.h"

static const char *const custody_names[] = {[MS_CUSTODY_SEALED] = "sealed",
					    [MS_CUSTODY_RESIDENT] = "resident",
					    [MS_CUSTODY_LEAF] = "leaf"};

const char *ms_custody_name(enum ms_custody c)
{
	return (size_t)c < ARRAY_SIZE(custody_names) && custody_names[c]
		       ? custody_names[c]
		       : "unknown";
}

int ms_custody_from_name(const char *name, enum ms_custody *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(custody_names); i++)
		if (custody_names[i] && strcmp(custody_names[i], name) == 0) {
			*ret = (enum ms_custody)i;
			return 0;
		}
	return -EINVAL;
}

const char *ms_key_state_name(enum ms_key_state s)
{
	switch (s) {
	case MS_KEY_LOCKED:
		return "locked";
	case MS_KEY_ACTIVE:
		return "active";
	case MS_KEY_RETIRED:
		return "retired";
	case MS_KEY_PENDING:
		return "pending";
	case MS_KEY_REVOKED:
		return "revoked";
	case MS_KEY_BROKEN:
		break;
	}
	return "broken";
}

static void put_error(struct ms_buf *b, int rc, const struct ms_error *err)
{
	ms_buf_put_u32(b, (uint32_t)-rc);
	ms_buf_put_str(b, rc ? err->code : "");
	ms_buf_put_str(b, rc ? err->msg : "");
}

static int get_error(struct ms_reader *r, struct ms_error *err)
{
	uint32_t v = ms_reader_u32(r);

	ms_reader_str(r, err->code, sizeof(err->code));
	ms_reader_str(r, err->msg, sizeof(err->msg));
	if (v > 4095)
		r->err = -EBADMSG;
	return r->err ? r->err : -(int)v;
}

static void put_key(struct ms_buf *b, const struct ms_ipc_key *k)
{
	ms_buf_put_str(b, k->name);
	ms_buf_put_u8(b, (uint8_t)k->alg);
	ms_buf_put_u8(b, (uint8_t)k->custody);
	ms_buf_put_u8(b, (uint8_t)k->state);
	ms_buf_put_str(b, k->reason);
	ms_buf_put_str(b, k->protection);
	ms_buf_put_u64(b, (uint64_t)k->created);
	ms_buf_put_u64(b, (uint64_t)k->until);
	ms_buf_put_str(b, k->successor);
	ms_buf_put_u32(b, k->pcrs);
	ms_buf_put_u8(b, k->has_pin);
	ms_buf_put_u8(b, k->has_policy_key);
	ms_buf_put_bytes(b, k->cert, k->cert_len);
}

static void get_key(struct ms_reader *r, struct ms_ipc_key *k)
{
	const uint8_t *cert;

	ms_reader_str(r, k->name, sizeof(k->name));
	k->alg = ms_reader_u8(r);
	k->custody = ms_reader_u8(r);
	k->state = ms_reader_u8(r);
	ms_reader_str(r, k->reason, sizeof(k->reason));
	ms_reader_str(r, k->protection, sizeof(k->protection));
	k->created = (int64_t)ms_reader_u64(r);
	k->until = (int64_t)ms_reader_u64(r);
	ms_reader_str(r, k->successor, sizeof(k->successor));
	k->pcrs = ms_reader_u32(r);
	k->has_pin = ms_reader_u8(r) == 1;
	k->has_policy_key = ms_reader_u8(r) == 1;
	cert = ms_reader_bytes(r, sizeof(k->cert), &k->cert_len);
	if (cert)
		memcpy(k->cert, cert, k->cert_len);
}

static void put_create(struct ms_buf *b, const struct ms_ipc_create *c)
{
	ms_buf_put_str(b, c->name);
	ms_buf_put_u8(b, (uint8_t)c->alg);
	ms_buf_put_u8(b, (uint8_t)c->custody);
	ms_buf_put_str(b, c->common_name);
	ms_buf_put_u32(b, c->days);
	ms_buf_put_u32(b, c->pcrs);
	ms_buf_put_u8(b, c->pending);
	ms_buf_put_u8(b, c->module_only);
	ms_buf_put_str(b, c->pin);
	ms_buf_put_u8(b, c->raw);
	ms_buf_put_u8(b, c->foretold);
	ms_buf_put(b, c->pcr_digest, sizeof(c->pcr_digest));
	ms_buf_put_bytes(b, c->approval, c->approval_len);
}

static size_t get_bytes(struct ms_reader *r, uint8_t *dst, size_t max)
{
	size_t n = 0;
	const uint8_t *p = ms_reader_bytes(r, max, &n);

	if (!p)
		return 0;
	memcpy(dst, p, n);
	return n;
}

static void get_create(struct ms_reader *r, struct ms_ipc_create *c)
{
	const uint8_t *digest;

	ms_reader_str(r, c->name, sizeof(c->name));
	c->alg = ms_reader_u8(r);
	c->custody = ms_reader_u8(r);
	ms_reader_str(r, c->common_name, sizeof(c->common_name));
	c->days = ms_reader_u32(r);
	c->pcrs = ms_reader_u32(r);
	c->pending = ms_reader_u8(r) == 1;
	c->module_only = ms_reader_u8(r) == 1;
	ms_reader_str(r, c->pin, sizeof(c->pin));
	c->raw = ms_reader_u8(r) == 1;
	c->foretold = ms_reader_u8(r) == 1;
	digest = ms_reader_get(r, sizeof(c->pcr_digest));
	if (digest)
		memcpy(c->pcr_digest, digest, sizeof(c->pcr_digest));
	c->approval_len = get_bytes(r, c->approval, sizeof(c->approval));
}

static void put_open(struct ms_buf *b, const struct ms_ipc_open *o)
{
	ms_buf_put_str(b, o->key);
	ms_buf_put_str(b, o->build);
	ms_buf_put_str(b, o->common_name);
	ms_buf_put_u8(b, (uint8_t)o->alg);
	ms_buf_put_u64(b, (uint64_t)o->not_after);
	ms_buf_put_u32(b, o->max);
}

static void get_open(struct ms_reader *r, struct ms_ipc_open *o)
{
	ms_reader_str(r, o->key, sizeof(o->key));
	ms_reader_str(r, o->build, sizeof(o->build));
	ms_reader_str(r, o->common_name, sizeof(o->common_name));
	o->alg = ms_reader_u8(r);
	o->not_after = (int64_t)ms_reader_u64(r);
	o->max = ms_reader_u32(r);
}

static void put_note(struct ms_buf *b, const struct ms_ipc_note *n)
{
	put_error(b, n->rc, &n->err);
	ms_buf_put_u64(b, n->counter);
	ms_buf_put_u8(b, n->fresh);
	ms_buf_put_str(b, n->vkey);
	ms_buf_put_str(b, n->note);
}

static void get_note(struct ms_reader *r, struct ms_ipc_note *n)
{
	n->rc = get_error(r, &n->err);
	n->counter = ms_reader_u64(r);
	n->fresh = ms_reader_u8(r) == 1;
	ms_reader_str(r, n->vkey, sizeof(n->vkey));
	ms_reader_str(r, n->note, sizeof(n->note));
}

static void put_import(struct ms_buf *b, const struct ms_ipc_import *i)
{
	put_create(b, &i->create);
	ms_buf_put_u8(b, i->tss2);
	ms_buf_put_bytes(b, i->pkcs8, i->pkcs8_len);
	ms_buf_put_bytes(b, i->cert, i->cert_len);
}

static void get_import(struct ms_reader *r, struct ms_ipc_import *i)
{
	get_create(r, &i->create);
	i->tss2 = ms_reader_u8(r) == 1;
	i->pkcs8_len = get_bytes(r, i->pkcs8, sizeof(i->pkcs8));
	i->cert_len = get_bytes(r, i->cert, sizeof(i->cert));
}

static void put_change(struct ms_buf *b, const struct ms_ipc_change *c)
{
	ms_buf_put_str(b, c->key);
	ms_buf_put_u8(b, (uint8_t)c->what);
	ms_buf_put_str(b, c->reason);
	ms_buf_put_u64(b, (uint64_t)c->from);
	ms_buf_put_bytes(b, c->data, c->data_len);
}

static void get_change(struct ms_reader *r, struct ms_ipc_change *c)
{
	ms_reader_str(r, c->key, sizeof(c->key));
	c->what = ms_reader_u8(r);
	ms_reader_str(r, c->reason, sizeof(c->reason));
	c->from = (int64_t)ms_reader_u64(r);
	c->data_len = get_bytes(r, c->data, sizeof(c->data));
}

int ms_ipc_encode(const struct ms_ipc_msg *m, struct ms_buf *out)
{
	ms_buf_put_u8(out, (uint8_t)m->op);
	ms_buf_put_u64(out, m->id);
	switch (m->op) {
	case MS_IPC_SIGN:
		ms_buf_put_str(out, m->sign.key);
		ms_buf_put_str(out, m->sign.build);
		ms_buf_put_u8(out, (uint8_t)m->sign.hash);
		ms_buf_put_bytes(out, m->sign.digest, ms_hash_size(m->sign.hash));
		break;
	case MS_IPC_SIGNED:
		put_error(out, m->signed_.rc, &m->signed_.err);
		ms_buf_put_bytes(out, m->signed_.sig,
				 m->signed_.rc ? 0 : m->signed_.sig_len);
		break;
	case MS_IPC_CREATE:
	case MS_IPC_RESEAL:
		put_create(out, &m->create);
		break;
	case MS_IPC_UNLOCK:
		ms_buf_put_str(out, m->unlock.key);
		ms_buf_put_str(out, m->unlock.pin);
		break;
	case MS_IPC_DONE:
	case MS_IPC_RELOADED:
		put_error(out, m->done.rc, &m->done.err);
		break;
	case MS_IPC_TPM:
		put_error(out, m->tpm.rc, &m->tpm.err);
		ms_buf_put_str(out, m->tpm.manufacturer);
		ms_buf_put_str(out, m->tpm.firmware);
		break;
	case MS_IPC_KEY:
		put_key(out, &m->key);
		break;
	case MS_IPC_OPEN:
		put_open(out, &m->open);
		break;
	case MS_IPC_CLOSE:
		ms_buf_put_str(out, m->close.build);
		break;
	case MS_IPC_OPENED:
		put_error(out, m->opened.rc, &m->opened.err);
		ms_buf_put_bytes(out, m->opened.cert,
				 m->opened.rc ? 0 : m->opened.cert_len);
		break;
	case MS_IPC_CHECKPOINT:
		ms_buf_put_u64(out, m->checkpoint.size);
		ms_buf_put(out, m->checkpoint.root, sizeof(m->checkpoint.root));
		break;
	case MS_IPC_NOTE:
		put_note(out, &m->note);
		break;
	case MS_IPC_IMPORT:
		put_import(out, &m->import);
		break;
	case MS_IPC_PCRS:
		ms_buf_put_u32(out, m->pcrs.mask);
		break;
	case MS_IPC_PROVISION:
		put_create(out, &m->provision.create);
		ms_buf_put_bytes(out, m->provision.file, m->provision.file_len);
		break;
	case MS_IPC_CHANGE:
		put_change(out, &m->change);
		break;
	case MS_IPC_ALERT:
		ms_buf_put_u8(out, m->alert.kind);
		ms_buf_put_str(out, m->alert.text);
		break;
	case MS_IPC_RESULT:
		put_error(out, m->result.rc, &m->result.err);
		ms_buf_put_bytes(out, m->result.data, m->result.rc ? 0 : m->result.len);
		break;
	case MS_IPC_COUNTER:
	case MS_IPC_PROBE:
	case MS_IPC_LOADED:
	case MS_IPC_PEER_TPM:
	case MS_IPC_PEER_KEY:
	case MS_IPC_PEER_FRONT:
	case MS_IPC_REPLACE_TPM:
	case MS_IPC_READY:
	case MS_IPC_RELOAD:
		break;
	default:
		return -EINVAL;
	}
	return ms_buf_error(out);
}

static void decode_body(struct ms_reader *r, struct ms_ipc_msg *m)
{
	const uint8_t *p;
	size_t n;

	switch (m->op) {
	case MS_IPC_SIGN:
		ms_reader_str(r, m->sign.key, sizeof(m->sign.key));
		ms_reader_str(r, m->sign.build, sizeof(m->sign.build));
		m->sign.hash = ms_reader_u8(r);
		p = ms_reader_bytes(r, MS_DIGEST_MAX, &n);
		/* The key process signs nothing but a whole digest of a hash that may
		 * sign. */
		if (!p || !ms_hash_may_sign(m->sign.hash) ||
		    n != ms_hash_size(m->sign.hash))
			r->err = -EBADMSG;
		else
			memcpy(m->sign.digest, p, n);
		break;
	case MS_IPC_SIGNED:
		m->signed_.rc = get_error(r, &m->signed_.err);
		p = ms_reader_bytes(r, MS_SIG_MAX, &m->signed_.sig_len);
		if (p)
			memcpy(m->signed_.sig, p, m->signed_.sig_len);
		break;
	case MS_IPC_CREATE:
	case MS_IPC_RESEAL:
		get_create(r, &m->create);
		break;
	case MS_IPC_UNLOCK:
		ms_reader_str(r, m->unlock.key, sizeof(m->unlock.key));
		ms_reader_str(r, m->unlock.pin, sizeof(m->unlock.pin));
		break;
	case MS_IPC_DONE:
	case MS_IPC_RELOADED:
		m->done.rc = get_error(r, &m->done.err);
		break;
	case MS_IPC_TPM:
		m->tpm.rc = get_error(r, &m->tpm.err);
		ms_reader_str(r, m->tpm.manufacturer, sizeof(m->tpm.manufacturer));
		ms_reader_str(r, m->tpm.firmware, sizeof(m->tpm.firmware));
		break;
	case MS_IPC_KEY:
		get_key(r, &m->key);
		break;
	case MS_IPC_OPEN:
		get_open(r, &m->open);
		break;
	case MS_IPC_CLOSE:
		ms_reader_str(r, m->close.build, sizeof(m->close.build));
		break;
	case MS_IPC_OPENED:
		m->opened.rc = get_error(r, &m->opened.err);
		p = ms_reader_bytes(r, sizeof(m->opened.cert), &m->opened.cert_len);
		if (p)
			memcpy(m->opened.cert, p, m->opened.cert_len);
		break;
	case MS_IPC_CHECKPOINT:
		m->checkpoint.size = ms_reader_u64(r);
		p = ms_reader_get(r, sizeof(m->checkpoint.root));
		if (p)
			memcpy(m->checkpoint.root, p, sizeof(m->checkpoint.root));
		break;
	case MS_IPC_NOTE:
		get_note(r, &m->note);
		break;
	case MS_IPC_IMPORT:
		get_import(r, &m->import);
		break;
	case MS_IPC_PCRS:
		m->pcrs.mask = ms_reader_u32(r);
		break;
	case MS_IPC_PROVISION:
		get_create(r, &m->provision.create);
		m->provision.file_len =
			get_bytes(r, m->provision.file, sizeof(m->provision.file));
		break;
	case MS_IPC_CHANGE:
		get_change(r, &m->change);
		break;
	case MS_IPC_ALERT:
		m->alert.kind = ms_reader_u8(r);
		ms_reader_str(r, m->alert.text, sizeof(m->alert.text));
		break;
	case MS_IPC_RESULT:
		m->result.rc = get_error(r, &m->result.err);
		m->result.len = get_bytes(r, m->result.data, sizeof(m->result.data));
		break;
	case MS_IPC_COUNTER:
	case MS_IPC_PROBE:
	case MS_IPC_LOADED:
	case MS_IPC_PEER_TPM:
	case MS_IPC_PEER_KEY:
	case MS_IPC_PEER_FRONT:
	case MS_IPC_REPLACE_TPM:
	case MS_IPC_READY:
	case MS_IPC_RELOAD:
		break;
	default:
		r->err = -EBADMSG;
	}
}

int ms_ipc_decode(const uint8_t *p, size_t len, struct ms_ipc_msg *ret)
{
	struct ms_reader r = MS_READER(p, len);

	ret->op = ms_reader_u8(&r);
	ret->id = ms_reader_u64(&r);
	decode_body(&r, ret);
	if (ms_reader_end(&r) < 0) {
		ms_wipe(ret, sizeof(*ret));
		return -EBADMSG;
	}
	return 0;
}

int ms_ipc_send_bytes(int fd, const struct ms_buf *b, int pass_fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {.iov_base = b->data, .iov_len = b->len};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	if (pass_fd >= 0) {
		memset(&control, 0, sizeof(control));
		mh.msg_control = control.buf;
		mh.msg_controllen = sizeof(control.buf);
		CMSG_FIRSTHDR(&mh)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&mh)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&mh)->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&mh)), &pass_fd, sizeof(int));
	}
	do
		n = sendmsg(fd, &mh, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int ms_ipc_send(int fd, const struct ms_ipc_msg *m, int pass_fd)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_IPC_MAX);
	int r = ms_ipc_encode(m, &b);

	return r < 0 ? r : ms_ipc_send_bytes(fd, &b, pass_fd);
}

/* Takes every descriptor that came, keeps the first, closes the rest. */
static int take_fd(struct msghdr *mh)
{
	int kept = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (kept < 0)
				kept = fd;
			else
				close(fd);
		}
	}
	return kept;
}

int ms_ipc_recv(int fd, struct ms_ipc_msg *ret, int *ret_fd)
{
	uint8_t bytes[MS_IPC_MAX];
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {.iov_base = bytes, .iov_len = sizeof(bytes)};
	struct msghdr mh = {.msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.buf,
			    .msg_controllen = sizeof(control.buf)};
	ssize_t n;
	int passed, r;

	do
		n = recvmsg(fd, &mh, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	passed = take_fd(&mh);
	if (n == 0)
		r = -EPIPE;
	else if (mh.msg_flags & MSG_TRUNC)
		r = -EBADMSG;
	else
		r = ms_ipc_decode(bytes, (size_t)n, ret);
	if (n > 0)
		ms_wipe(bytes, (size_t)n);
	if (r == 0 && ret_fd)
		*ret_fd = passed;
	else if (passed >= 0)
		close(passed);
	return r;
}

int ms_ipc_pair(int ret[2])
{
	int size = 1 << 20;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret) < 0)
		return -errno;
	for (int i = 0; i < 2; i++)
		(void)setsockopt(ret[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return 0;
}
