/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A progress bar on stderr, if that is a terminal that can redraw a line. */
#ifndef MS_CLI_PROGRESS_H
#define MS_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct ms_progress - state of the bar
 * @on: there is a terminal and the user wants it
 * @shown: the line has something on it
 * @total: 100 percent
 * @start: ms_progress_now() when it began
 */
struct ms_progress {
	bool on, shown;
	size_t total;
	double start;
};

/** ms_progress_now() - seconds on the monotonic clock */
double ms_progress_now(void);
/** ms_progress_start() - @quiet: never draw */
void ms_progress_start(struct ms_progress *p, size_t total, bool quiet);
/** ms_progress_draw() - the line, over the one before */
void ms_progress_draw(struct ms_progress *p, size_t done);
/** ms_progress_wipe() - an empty line, so that something else can be printed */
void ms_progress_wipe(struct ms_progress *p);

/**
 * ms_progress_line() - the text itself; no I/O
 * @columns: width of the terminal
 * @elapsed: seconds since the start
 * Return: @ret.
 */
const char *ms_progress_line(size_t done, size_t total, double elapsed,
			     unsigned int columns, char *ret, size_t size);

#endif
