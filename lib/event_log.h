/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The firmware's event log, as Linux has it in binary_bios_measurements (TCG PC Client
 * Platform Firmware Profile, 10: crypto-agile format).
 */
#ifndef MS_EVENT_LOG_H
#define MS_EVENT_LOG_H

#include <stddef.h>
#include <stdint.h>
#include "lib/tpm_policy.h"

#define MS_EVENT_LOG_MAX (1u << 20) /* bytes */

/**
 * ms_event_log_replay() - what the SHA-256 PCRs should be after the log's events
 * @ret: by number; PCRs without an event are 32 zero bytes
 *
 * The log is not signed: only PCRs that a quote has make it worth anything.
 *
 * Return: 0, -EBADMSG (malformed), -ENOPKG (no SHA-256 digests, or the older format),
 * -EFBIG.
 */
int ms_event_log_replay(const uint8_t *p, size_t len,
			uint8_t ret[MS_PCRS][32]) _must_check_;

#endif
