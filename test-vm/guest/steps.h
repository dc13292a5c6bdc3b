/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_GUEST_STEPS_H
#define MS_GUEST_STEPS_H

/**
 * ms_steps_run() - does what a file says, line by line, and reports on each line
 * @path: the file; nothing happens if it is not there
 *
 * A line has fields with tabs between them: a verb, a label for the report, and:
 *
 *   run    LABEL PROGRAM ARGUMENT...   runs it and waits
 *   until  LABEL PROGRAM ARGUMENT...   the same until it succeeds, half a minute at most
 *   start  LABEL PROGRAM ARGUMENT...   runs it in the background, output to the console
 *   stop   LABEL                       SIGTERM to what was started last, and waits for it
 *   load   LABEL PATH                  gives a module to the kernel and leaves it there
 *   tree   LABEL DIRECTORY             the contents of every file below
 *
 * Each is reported as {"step": LABEL, ...}: "status" (exit status, or 128 and the signal)
 * and "output" of a program; after a "load" comes the module's own line; before a "tree"
 * come lines {"file-below", "mode", "hex"}.
 */
void ms_steps_run(const char *path);

#endif
