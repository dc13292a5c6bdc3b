/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * POST /v1/keys/{key}/attest, /provision, /v1/tpm/identity, /enroll: for admins, done by
 * the key process, recorded, and only then answered. docs/ATTESTATION.md.
 */
#include <errno.h>

#include "lib/attest_check.h"
#include "signer/agent/api_keys.h"

#define EVIDENCE_TYPE "application/vnd.modseal.evidence"

/* The body, as it is; @max: at most this. */
static bool take_body(struct ms_web *w, struct ms_ipc_msg *m, size_t min, size_t max)
{
	struct ms_error err = {0};
	size_t len;
	const uint8_t *body = ms_web_body(w, &len);

	if (len < min || len > max || (len && !body)) {
		ms_error_set(&err, -EINVAL, "bad-request",
			     "the body has to have %zu to %zu bytes", min, max);
		ms_web_problem(w, -EINVAL, &err);
		return false;
	}
	if (len)
		memcpy(m->change.data, body, len);
	m->change.data_len = len;
	return true;
}

void ms_api_attest(struct ms_web *w)
{
	struct ms_ipc_msg m = {.op = MS_IPC_CHANGE, .change.what = MS_CHANGE_ATTEST};

	if (ms_api_admin_or_answer(w, "attest") && ms_api_key_or_answer(w) &&
	    take_body(w, &m, 0, MS_NONCE_MAX))
		ms_api_start_change(w, &m, "key-attest", EVIDENCE_TYPE);
}

void ms_api_provision(struct ms_web *w)
{
	struct ms_ipc_msg m = {.op = MS_IPC_CHANGE, .change.what = MS_CHANGE_PROVISION};

	if (ms_api_admin_or_answer(w, "provision") && ms_api_key_or_answer(w) &&
	    take_body(w, &m, 1, 2048))
		ms_api_start_change(w, &m, "key-provision", "application/x-pem-file");
}

void ms_api_identity(struct ms_web *w)
{
	struct ms_ipc_msg m = {.op = MS_IPC_CHANGE, .change.what = MS_CHANGE_IDENTITY};

	if (ms_api_admin_or_answer(w, "ask the TPM about"))
		ms_api_start_change(w, &m, "tpm-identity", EVIDENCE_TYPE);
}

void ms_api_enroll_ak(struct ms_web *w)
{
	struct ms_ipc_msg m = {.op = MS_IPC_CHANGE, .change.what = MS_CHANGE_ENROLL_AK};

	if (ms_api_admin_or_answer(w, "enroll") &&
	    take_body(w, &m, 1, sizeof(m.change.data)))
		ms_api_start_change(w, &m, "tpm-enroll", NULL);
}
