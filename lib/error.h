/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What went wrong, for a person: libraries fill one in, programs print it once.
 */
#ifndef MS_ERROR_H
#define MS_ERROR_H

/**
 * struct ms_error - one failure in words
 * @code: stable, machine-readable word such as "no-such-key"; "" if there is none
 * @msg: one sentence: what failed, why, what to do; without program name or newline
 *
 * Lives on the caller's stack. Text from outside is escaped when it is put in.
 */
struct ms_error {
	char code[32];
	char msg[512];
};

/**
 * ms_error_set() - say what went wrong
 * @err: where to say it; may be NULL, then nothing is said
 * @rc: negative errno to hand through
 * @code: stable word for machines, or NULL
 * @fmt: the sentence; a cut is marked with "..."
 *
 * Return: @rc, so that a function can end with `return ms_error_set(err, -EINVAL, ...)`.
 */
int ms_error_set(struct ms_error *err, int rc, const char *code, const char *fmt, ...)
	_printf_(4, 5);

/**
 * ms_error_prefix() - put "what failed: " before a sentence that a callee has set
 * @err: may be NULL
 */
void ms_error_prefix(struct ms_error *err, const char *fmt, ...) _printf_(2, 3);

/** ms_strerror() - errno (positive or negative) in words; never NULL, thread-safe */
const char *ms_strerror(int rc);

#endif
