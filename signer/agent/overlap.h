/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nobody asks for a key to retire at the end of its overlap, but it is on record, too. */
#ifndef MS_AGENT_OVERLAP_H
#define MS_AGENT_OVERLAP_H

#include <stdint.h>

struct ms_front;
struct ms_store;

/** ms_overlap_seen() - up to when, seconds since 1970, ends were recorded by the last
 * run: some seconds before its last record */
int64_t ms_overlap_seen(struct ms_store *s);
/** ms_overlap_watch() - a record "key-retire" for each key whose overlap has ended since
 * the last call, once, some seconds after it ended */
void ms_overlap_watch(struct ms_front *f);

#endif
