/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "lib/agent_client.h"
#include "lib/escape.h"

/* A TPM may be busy with someone else's RSA-4096 for a while. */
#define TIMEOUT_MS 120000u

int (*ms_agent_open_https)(struct ms_http *h, const struct ms_client_config *c,
			   unsigned int timeout_ms, struct ms_error *err);

bool ms_agent_is_remote(const struct ms_client_config *c)
{
	return strncmp(c->agent, "https://", 8) == 0;
}

int ms_agent_open(struct ms_http *h, const struct ms_client_config *c,
		  struct ms_error *err)
{
	if (ms_agent_is_remote(c) && ms_agent_open_https)
		return ms_agent_open_https(h, c, TIMEOUT_MS, err);
	if (strncmp(c->agent, "unix:", 5) != 0) {
		*h = (struct ms_http){.fd = -1};
		return ms_error_set(
			err, -EINVAL, "bad-agent",
			"the agent's address must be unix:/path or https://host:port");
	}
	return ms_http_open(h, c->agent + 5, TIMEOUT_MS, err);
}

static int errno_of_status(unsigned int status)
{
	switch (status) {
	case 401:
	case 403:
		return -EACCES;
	case 404:
		return -ENOENT;
	case 409:
		return -EEXIST;
	case 413:
		return -EFBIG;
	case 417:
		return -ENOKEY;
	case 400:
	case 415:
	case 422:
		return -EINVAL;
	case 503:
		return -EAGAIN;
	default:
		return -EIO;
	}
}

static bool is_code(const char *p, size_t len, size_t max)
{
	if (len == 0 || len >= max)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!(p[i] >= 'a' && p[i] <= 'z') && !(p[i] >= '0' && p[i] <= '9') &&
		    p[i] != '-')
			return false;
	return true;
}

/* "code\nsentence\n" */
static int problem(const struct ms_http_head *head, const char *text, size_t len,
		   struct ms_error *err)
{
	char code[sizeof(((struct ms_error *)0)->code)] = "agent-error", sentence[400];
	const char *eol = len ? memchr(text, '\n', len) : NULL;
	int r = errno_of_status(head->status);

	if (strcmp(head->content_type, "text/plain") != 0 || !eol ||
	    !is_code(text, (size_t)(eol - text), sizeof(code)))
		return ms_error_set(
			err, r, code,
			"the agent refused with status %u and gave no reason: "
			"see its log%s%s",
			head->status, *head->request_id ? " for request " : "",
			head->request_id);
	memcpy(code, text, (size_t)(eol - text));
	code[eol - text] = '\0';
	len -= (size_t)(eol + 1 - text);
	text = eol + 1;
	while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	return ms_error_set(err, r, code, "%s",
			    ms_escape(text, len, sentence, sizeof(sentence)));
}

int ms_agent_call(struct ms_http *h, const char *method, const char *target,
		  const char *accept, const char *body_type, const struct iovec *body,
		  int n, struct ms_buf *out, struct ms_error *err)
{
	struct ms_http_head head;
	size_t had = out->len;
	char types[160];
	int r;

	snprintf(types, sizeof(types), "%s%stext/plain", accept ? accept : "",
		 accept ? ", " : "");
	r = ms_http_call(h, method, target, types, body_type, body, n, &head, out, err);
	if (r < 0)
		return r;
	if (head.status >= 200 && head.status < 300 && h->certificate &&
	    !head.certificate) {
		out->len = had;
		return ms_error_set(
			err, -EPROTO, "bad-answer",
			"the agent has not looked at the certificate of its "
			"key: it is older than this program: update modseald");
	}
	if (head.status >= 200 && head.status < 300)
		return 0;
	r = problem(&head, (const char *)out->data + had, out->len - had, err);
	out->len = had;
	return r;
}
