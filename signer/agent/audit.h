/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grouped commits: a thread of the front takes all records that have piled up, stores
 * them in one transaction, and tells the event loop which are durable.
 */
#ifndef MS_AGENT_AUDIT_H
#define MS_AGENT_AUDIT_H

#include <jansson.h>
#include "signer/agent/store.h"

struct ms_audit;

/**
 * ms_audit_done_fn - a record is durable, or could not be made so
 * @rc: 0 or the negative errno of ms_store_append(); then nothing may be released
 * @seq: the record's number
 * Called on the event loop's thread from ms_audit_dispatch().
 */
typedef void ms_audit_done_fn(void *arg, int rc, uint64_t seq,
			      const struct ms_error *err);

/**
 * ms_audit_new() - start the writer thread
 * @store: used by the writer thread alone from now on, except ms_audit_key_use()
 * @ret_fd: an eventfd that becomes readable when ms_audit_dispatch() has work
 */
int ms_audit_new(struct ms_store *store, struct ms_audit **ret, int *ret_fd) _must_check_;
/** ms_audit_free() - store what is queued and stop; callbacks not yet run are dropped */
void ms_audit_free(struct ms_audit *a);

/**
 * ms_audit_put() - queue a record
 * @event, @key, @identity, @request_id: as in struct ms_record; copied
 * @fields: JSON object with the rest; its reference is taken over ("time", "event", ...
 * are added to it before it is written canonically)
 * @fn: may be NULL (then the record is still written)
 * Return: 0 or -ENOMEM.
 */
int ms_audit_put(struct ms_audit *a, const char *event, const char *key,
		 const char *identity, const char *request_id, json_t *fields,
		 ms_audit_done_fn *fn, void *arg) _must_check_;

/** ms_audit_put_with() - the same, with what changes in the same transaction; @changes is
 * taken over, whatever happens */
int ms_audit_put_with(struct ms_audit *a, const char *event, const char *key,
		      const char *identity, const char *request_id, json_t *fields,
		      struct ms_change *changes, ms_audit_done_fn *fn,
		      void *arg) _must_check_;

/** ms_audit_dispatch() - run the callbacks of finished records; on the loop's thread */
void ms_audit_dispatch(struct ms_audit *a);

/** ms_audit_key_use() - as ms_store_key_use(), from counters kept in memory; no I/O */
void ms_audit_key_use(struct ms_audit *a, const char *key, uint64_t *ret_count,
		      int64_t *ret_last_us);
/** ms_audit_entries() - records stored so far */
uint64_t ms_audit_entries(struct ms_audit *a);
/** ms_audit_health() - 0, or the errno and sentence of the last failed append */
int ms_audit_health(struct ms_audit *a, struct ms_error *err);

#endif
