/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The front's end of the key process: the inventory that it was told, and questions that
 * wait for an answer. On the event loop's thread only.
 */
#ifndef MS_AGENT_KEY_LINK_H
#define MS_AGENT_KEY_LINK_H

#include "signer/agent/ipc.h"

struct event_base;
struct ms_key_link;

/** struct ms_front_key - one key: what the key process told, and its certificate parsed
 */
struct ms_front_key {
	struct ms_ipc_key info;
	struct ms_cert *cert; /* NULL when the key is broken */
};

/**
 * ms_key_answer_fn - the answer to a question
 * @m: the answer; or NULL with @err when the key process went away
 */
typedef void ms_key_answer_fn(void *arg, const struct ms_ipc_msg *m,
			      const struct ms_error *err);

int ms_key_link_new(struct event_base *base, struct ms_key_link **ret) _must_check_;

/**
 * ms_key_link_set_fd() - a new key process; questions to the old one get their error
 * @fd: taken over; -1: there is none now
 */
void ms_key_link_set_fd(struct ms_key_link *l, int fd);

/**
 * ms_key_link_ask() - ask; @fn is called once, later, never from inside this call
 * @m: MS_IPC_SIGN, CREATE, UNLOCK or PROBE; its id is set
 * Return: 0; -EAGAIN: no key process now, or too many questions wait (a sentence in
 * @err).
 */
int ms_key_link_ask(struct ms_key_link *l, struct ms_ipc_msg *m, ms_key_answer_fn *fn,
		    void *arg, struct ms_error *err) _must_check_;

/** ms_key_link_find() - one key, or NULL */
const struct ms_front_key *ms_key_link_find(const struct ms_key_link *l,
					    const char *name);
/** ms_key_link_at() - the @i-th key by name, or NULL past the last */
const struct ms_front_key *ms_key_link_at(const struct ms_key_link *l, size_t i);
/** ms_key_link_loaded() - has the key process told its whole inventory */
bool ms_key_link_loaded(const struct ms_key_link *l);
/** ms_key_link_waiting() - questions without an answer yet */
size_t ms_key_link_waiting(const struct ms_key_link *l);

#endif
