/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "https/https.h"

#include <ctype.h>
#include <errno.h>
#include <strings.h>

#include "https/transfer.h"
#include "lib/escape.h"

#define CONNECT_MS 10000u
#define WHY_MAX 320

/**
 * struct via - one connection
 * @head: of the answer that is coming
 */
struct via {
	struct ms_transfer *transfer;
	char base[MS_PATH_MAX];
	struct ms_http_head head;
};

/* As lib/http_head.c takes it: what goes into messages is plain. */
static void on_field(void *arg, const char *p, size_t n)
{
	static const char name[] = "X-Request-Id:";
	struct via *v = arg;
	size_t i = sizeof(name) - 1, len = 0;

	if (n <= i || strncasecmp(p, name, i) != 0)
		return;
	while (i < n && p[i] == ' ')
		i++;
	while (i < n && len < sizeof(v->head.request_id) - 1 &&
	       (isalnum((unsigned char)p[i]) || p[i] == '-'))
		v->head.request_id[len++] = p[i++];
	v->head.request_id[len] = '\0';
}

static int call_error(const struct via *v, int r, struct ms_error *err)
{
	const char *why = ms_transfer_why(v->transfer);
	char shown[WHY_MAX];

	ms_escape_str(why, shown, sizeof(shown));
	switch (r) {
	case -EFBIG:
		return ms_error_set(err, -EFBIG, "bad-answer",
				    "the agent's answer is larger than expected");
	case -ENOMEM:
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	case -ENETUNREACH:
		return ms_error_set(err, -ECONNREFUSED, "no-agent",
				    "no agent at %s: %s: is [tls] on there?", v->base,
				    shown);
	case -ETIMEDOUT:
		return ms_error_set(err, -ETIMEDOUT, "agent-timeout",
				    "the agent at %s did not answer in time: %s", v->base,
				    shown);
	case -EACCES:
		return ms_error_set(err, -EACCES, "tls-agent",
				    "what answers at %s is not the agent: %s: see tls-ca "
				    "in modseal.conf",
				    v->base, shown);
	case -EINVAL:
		return ms_error_set(err, -EINVAL, "tls-files",
				    "cannot use tls-ca, tls-cert and tls-key: %s", shown);
	case -EPIPE:
		if (strcasestr(why, "alert"))
			return ms_error_set(err, -EACCES, "tls-refused",
					    "the agent at %s refused our certificate: %s",
					    v->base, shown);
		return ms_error_set(err, -EPIPE, "agent-gone",
				    "the agent at %s hung up without an answer: it takes "
				    "our certificate no more, or was ended: its log has "
				    "the reason",
				    v->base);
	default:
		return ms_error_set(err, -EIO, "tls",
				    "no answer from the agent at %s: %s", v->base, shown);
	}
}

/* Without a value, libcurl sends none of its own, either. */
static void field(char dst[300], const char *name, const char *value)
{
	snprintf(dst, 300, "%s:%s%s", name, value ? " " : "", value ? value : "");
}

static void take_head(struct via *v, const struct ms_transfer_answer *answer, size_t len)
{
	size_t n = answer->type ? strcspn(answer->type, "; \t") : 0;

	v->head.status = answer->status;
	v->head.content_length = len;
	v->head.keep_alive = true;
	if (n < sizeof(v->head.content_type))
		for (size_t i = 0; i < n; i++)
			v->head.content_type[i] =
				(char)tolower((unsigned char)answer->type[i]);
}

static int via_call(struct ms_http *h, const char *method, const char *target,
		    const char *accept, const char *body_type, const struct iovec *body,
		    int n, struct ms_http_head *ret_head, struct ms_buf *out,
		    struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf all = MS_BUF_INIT(MS_MODULE_MAX);
	_cleanup_buf_ struct ms_buf url = MS_BUF_INIT(2 * MS_PATH_MAX);
	char head[3][300];
	const char *const fields[] = {head[0], head[1], head[2]};
	struct ms_transfer_request q = {.fields = fields,
					.n_fields = ARRAY_SIZE(fields),
					.max = MS_HTTP_ANSWER_MAX,
					.field = on_field,
					.arg = h->via_arg};
	struct ms_transfer_answer answer;
	struct via *v = h->via_arg;
	size_t had = out->len;
	int r;

	for (int i = 0; i < n; i++)
		ms_buf_put(&all, body[i].iov_base, body[i].iov_len);
	ms_buf_printf(&url, "%s%s", v->base, target);
	r = ms_buf_error(&all);
	q.url = ms_buf_cstr(&url);
	if (r == 0 && !q.url)
		r = -ENOMEM;
	if (r < 0)
		return ms_error_set(err, r, NULL, "request: %s", ms_strerror(r));
	field(head[0], "Accept", accept);
	field(head[1], "Content-Type", body_type);
	field(head[2], "Idempotency-Key", h->idempotency_key);
	if (strcmp(method, "POST") == 0) {
		q.body = all.len ? (const char *)all.data : "";
		q.body_len = all.len;
	}
	v->head = (struct ms_http_head){0};
	r = ms_transfer_run(v->transfer, &q, out, &answer);
	if (r < 0)
		return call_error(v, r, err);
	take_head(v, &answer, out->len - had);
	*ret_head = v->head;
	return 0;
}

static void via_close(struct ms_http *h)
{
	struct via *v = h->via_arg;

	ms_transfer_free(v->transfer);
	free(v);
}

static const struct ms_http_via https = {via_call, via_close};

int ms_https_open(struct ms_http *h, const struct ms_client_config *c,
		  unsigned int timeout_ms, struct ms_error *err)
{
	const struct ms_transfer_options options = {.ca = c->tls_ca,
						    .cert = c->tls_cert,
						    .key = c->tls_key,
						    .tls13 = true,
						    .connect_ms = CONNECT_MS,
						    .whole_ms = timeout_ms};
	char file[256];
	struct via *v;
	int r;

	*h = (struct ms_http){.fd = -1, .timeout_ms = timeout_ms};
	if (!c->tls_ca[0] || !c->tls_cert[0] || !c->tls_key[0])
		return ms_error_set(err, -EINVAL, "tls-files",
				    "%s needs tls-ca, tls-cert and tls-key in %s",
				    c->agent, ms_client_config_path(file, sizeof(file)));
	v = calloc(1, sizeof(*v));
	if (!v)
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	r = ms_transfer_new(&options, &v->transfer, err);
	if (r < 0) {
		free(v);
		return r;
	}
	memcpy(v->base, c->agent, strlen(c->agent) + 1);
	h->via = &https;
	h->via_arg = v;
	return 0;
}
