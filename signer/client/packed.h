/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A module on disk, compressed or not: taking it in, and putting it back in the same
 * form.
 */
#ifndef MS_CLI_PACKED_H
#define MS_CLI_PACKED_H

#include <pthread.h>
#include "compress/compress.h"
#include "lib/file.h"

/* Encoders at work at one time; each takes some 15 MB for a while. */
#define MS_PACKERS_MAX 64u

/**
 * struct ms_packers - encoders that threads share
 *
 * There are more threads than processors, and an encoder for each would only take memory.
 */
struct ms_packers {
	pthread_mutex_t lock;
	pthread_cond_t idle;
	unsigned int n, taken;
	struct ms_deflater d[MS_PACKERS_MAX];
	bool busy[MS_PACKERS_MAX];
};
/** ms_packers_init() - @n: how many at one time, 1 to MS_PACKERS_MAX */
void ms_packers_init(struct ms_packers *p, unsigned int n);
void ms_packers_clear(struct ms_packers *p);

/**
 * struct ms_packed - a module as it was read; reused from file to file
 * @f: the file as it is
 * @fd: the open file, whose mode, owner and attributes ms_packed_write() keeps; -1: none
 * @kind: how it is compressed
 * @data, @len: the module, uncompressed, with any signature; points into @f or @out
 * @payload_len: its bytes without any signature
 */
struct ms_packed {
	struct ms_file f;
	int fd;
	enum ms_compression kind;
	const uint8_t *data;
	size_t len, payload_len;

	/* private */
	uint8_t *out;
	size_t cap;
};
#define MS_PACKED_INIT   \
	{                \
		.fd = -1 \
	}

/** ms_packed_close() - done with this file; memory is kept for the next one */
void ms_packed_close(struct ms_packed *m);
/** ms_packed_trim() - gives memory back that is more than @max bytes */
void ms_packed_trim(struct ms_packed *m, size_t max);
void ms_packed_clear(struct ms_packed *m);
#define _cleanup_packed_ _cleanup_(ms_packed_clear)

/**
 * ms_packed_read() - read a module, and decompress it by what its first bytes say
 *
 * Return: 0; as ms_module_read(); -EBADMSG (damaged, cut off, something after the
 * stream), -EFBIG (a bomb), -ENOPKG (asks for more than kernels' compression does); with
 * a sentence.
 */
int ms_packed_read(struct ms_packed *m, const char *path,
		   struct ms_error *err) _must_check_;

/**
 * ms_packed_write() - payload, message and trailer in the module's place, compressed as
 * it was, all or nothing
 * @msg, @msg_len: DER PKCS#7 message; @msg_len 0: the payload alone
 * @dest: where it goes instead of @path, or NULL
 * @sync: fsync before the rename
 *
 * What is compressed becomes what the kernel's build would make of it (see ms_deflate()),
 * whatever had compressed it before.
 *
 * Return: 0; -EAGAIN (someone changed the file since); as ms_file_replace().
 */
int ms_packed_write(struct ms_packed *m, struct ms_packers *packers, const char *path,
		    const uint8_t *msg, size_t msg_len, const char *dest, bool sync,
		    struct ms_error *err) _must_check_;

/** ms_packed_write_tail() - ms_packed_write() of what follows the payload, as it is */
int ms_packed_write_tail(struct ms_packed *m, struct ms_packers *packers,
			 const char *path, const uint8_t *tail, size_t len,
			 const char *dest, bool sync, struct ms_error *err) _must_check_;

struct ms_sign_options;
struct ms_buf;
/** ms_packed_write_signed() - ms_packed_write() and the message's own file, as @opt says
 */
int ms_packed_write_signed(struct ms_packed *m, struct ms_packers *packers,
			   const char *path, const struct ms_sign_options *opt,
			   const struct ms_buf *message,
			   struct ms_error *err) _must_check_;

#endif
