/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading the store beside the event loop: a thread of the front does what may wait for
 * the disk, one piece after the other, and the loop answers when it is done.
 */
#ifndef MS_AGENT_LOOKUP_H
#define MS_AGENT_LOOKUP_H

#include "lib/macro.h"

struct ms_lookups;

/**
 * ms_lookups_new() - start the thread
 * @ret_fd: readable when ms_lookups_dispatch() has work
 */
int ms_lookups_new(struct ms_lookups **ret, int *ret_fd) _must_check_;
/** ms_lookups_free() - ends when the piece in hand is done; what waits is dropped, and
 * nobody hears of it */
void ms_lookups_free(struct ms_lookups *l);

/**
 * ms_lookup() - have something read
 * @work: on the thread; touches @arg and the store, and nothing else of the front
 * @done: afterwards, on the loop's thread from ms_lookups_dispatch()
 * Return: 0; -EAGAIN: too many wait already; -ENOMEM.
 */
int ms_lookup(struct ms_lookups *l, void (*work)(void *arg), void (*done)(void *arg),
	      void *arg) _must_check_;
void ms_lookups_dispatch(struct ms_lookups *l);

#endif
