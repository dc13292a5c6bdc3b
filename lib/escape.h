/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_ESCAPE_H
#define MS_ESCAPE_H

/**
 * ms_escape() - make text from outside safe to print
 * @src, @len: any bytes
 * @dst, @size: printable text with NUL; a cut ends in "..."
 *
 * Control characters, DEL, C1, bidirectional marks, line separators, invisible characters
 * and bytes that are not UTF-8 become \xNN (per byte); a backslash becomes \\.
 *
 * Return: @dst.
 */
char *ms_escape(const char *src, size_t len, char *dst, size_t size);

/** ms_escape_str() - the same for a C string */
char *ms_escape_str(const char *src, char *dst, size_t size);

/**
 * ms_escape_shell() - one word of a command that a shell is to read
 * @dst, @size: the word as it is, or in '...', or, if it is not safe to print, in $'...';
 * four times its length and 4 are enough
 *
 * Return: @dst, which is "" if @size is too small: half a word is another one.
 */
char *ms_escape_shell(const char *src, char *dst, size_t size);

#endif
