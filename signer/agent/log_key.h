/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit log's key, in the key process. It is Ed25519 and in a file of a kind of its
 * own, so that it can never sign a module, and a module's key never a checkpoint.
 */
#ifndef MS_AGENT_LOG_KEY_H
#define MS_AGENT_LOG_KEY_H

#include "signer/agent/ipc.h"
#include "tpm/worker.h"

struct ms_log_key;

/**
 * ms_log_key_new() - no I/O yet
 * @dir: directory of the keys; the log's is audit-log.logkey in it
 * @origin: name of the log, when the key has to be made; "" takes the host's name
 * @nv_index: of the counter
 */
int ms_log_key_new(const char *dir, const char *origin, uint32_t nv_index,
		   struct ms_log_key **ret) _must_check_;
void ms_log_key_free(struct ms_log_key *k);

/**
 * ms_log_key_answer() - answer MS_IPC_CHECKPOINT or MS_IPC_COUNTER
 * @ret: the MS_IPC_NOTE
 *
 * Reads and unseals the key when it is first needed, and makes it where there is none.
 * A checkpoint is signed after the TPM's counter went up, or not at all. For as long as
 * the process lives, no head is signed that is smaller than an earlier one, or of the
 * same size with another root.
 *
 * Return: 0, or the errno that is in @ret.
 */
int ms_log_key_answer(struct ms_log_key *k, struct ms_tpmw *w,
		      const struct ms_ipc_msg *question, struct ms_ipc_msg *ret);

#endif
