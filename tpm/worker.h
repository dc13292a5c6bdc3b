/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TPM worker: the only process that opens the TPM, and the calls to it.
 *
 * One SOCK_SEQPACKET socketpair, one request at a time: the caller sends, waits with a
 * deadline, and gets an answer. When the deadline passes or the worker dies, the caller
 * has its supervisor kill and start it again and puts the new socket into @fd; the worker
 * itself keeps no state between requests but the open TPM.
 */
#ifndef MS_TPM_WORKER_H
#define MS_TPM_WORKER_H

#include "lib/cert.h"
#include "tpm/tpm.h"

/**
 * ms_tpm_worker_run() - serve requests until the socket closes
 * @fd: the worker's end; closed on return
 * @tcti: how to reach the TPM; opened at the first request and again after -ENODEV
 *
 * Takes the whole process for itself: ms_secmem_process(), SIGPIPE ignored. Close what
 * else was inherited, so that the sockets of others see their ends.
 *
 * Return: 0 at end of file, or a negative errno.
 */
int ms_tpm_worker_run(int fd, const char *tcti) _must_check_;

/**
 * struct ms_tpmw - the caller's end
 * @fd: -1 while there is no worker
 * @deadline_ms: longest time for one request
 * @observe: is told how each request ended (0 or a negative errno) and how many
 *     microseconds it took; NULL: nobody asks
 */
struct ms_tpmw {
	int fd;
	unsigned int deadline_ms;
	void (*observe)(int rc, uint64_t us);
};

/*
 * The calls, with the errnos of tpm/tpm.h; and
 * -ETIMEDOUT the deadline passed, -ENODEV the worker is gone: @w->fd has been closed and
 * set to -1, and the caller must ask for a new worker. Secrets in messages are wiped.
 * (-ENODEV while @w->fd is still open: the worker is fine, the TPM is not.)
 */
int ms_tpmw_info(struct ms_tpmw *w, struct ms_tpm_info *ret,
		 struct ms_error *err) _must_check_;
int ms_tpmw_seal(struct ms_tpmw *w, const uint8_t secret[MS_TPM_SECRET_LEN],
		 uint32_t pcrs, const char *pin, struct ms_tpm_blob *ret,
		 struct ms_error *err) _must_check_;
int ms_tpmw_seal_for(struct ms_tpmw *w, const uint8_t secret[MS_TPM_SECRET_LEN],
		     const struct ms_tpm_blob *want, bool foretold, const char *pin,
		     struct ms_tpm_blob *ret, struct ms_error *err) _must_check_;
int ms_tpmw_pcrs(struct ms_tpmw *w, uint32_t mask, uint8_t ret[MS_PCRS * 32],
		 size_t *ret_len, struct ms_error *err) _must_check_;
int ms_tpmw_unseal(struct ms_tpmw *w, const struct ms_tpm_blob *blob, const char *pin,
		   uint8_t ret[MS_TPM_SECRET_LEN], struct ms_error *err) _must_check_;
int ms_tpmw_counter(struct ms_tpmw *w, uint32_t index, bool increment, uint64_t *ret,
		    struct ms_error *err) _must_check_;

/* Custody `resident`: tpm/sign.h has what these do. */
int ms_tpmw_create(struct ms_tpmw *w, enum ms_alg alg, uint32_t pcrs, const char *pin,
		   struct ms_tpm_blob *ret, struct ms_error *err) _must_check_;
int ms_tpmw_create_for(struct ms_tpmw *w, enum ms_alg alg, bool raw,
		       const struct ms_tpm_blob *want, const char *pin,
		       struct ms_tpm_blob *ret, struct ms_error *err) _must_check_;
int ms_tpmw_sign(struct ms_tpmw *w, const struct ms_tpm_blob *blob, const char *pin,
		 enum ms_hash hash, const uint8_t *digest, uint8_t *ret, size_t *ret_len,
		 struct ms_error *err) _must_check_;

/*
 * tpm/attest.h has what these do. @ret: MS_TPM_EVIDENCE_MAX bytes of evidence
 */
int ms_tpmw_attest(struct ms_tpmw *w, const struct ms_tpm_blob *blob, const char *pin,
		   const uint8_t extra[32], uint8_t *ret, size_t *ret_len,
		   struct ms_error *err) _must_check_;
int ms_tpmw_identity(struct ms_tpmw *w, uint8_t *ret, size_t *ret_len,
		     struct ms_error *err) _must_check_;
/** ms_tpmw_activate() - @data: MS_EV_CREDENTIAL and MS_EV_SECRET */
int ms_tpmw_activate(struct ms_tpmw *w, const uint8_t *data, size_t len,
		     uint8_t ret[MS_TPM_SECRET_LEN], struct ms_error *err) _must_check_;
int ms_tpmw_import(struct ms_tpmw *w, const struct ms_tpm_blob *blob, const uint8_t *seed,
		   size_t seed_len, uint8_t ret[MS_TPM_SECRET_LEN],
		   struct ms_error *err) _must_check_;

#endif
