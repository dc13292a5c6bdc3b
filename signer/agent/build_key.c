/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the key process hears of builds: the leaf keys of those under an issuing key. */
#include <errno.h>
#include <time.h>

#include "signer/agent/build.h"
#include "signer/agent/front.h"

/* RSA with SHA-256 is what every kernel since 5.10 checks. */
#define LEAF_ALG MS_ALG_RSA2048

/** struct opening - a leaf key that has been asked for */
struct opening {
	struct ms_build *b;
	ms_build_ready_fn *done;
	void *arg;
};

static bool has_leaf(struct ms_front *f, const struct ms_build *b)
{
	const struct ms_front_key *key = ms_key_link_find(f->keys, b->key);

	return key && key->info.custody == MS_CUSTODY_LEAF;
}

static int take_certificate(struct ms_build *b, const struct ms_ipc_msg *m,
			    struct ms_error *err)
{
	if (m->op != MS_IPC_OPENED)
		return ms_error_set(err, -EIO, NULL,
				    "the key process gave a wrong answer");
	if (m->opened.rc < 0) {
		*err = m->opened.err;
		return m->opened.rc;
	}
	if (ms_cert_parse(m->opened.cert, m->opened.cert_len, &b->leaf) < 0)
		return ms_error_set(err, -EIO, NULL,
				    "the leaf key's certificate cannot be read");
	return 0;
}

static void on_opened(void *arg, const struct ms_ipc_msg *m, const struct ms_error *err)
{
	struct opening *o = arg;
	struct ms_error e = {0};
	int r = -EAGAIN;

	if (m)
		r = take_certificate(o->b, m, &e);
	else
		e = *err;
	o->done(o->arg, r, &e);
	free(o);
}

static int ask_for_leaf(struct ms_front *f, struct ms_build *b, struct opening *o,
			struct ms_error *err)
{
	struct ms_ipc_msg m = {.op = MS_IPC_OPEN,
			       .open = {.alg = LEAF_ALG,
					.not_after = b->life.expires + MS_BUILD_GRACE_S,
					/* one more, for the manifest */
					.max = (uint32_t)MS_MIN(b->max + 1, UINT32_MAX)}};
	const struct ms_front_key *key = ms_key_link_find(f->keys, b->key);
	int r = key && key->cert ? ms_denied_cert(f->denied, key->cert, time(NULL), err)
				 : 0;

	if (r < 0)
		return r;
	memcpy(m.open.key, b->key, sizeof(m.open.key));
	memcpy(m.open.build, b->id, sizeof(b->id));
	snprintf(m.open.common_name, sizeof(m.open.common_name), "build %s for %.24s",
		 b->id, b->kernel);
	return ms_key_link_ask(f->keys, &m, on_opened, o, err);
}

void ms_build_opened(struct ms_front *f, struct ms_build *b, ms_build_ready_fn *done,
		     void *arg)
{
	struct opening *o;
	struct ms_error err = {0};
	int r;

	/* Keys that are the same for all builds have nothing to make ready. */
	if (!has_leaf(f, b)) {
		done(arg, 0, &err);
		return;
	}
	o = calloc(1, sizeof(*o));
	if (o) {
		*o = (struct opening){.b = b, .done = done, .arg = arg};
		r = ask_for_leaf(f, b, o, &err);
	} else {
		r = ms_error_set(&err, -ENOMEM, NULL, "out of memory");
	}
	if (r < 0) {
		free(o);
		done(arg, r, &err);
	}
}

static void on_closed(void *arg, const struct ms_ipc_msg *m, const struct ms_error *err)
{
	/* A leaf that is gone already is as good. */
}

void ms_build_ended(struct ms_front *f, struct ms_build *b)
{
	struct ms_ipc_msg m = {.op = MS_IPC_CLOSE};
	struct ms_error err = {0};

	if (!b->leaf)
		return;
	ms_cert_free(b->leaf);
	b->leaf = NULL;
	memcpy(m.close.build, b->id, sizeof(b->id));
	/* Without a key process there is no leaf key either. */
	(void)!ms_key_link_ask(f->keys, &m, on_closed, NULL, &err);
}
