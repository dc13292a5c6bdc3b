/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/log.h"

#include <stdarg.h>
#include <sys/prctl.h>

static const char *log_role = "main";

void ms_log_role(const char *role)
{
	char name[16];

	log_role = role;
	snprintf(name, sizeof(name), "modseald-%s", role);
	(void)prctl(PR_SET_NAME, name, 0, 0, 0);
}

void ms_log(int level, const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	int n = 0;

	if (getenv("JOURNAL_STREAM"))
		n = snprintf(line, sizeof(line), "<%d>", level & 7);
	n += snprintf(line + n, sizeof(line) - (size_t)n, "modseald[%s]: ", log_role);
	va_start(ap, fmt);
	n += vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	line[n++] = '\n';
	/* One write, so that lines of several processes do not mix. */
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return;
}
