/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_AGENT_LISTEN_H
#define MS_AGENT_LISTEN_H

#include <sys/socket.h>
#include <sys/types.h>
#include "lib/error.h"

/**
 * ms_listen_unix() - a listening, non-blocking Unix socket at @path
 * @mode: of the socket file
 *
 * Its directory is made (0755) if only the last part is missing. A socket file that
 * nobody answers on is replaced; one that somebody answers on, or another kind of file,
 * is not.
 *
 * Return: 0 or a negative errno with a sentence.
 */
int ms_listen_unix(const char *path, mode_t mode, int *ret_fd,
		   struct ms_error *err) _must_check_;

/**
 * ms_listen_address() - "192.0.2.1:8443" or "[2001:db8::1]:8443", numbers only
 * Return: 0 or -EINVAL.
 */
int ms_listen_address(const char *text, struct sockaddr_storage *ret,
		      socklen_t *ret_len) _must_check_;
/** ms_listen_tcp() - a listening, non-blocking TCP socket. Return: as ms_listen_unix() */
int ms_listen_tcp(const char *address, int *ret_fd, struct ms_error *err) _must_check_;

/** ms_listen_remove() - remove the socket file if it is still the one of @fd */
void ms_listen_remove(const char *path, int fd);

#endif
