/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_AGENT_EVENT_MEMORY_H
#define MS_AGENT_EVENT_MEMORY_H

/**
 * ms_event_memory() - have libevent wipe the memory that it gives back
 *
 * PINs and imported keys pass through its buffers. Blocks up to 64 KiB are wiped, which
 * those requests fit in; modules are no secret. To be called before all else of libevent.
 */
void ms_event_memory(void);

#endif
