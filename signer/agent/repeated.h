/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests that carry an Idempotency-Key: the same key of the same identity never signs
 * twice. That a key was used is on the disk before anything is signed; the answer is kept
 * in memory for a while, and given again.
 */
#ifndef MS_AGENT_REPEATED_H
#define MS_AGENT_REPEATED_H

#include "signer/agent/store_change.h"
#include "signer/agent/web.h"

/** struct ms_once - one request with a key */
struct ms_once;

/**
 * ms_once_begin() - is this request the first of its key?
 * @body, @len: of the request; with another body it is not the same request
 * @ret: NULL: it has no key; else to be ended with ms_once_end()
 * @ret_answer: the answer that the first got, borrowed, or NULL
 *
 * Return: 0; -EEXIST "request-in-progress", "request-repeated" (it was answered, and the
 * answer is not kept any more) or "request-key-reused" (for something else); -EIO.
 */
int ms_once_begin(struct ms_web *w, const void *body, size_t len, struct ms_once **ret,
		  const char **ret_answer, struct ms_error *err) _must_check_;
/** ms_once_change() - what is to be stored before the request is worked on */
int ms_once_change(const struct ms_once *o, struct ms_change **ret) _must_check_;
/**
 * ms_once_end() - it is answered
 * @answer: NULL: nothing was begun, the key is free again; is taken over
 */
void ms_once_end(struct ms_once *o, char *answer);

#endif
