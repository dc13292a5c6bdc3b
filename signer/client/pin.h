/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PINs come from a file descriptor, a systemd credential or a terminal: never from the
 * command line or the environment, and never from a prompt where no one sits.
 */
#ifndef MS_CLI_PIN_H
#define MS_CLI_PIN_H

#include <stdbool.h>
#include "lib/error.h"
#include "lib/limits.h"

/**
 * struct ms_pin - a PIN in locked memory
 * @text: NUL-terminated; from ms_secmem_alloc(); NULL: no PIN
 */
struct ms_pin {
	char *text;
};
void ms_pin_clear(struct ms_pin *pin);
#define _cleanup_pin_ _cleanup_(ms_pin_clear)

/**
 * ms_pin_from_fd() - the first line of a file descriptor
 *
 * Reads up to a newline or the end and not a byte further. Printable ASCII only, so that
 * no keyboard or encoding stands between a person and the key.
 *
 * Return: 0; -EBADF or another errno of read(); -ENODATA (empty), -EINVAL (other
 * characters), -E2BIG (longer than MS_PIN_MAX), -ENOMEM.
 */
int ms_pin_from_fd(int fd, struct ms_pin *ret, struct ms_error *err) _must_check_;

/**
 * ms_pin_from_credential() - the systemd credential KEY.pin, the same as the agent looks
 * for
 * @key: the key's name; a valid one
 * Return: as ms_pin_from_fd(), -ENOENT if there is none.
 */
int ms_pin_from_credential(const char *key, struct ms_pin *ret,
			   struct ms_error *err) _must_check_;

/**
 * ms_pin_from_terminal() - ask on /dev/tty, without echo
 * @what: say "PIN of key distro"
 * @twice: ask again and compare
 *
 * Return: as ms_pin_from_fd(); -ENOTTY (no terminal), -ECANCELED (Ctrl-C or Ctrl-D),
 * -EINVAL also if the two differ.
 */
int ms_pin_from_terminal(const char *what, bool twice, struct ms_pin *ret,
			 struct ms_error *err) _must_check_;

#endif
