/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A module on disk: taking it in without its signature, putting it back with one.
 */
#ifndef MS_MODULE_FILE_H
#define MS_MODULE_FILE_H

#include "lib/file.h"

/**
 * ms_module_read() - read an uncompressed module that is going to be signed
 * @f: reuses the memory of an earlier read
 * @ret_fd: the open file, whose mode, owner and attributes ms_module_append() keeps
 * @ret_payload_len: bytes without any signature that it carries
 *
 * Return: 0; as ms_file_read(); -ENOEXEC (not an ELF file, empty, compressed); -EBADMSG
 * or -ENOPKG (its signature cannot be understood, so it cannot be replaced either).
 */
int ms_module_read(const char *path, struct ms_file *f, int *ret_fd,
		   size_t *ret_payload_len, struct ms_error *err) _must_check_;

/** ms_module_payload() - the part of ms_module_read() that looks at the bytes
 * Return: as ms_module_read(), without those of ms_file_read(). */
int ms_module_payload(const uint8_t *p, size_t n, size_t *ret,
		      struct ms_error *err) _must_check_;

/**
 * ms_module_replace() - other content in the module's place, all or nothing
 * @path, @fd, @f: from ms_module_read(), or as it has them
 * @iov, @n, @dest, @sync: as in ms_file_replace() and ms_module_append()
 *
 * What only adds to the file, is not to be synced and stays where it is, is written in
 * place (ms_file_append()) if that is as good.
 *
 * Return: 0; -EAGAIN (someone changed the file since); as ms_file_replace().
 */
int ms_module_replace(const char *path, int fd, const struct ms_file *f,
		      const struct iovec *iov, int n, const char *dest, bool sync,
		      struct ms_error *err) _must_check_;

/**
 * ms_module_append() - payload, message and trailer in the module's place, all or nothing
 * @path, @fd, @f, @payload_len: from ms_module_read()
 * @msg, @msg_len: DER PKCS#7 message
 * @dest: where it goes instead of @path, or NULL
 * @sync: fsync before the rename
 *
 * Return: 0; -EAGAIN (someone changed the file since); as ms_file_replace().
 */
int ms_module_append(const char *path, int fd, const struct ms_file *f,
		     size_t payload_len, const uint8_t *msg, size_t msg_len,
		     const char *dest, bool sync, struct ms_error *err) _must_check_;

#endif
