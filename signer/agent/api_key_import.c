/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * POST /v1/keys/{key}/import?subject=&days=&pcrs=: the body is PEM, a "PRIVATE KEY"
 * (PKCS#8, not encrypted) or a "TSS2 PRIVATE KEY" and, as wanted, a "CERTIFICATE" and a
 * "MODSEAL PIN". What it says is never logged or recorded, and it is overwritten as soon
 * as it has been read.
 */
#include <errno.h>

#include "lib/escape.h"
#include "lib/pem.h"
#include "lib/secmem.h"
#include "signer/agent/api_keys.h"
#include "signer/agent/conn.h"

#define BODY_MAX (2 * (MS_PKCS8_MAX + MS_CERT_MAX))
#define DAYS_MAX 36500u

void ms_api_wipe_body(struct ms_web *w)
{
	size_t len;
	uint8_t *body = ms_conn_body(w->conn, &len);

	if (body)
		ms_wipe(body, len);
}

/* One block, at most once. Return: its length; 0: there is none; -EBADMSG */
static ssize_t block(const char *text, size_t len, const char *label, uint8_t *dst,
		     size_t max)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(max), second = MS_BUF_INIT(max);
	size_t used = 0, more = 0;
	int r;

	r = ms_pem_find(text, len, label, &b, &used);
	if (r == -ENODATA)
		return 0;
	if (r < 0 || !b.len ||
	    ms_pem_find(text + used, len - used, label, &second, &more) != -ENODATA)
		return -EBADMSG;
	memcpy(dst, b.data, b.len);
	return (ssize_t)b.len;
}

static int read_pin(const char *text, size_t len, struct ms_ipc_create *c)
{
	ssize_t n = block(text, len, "MODSEAL PIN", (uint8_t *)c->pin, MS_PIN_MAX);

	for (ssize_t i = 0; i < n; i++)
		if (c->pin[i] < ' ' || c->pin[i] > '~')
			return -EBADMSG;
	return n < 0 ? -EBADMSG : 0;
}

static int read_body(struct ms_web *w, struct ms_ipc_import *m, struct ms_error *err)
{
	size_t len;
	const char *text = (const char *)ms_web_body(w, &len);
	ssize_t key, cert;

	if (len > BODY_MAX)
		return ms_error_set(err, -EFBIG, "too-large",
				    "the request is over %u bytes", BODY_MAX);
	key = block(text, len, "PRIVATE KEY", m->pkcs8, sizeof(m->pkcs8));
	if (key == 0) {
		key = block(text, len, "TSS2 PRIVATE KEY", m->pkcs8, sizeof(m->pkcs8));
		m->tss2 = key > 0;
	}
	cert = block(text, len, "CERTIFICATE", m->cert, sizeof(m->cert));
	if (key <= 0)
		return ms_error_set(err, -EINVAL, "bad-request",
				    "the body needs one PEM block PRIVATE KEY: PKCS#8, "
				    "not encrypted, at most %u bytes",
				    MS_PKCS8_MAX);
	if (cert < 0 || read_pin(text, len, &m->create) < 0)
		return ms_error_set(err, -EINVAL, "bad-request",
				    "the body may have one PEM block CERTIFICATE and one "
				    "MODSEAL PIN of printable ASCII beside the key");
	m->pkcs8_len = (size_t)key;
	m->cert_len = (size_t)cert;
	return 0;
}

/* "7,14" or "none" */
static int read_pcrs(const char *text, uint32_t *ret)
{
	uint32_t mask = 0;

	while (strcmp(text, "none") != 0) {
		unsigned int n = 0, digits = 0;

		for (; *text >= '0' && *text <= '9' && digits < 3; text++, digits++)
			n = n * 10 + (unsigned int)(*text - '0');
		if (!digits || n > 23 || (*text && *text != ','))
			return -EINVAL;
		mask |= UINT32_C(1) << n;
		if (!*text++)
			break;
	}
	*ret = mask;
	return 0;
}

static int read_days(const char *text, uint32_t *ret)
{
	uint32_t n = 0;

	for (; *text >= '0' && *text <= '9' && n <= DAYS_MAX; text++)
		n = n * 10 + (uint32_t)(*text - '0');
	if (*text || n < 1 || n > DAYS_MAX)
		return -EINVAL;
	*ret = n;
	return 0;
}

static int read_parameters(const struct ms_web *w, struct ms_ipc_create *c,
			   struct ms_error *err)
{
	const char *subject = ms_web_param(w, "subject"), *days = ms_web_param(w, "days"),
		   *pcrs = ms_web_param(w, "pcrs");

	if (!subject)
		subject = w->key;
	if (!*subject || strlen(subject) >= sizeof(c->common_name))
		return ms_error_set(err, -EINVAL, "bad-request",
				    "subject has 1 to %zu bytes",
				    sizeof(c->common_name) - 1);
	if (read_days(days ? days : "3650", &c->days) < 0)
		return ms_error_set(err, -EINVAL, "bad-request", "days is 1 to %u",
				    DAYS_MAX);
	if (read_pcrs(pcrs ? pcrs : "7", &c->pcrs) < 0)
		return ms_error_set(err, -EINVAL, "bad-request",
				    "pcrs is a list of numbers from 0 to 23, or none");
	memcpy(c->common_name, subject, strlen(subject) + 1);
	memcpy(c->name, w->key, sizeof(c->name));
	c->custody = MS_CUSTODY_SEALED;
	return 0;
}

void ms_api_import(struct ms_web *w)
{
	struct ms_ipc_msg *m;
	struct ms_error err = {0};
	int r;

	if (!ms_identity_is_admin(w->front->config, &w->who))
		ms_api_wipe_body(w);
	if (!ms_api_admin_or_answer(w, "import"))
		return;
	m = ms_secmem_alloc(sizeof(*m));
	if (!m) {
		r = ms_error_set(&err, -ENOMEM, NULL,
				 "no locked memory: raise LimitMEMLOCK");
	} else {
		m->op = MS_IPC_IMPORT;
		r = read_parameters(w, &m->import.create, &err);
		if (r == 0)
			r = read_body(w, &m->import, &err);
	}
	ms_api_wipe_body(w);
	if (r < 0)
		ms_web_problem(w, r, &err);
	else
		ms_api_ask_change(w, "key-import", m);
	ms_secmem_free(m, sizeof(*m));
}

/*
 * POST /v1/keys/{key}/take-provisioned?pcrs=: the body is what modseal key provision made
 * on the other machine and, as wanted, a MODSEAL PIN.
 */
static int read_provisioned(struct ms_web *w, struct ms_ipc_provision *m,
			    struct ms_error *err)
{
	size_t len;
	const uint8_t *body = ms_web_body(w, &len);

	if (!body || len > sizeof(m->file))
		return ms_error_set(err, -EFBIG, "too-large",
				    "a provisioned key has 1 to %zu bytes",
				    sizeof(m->file));
	if (read_pin((const char *)body, len, &m->create) < 0)
		return ms_error_set(
			err, -EINVAL, "bad-request",
			"the PEM block MODSEAL PIN has to be printable ASCII");
	memcpy(m->file, body, len);
	m->file_len = len;
	return 0;
}

void ms_api_take_provisioned(struct ms_web *w)
{
	struct ms_error err = {0};
	struct ms_ipc_msg *m;
	int r;

	if (!ms_identity_is_admin(w->front->config, &w->who))
		ms_api_wipe_body(w);
	if (!ms_api_admin_or_answer(w, "import"))
		return;
	m = ms_secmem_alloc(sizeof(*m));
	if (!m) {
		r = ms_error_set(&err, -ENOMEM, NULL,
				 "no locked memory: raise LimitMEMLOCK");
	} else {
		m->op = MS_IPC_PROVISION;
		r = read_parameters(w, &m->provision.create, &err);
		if (r == 0)
			r = read_provisioned(w, &m->provision, &err);
	}
	ms_api_wipe_body(w);
	if (r < 0)
		ms_web_problem(w, r, &err);
	else
		ms_api_ask_change(w, "key-take-provisioned", m);
	ms_secmem_free(m, sizeof(*m));
}
