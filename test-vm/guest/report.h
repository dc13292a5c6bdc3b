/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_GUEST_REPORT_H
#define MS_GUEST_REPORT_H

#include <stddef.h>

/*
 * What the guest has to say, as one JSON object per line on the second serial port, and
 * what it reads of the kernel to say it. There is one port and one log, and one process
 * that uses them.
 */

/** ms_report_open() - opens the port and the kernel's log; 0 or a negative errno */
int ms_report_open(void) _must_check_;

/** ms_report_begin() - begins a line, whose first member is @name with the text @value */
void ms_report_begin(const char *name, const char *value);

/** ms_report_text() - one more member with a text; bytes that are not ASCII are escaped
 */
void ms_report_text(const char *name, const char *value);

/** ms_report_number() - one more member with a number */
void ms_report_number(const char *name, long value);

/** ms_report_hex() - one more member with bytes, as hexadecimal digits */
void ms_report_hex(const char *name, const void *data, size_t size);

/** ms_report_log() - one more member, "log": what the kernel logged since the last call
 */
void ms_report_log(void);

/** ms_report_secure_boot() - one more member: did the kernel's log speak of Secure Boot;
 * takes in all of the log up to now */
void ms_report_secure_boot(void);

/** ms_report_end() - ends a line; it is on its way when this returns */
void ms_report_end(void);

/** ms_report_drain() - waits until the port has sent everything */
void ms_report_drain(void);

/** ms_errno_name() - the name of an errno value, "" for 0, a number if libc has no name
 */
const char *ms_errno_name(int error);

/** ms_line_read() - the first line of a file, "" when there is none */
void ms_line_read(char *ret, size_t size, const char *fmt, ...) _printf_(3, 4);

#endif
