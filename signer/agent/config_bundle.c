/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A configuration on its way from one process to another: the texts of its files, one
 * after the other, each behind a line "KIND LENGTH NAME".
 */
#include "signer/agent/config.h"

#include <errno.h>

#include "signer/agent/denied.h"

#define KIND_CONFIG 'c'
#define KIND_DENIED 'd'

int ms_config_bundle_add(struct ms_config *c, bool denied, const char *name,
			 const void *text, size_t len)
{
	ms_buf_printf(&c->bundle, "%c %zu %s\n", denied ? KIND_DENIED : KIND_CONFIG, len,
		      name);
	ms_buf_put(&c->bundle, text, len);
	return ms_buf_error(&c->bundle);
}

static int damaged(struct ms_error *err)
{
	return ms_error_set(err, -EBADMSG, "config", "the configuration arrived damaged");
}

/* Return: the text, @p moved behind it; NULL when there is none. */
static const char *next(const char **p, const char *end, char *ret_kind, char *name,
			size_t size, size_t *ret_len)
{
	const char *eol = memchr(*p, '\n', (size_t)(end - *p)), *text;
	char head[MS_PATH_MAX + 32], *rest;
	unsigned long long len;

	if (!eol || (size_t)(eol - *p) >= sizeof(head) || eol - *p < 5)
		return NULL;
	memcpy(head, *p, (size_t)(eol - *p));
	head[eol - *p] = '\0';
	len = strtoull(head + 2, &rest, 10);
	text = eol + 1;
	if (*rest != ' ' || len > (size_t)(end - text) || strlen(rest + 1) >= size)
		return NULL;
	*ret_kind = head[0];
	memcpy(name, rest + 1, strlen(rest + 1) + 1);
	*ret_len = (size_t)len;
	*p = text + len;
	return text;
}

int ms_config_unbundle(const char *p, size_t len, struct ms_config *ret,
		       struct ms_error *err)
{
	_cleanup_config_ struct ms_config c = {};
	const char *end = p + len, *text;
	char name[MS_PATH_MAX], kind;
	unsigned int line;
	int rc = 0;

	if (ms_config_init(&c) < 0)
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	while (p < end && rc == 0) {
		text = next(&p, end, &kind, name, sizeof(name), &len);
		if (!text)
			return damaged(err);
		if (kind == KIND_CONFIG)
			rc = ms_config_parse(name, text, len, &c, err);
		else
			rc = ms_denied_parse(text, len, &c.denied, &line);
	}
	if (rc == 0)
		rc = ms_config_check(&c, err);
	if (rc < 0)
		return rc;
	*ret = c;
	c = (struct ms_config){};
	return 0;
}

static int fixed(const char *what, struct ms_error *err)
{
	return ms_error_set(err, -EINVAL, "restart-needed",
			    "%s has changed, which takes a restart of the agent: nothing "
			    "was reloaded",
			    what);
}

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

int ms_config_reloadable(const struct ms_config *old, const struct ms_config *new,
			 struct ms_error *err)
{
	if (!same(old->socket, new->socket))
		return fixed("[agent] socket", err);
	if (old->socket_mode != new->socket_mode)
		return fixed("[agent] socket-mode", err);
	if (!same(old->state, new->state))
		return fixed("[agent] state", err);
	if (old->threads != new->threads)
		return fixed("[agent] threads", err);
	if (!same(old->log_origin, new->log_origin))
		return fixed("[agent] log-origin", err);
	if (!same(old->tls_listen, new->tls_listen))
		return fixed("[tls] listen", err);
	/* The front can read only the files that it started with. */
	if (!same(old->tls_cert, new->tls_cert) || !same(old->tls_key, new->tls_key) ||
	    !same(old->tls_ca, new->tls_ca) || !same(old->tls_crl, new->tls_crl))
		return fixed("a path in [tls]", err);
	if (!same(old->tcti, new->tcti))
		return fixed("[tpm] tcti", err);
	if (old->tpm_deadline_ms != new->tpm_deadline_ms)
		return fixed("[tpm] deadline", err);
	if (old->nv_counter != new->nv_counter)
		return fixed("[tpm] nv-counter", err);
	return 0;
}
