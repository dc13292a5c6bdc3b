/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sys/ioctl.h>
#include <time.h>
#include "signer/client/progress.h"

#define BAR_MAX 40
#define LINE_MAX_BYTES 256

double ms_progress_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

void ms_progress_start(struct ms_progress *p, size_t total, bool quiet)
{
	const char *term = getenv("TERM");

	*p = (struct ms_progress){.total = total, .start = ms_progress_now()};
	p->on = !quiet && total && isatty(STDERR_FILENO) && term && strcmp(term, "dumb");
}

const char *ms_progress_line(size_t done, size_t total, double elapsed,
			     unsigned int columns, char *ret, size_t size)
{
	double rate = elapsed > 0 ? (double)done / elapsed : 0;
	char bar[BAR_MAX + 1], facts[96], eta[32] = "-";
	size_t width = 0, filled;

	if (rate > 0) {
		unsigned long left = (unsigned long)((double)(total - done) / rate + 0.5);

		snprintf(eta, sizeof(eta), "%lu:%02lu", left / 60, left % 60);
	}
	snprintf(facts, sizeof(facts), "%zu/%zu  %3zu%%  %.0f/s  ETA %s", done, total,
		 total ? done * 100 / total : 100, rate, eta);
	/* Brackets, a space, and the last column, which some terminals wrap at. */
	if (columns > strlen(facts) + 4 + 8)
		width = MS_MIN(columns - strlen(facts) - 4, (size_t)BAR_MAX);
	filled = total ? done * width / total : width;
	memset(bar, ' ', sizeof(bar));
	memset(bar, '#', filled);
	bar[width] = '\0';
	if (width)
		snprintf(ret, size, "[%s] %s", bar, facts);
	else
		snprintf(ret, size, "%.*s", (int)(columns ? columns - 1 : 0), facts);
	return ret;
}

void ms_progress_draw(struct ms_progress *p, size_t done)
{
	char line[LINE_MAX_BYTES];
	struct winsize ws = {0};

	if (!p->on)
		return;
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) || !ws.ws_col)
		ws.ws_col = 80;
	fprintf(stderr, "\r%s\033[K",
		ms_progress_line(done, p->total, ms_progress_now() - p->start, ws.ws_col,
				 line, sizeof(line)));
	p->shown = true;
}

void ms_progress_wipe(struct ms_progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}
