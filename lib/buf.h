/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one bounded writer and the one bounded reader. Wire and disk bytes go through
 * these; integers are big-endian.
 */
#ifndef MS_BUF_H
#define MS_BUF_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct ms_buf - a growing buffer with a ceiling
 * @data: the bytes; owned; NULL while empty
 * @len: bytes in use
 * @cap: bytes allocated
 * @max: ceiling; growing past it fails with -EFBIG
 * @err: first error that a put ran into, sticky, so that a chain of puts needs one check
 */
struct ms_buf {
	uint8_t *data;
	size_t len, cap, max;
	int err;
};

#define MS_BUF_INIT(ceiling) ((struct ms_buf){ .max = (ceiling) })

/** ms_buf_clear() - wipe and free the bytes; the buffer can be used again */
void ms_buf_clear(struct ms_buf *b);
#define _cleanup_buf_ _cleanup_(ms_buf_clear)

/** ms_buf_reserve() - room for @n more bytes. Return: 0, -ENOMEM, -EFBIG, as @b->err */
int ms_buf_reserve(struct ms_buf *b, size_t n);

/* Puts append; after a failure they do nothing, and ms_buf_error() tells. */
void ms_buf_put(struct ms_buf *b, const void *p, size_t n);
void ms_buf_put_u8(struct ms_buf *b, uint8_t v);
void ms_buf_put_u16(struct ms_buf *b, uint16_t v);
void ms_buf_put_u32(struct ms_buf *b, uint32_t v);
void ms_buf_put_u64(struct ms_buf *b, uint64_t v);
/** ms_buf_put_bytes() - u32 length, then the bytes */
void ms_buf_put_bytes(struct ms_buf *b, const void *p, size_t n);
/** ms_buf_put_str() - as ms_buf_put_bytes(), without the NUL */
void ms_buf_put_str(struct ms_buf *b, const char *s);
void ms_buf_printf(struct ms_buf *b, const char *fmt, ...) _printf_(2, 3);
int ms_buf_error(const struct ms_buf *b) _must_check_;

/** ms_buf_cstr() - the content with a NUL that is not counted; NULL on error */
const char *ms_buf_cstr(struct ms_buf *b);

/**
 * struct ms_reader - bytes yet to be read; the memory is someone else's
 *
 * A get beyond the end sets @err to -EBADMSG, reads as zero or NULL, and so do all gets
 * after it: parse first, check ms_reader_error() once before using anything.
 */
struct ms_reader {
	const uint8_t *p;
	size_t left;
	int err;
};

#define MS_READER(ptr, n) ((struct ms_reader){ .p = (ptr), .left = (n) })

uint8_t ms_reader_u8(struct ms_reader *r);
uint16_t ms_reader_u16(struct ms_reader *r);
uint32_t ms_reader_u32(struct ms_reader *r);
uint64_t ms_reader_u64(struct ms_reader *r);
/** ms_reader_get() - @n bytes in place, or NULL */
const uint8_t *ms_reader_get(struct ms_reader *r, size_t n);
/** ms_reader_bytes() - u32 length and bytes in place; longer than @max is -EBADMSG */
const uint8_t *ms_reader_bytes(struct ms_reader *r, size_t max, size_t *ret_len);
/** ms_reader_str() - u32 length, bytes into @dst with a NUL; a NUL inside is -EBADMSG */
void ms_reader_str(struct ms_reader *r, char *dst, size_t size);
/** ms_reader_error() - 0 if every get was inside, else -EBADMSG */
int ms_reader_error(const struct ms_reader *r) _must_check_;
/** ms_reader_end() - as ms_reader_error(), and -EBADMSG too if bytes are left over */
int ms_reader_end(const struct ms_reader *r) _must_check_;

void ms_put_be32(uint8_t *p, uint32_t v);
uint32_t ms_get_be32(const uint8_t *p);

#endif
