/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/leaves.h"

#include <errno.h>
#include <pthread.h>

#define LEAVES_MAX 256u

/* A leaf that is gone by itself keeps its place, without its key, until the build closes:
 * so that the refusal can say why. */
struct leaf {
	char key[MS_KEY_NAME_MAX + 1], build[MS_BUILD_ID_MAX + 1];
	EVP_PKEY *pkey;
	int64_t not_after;
	uint32_t max, left;
};

struct ms_leaves {
	pthread_mutex_t lock;
	struct leaf v[LEAVES_MAX];
	size_t n;
};

int ms_leaves_new(struct ms_leaves **ret)
{
	struct ms_leaves *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	pthread_mutex_init(&l->lock, NULL);
	*ret = l;
	return 0;
}

static void destroy(struct leaf *f)
{
	/* OpenSSL keeps private parts in its locked heap and wipes them. */
	EVP_PKEY_free(f->pkey);
	f->pkey = NULL;
}

void ms_leaves_free(struct ms_leaves *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n; i++)
		destroy(&l->v[i]);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static struct leaf *find(struct ms_leaves *l, const char *build)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].build, build) == 0)
			return &l->v[i];
	return NULL;
}

static int add(struct ms_leaves *l, const char *key, const char *build, EVP_PKEY *pkey,
	       int64_t not_after, uint32_t max, struct ms_error *err)
{
	struct leaf *f;

	if (find(l, build))
		return ms_error_set(err, -EEXIST, "build-exists",
				    "build %s has its leaf key already", build);
	if (l->n == LEAVES_MAX)
		return ms_error_set(err, -ENOSPC, "too-many-builds",
				    "%u builds with leaf keys are open: close some",
				    LEAVES_MAX);
	f = &l->v[l->n++];
	*f = (struct leaf){.pkey = pkey, .not_after = not_after, .max = max, .left = max};
	snprintf(f->key, sizeof(f->key), "%s", key);
	snprintf(f->build, sizeof(f->build), "%s", build);
	return 0;
}

int ms_leaves_add(struct ms_leaves *l, const char *key, const char *build, EVP_PKEY *pkey,
		  int64_t not_after, uint32_t max, struct ms_error *err)
{
	int r;

	pthread_mutex_lock(&l->lock);
	r = add(l, key, build, pkey, not_after, max, err);
	pthread_mutex_unlock(&l->lock);
	if (r < 0)
		EVP_PKEY_free(pkey);
	return r;
}

static int use(struct ms_leaves *l, const char *key, const char *build, int64_t now,
	       EVP_PKEY **ret, struct ms_error *err)
{
	struct leaf *f = find(l, build);

	if (!f || strcmp(f->key, key) != 0)
		return ms_error_set(
			err, -ENOENT, "no-leaf",
			"key %s has no leaf key for build %s: it was closed, or the "
			"agent has been restarted since: open a new build",
			key, build);
	if (now >= f->not_after)
		destroy(f);
	if (now >= f->not_after)
		return ms_error_set(err, -ENOENT, "build-expired",
				    "build %s has expired: open a new one", build);
	if (!f->left)
		return ms_error_set(err, -ENOENT, "build-used-up",
				    "build %s has made its %u signatures: open a new one",
				    build, f->max);
	EVP_PKEY_up_ref(f->pkey);
	*ret = f->pkey;
	if (--f->left == 0)
		destroy(f);
	return 0;
}

int ms_leaves_use(struct ms_leaves *l, const char *key, const char *build, int64_t now,
		  EVP_PKEY **ret, struct ms_error *err)
{
	int r;

	pthread_mutex_lock(&l->lock);
	r = use(l, key, build, now, ret, err);
	pthread_mutex_unlock(&l->lock);
	return r;
}

int ms_leaves_close(struct ms_leaves *l, const char *build)
{
	struct leaf *f;

	pthread_mutex_lock(&l->lock);
	f = find(l, build);
	if (f) {
		destroy(f);
		*f = l->v[--l->n];
		memset(&l->v[l->n], 0, sizeof(*f));
	}
	pthread_mutex_unlock(&l->lock);
	return f ? 0 : -ENOENT;
}

int64_t ms_leaves_expire(struct ms_leaves *l, int64_t now)
{
	int64_t next = -1;

	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; i < l->n; i++) {
		struct leaf *f = &l->v[i];

		if (!f->pkey)
			continue;
		if (now >= f->not_after)
			destroy(f);
		else if (next < 0 || f->not_after - now < next)
			next = f->not_after - now;
	}
	pthread_mutex_unlock(&l->lock);
	return next;
}
