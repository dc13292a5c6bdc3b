/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One module in, one result out.
 */
#ifndef MS_CHECK_H
#define MS_CHECK_H

#include <pthread.h>
#include <time.h>
#include "lib/file.h"
#include "compress/decompress.h"
#include "verifier/evidence.h"
#include "verifier/result.h"

/* Bytes of memory that one module may take: the file and what it is decompressed to. No
 * module that is shipped comes near. */
#define MS_MODULE_MEMORY (96u << 20)

/* What takes more than this is checked by one thread at a time. */
#define MS_MODULE_LARGE MS_INFLATE_FREE

/**
 * struct ms_question - what is asked about every module; read-only while threads run
 * @profile: the kernel asked about; NULL: the one that the module was built for
 * @fallback: for modules that do not say which; may be NULL
 * @unpacker: who decompresses modules
 * @revocations: may be NULL
 * @module_max: in place of MS_MODULE_MEMORY, unless 0
 * @now: what certificates' dates are compared with
 */
struct ms_question {
	const struct ms_anchors *anchors;
	const struct ms_revocations *revocations;
	const struct ms_kernel_profile *profile, *fallback;
	enum ms_enforce enforce;
	size_t module_max;
	enum ms_unpacker unpacker;
	time_t now;
};
/** ms_question_module_max() - the bytes that one module may take */
size_t ms_question_module_max(const struct ms_question *q);

/**
 * struct ms_checker - one thread's memory, reused from module to module
 * @large: held by the one thread that may take more than MS_MODULE_LARGE; may be NULL
 * @holds: this is the one
 */
struct ms_checker {
	const struct ms_question *q;
	struct ms_caches *caches;
	struct ms_file file;
	struct ms_inflater inflater;
	struct ms_evidence ev;
	pthread_mutex_t *large;
	bool holds;
};
void ms_checker_clear(struct ms_checker *c);

/** ms_checker_large() - wait for leave to take much memory; once is enough */
void ms_checker_large(struct ms_checker *c);
/** ms_checker_rest() - give the memory back, and the leave */
void ms_checker_rest(struct ms_checker *c);

/**
 * ms_check_file() - check a file
 * @dirfd, @path: as openat()
 * @shown: how the result calls it
 * @ret: to be cleared by ms_result_clear(), also after a failure
 *
 * A file that cannot be read, or cannot be decompressed, is a result with the policy
 * verdict "unchecked", not an error.
 *
 * Return: 0 or -ENOMEM.
 */
int ms_check_file(struct ms_checker *c, int dirfd, const char *path, const char *shown,
		  struct ms_result *ret) _must_check_;

/** ms_check_bytes() - the same for a module in memory, compressed or not */
int ms_check_bytes(struct ms_checker *c, const uint8_t *data, size_t len,
		   const char *shown, struct ms_result *ret) _must_check_;

#endif
