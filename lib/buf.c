/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/buf.h"
#include <errno.h>
#include <stdarg.h>

#define FIRST_CAP 256u

void ms_buf_clear(struct ms_buf *b)
{
	if (b->data) {
		explicit_bzero(b->data, b->cap);
		free(b->data);
	}
	*b = MS_BUF_INIT(b->max);
}

/* Makes room for @need bytes in all. Not realloc(): that could leave a secret behind. */
static int grow(struct ms_buf *b, size_t need)
{
	size_t cap = b->cap ? b->cap : FIRST_CAP;
	uint8_t *p;

	if (b->data && need <= b->cap)
		return 0;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	/* Past the ceiling there is nothing to save for. */
	if (cap > b->max)
		cap = need;
	/* One byte more than is ever counted: room for a NUL. */
	if (cap >= PTRDIFF_MAX)
		return b->err = -ENOMEM;
	p = malloc(cap + 1);
	if (!p)
		return b->err = -ENOMEM;
	if (b->data) {
		memcpy(p, b->data, b->len);
		explicit_bzero(b->data, b->cap);
		free(b->data);
	}
	b->data = p;
	b->cap = cap;
	return 0;
}

int ms_buf_reserve(struct ms_buf *b, size_t n)
{
	if (b->err)
		return b->err;
	if (b->len > b->max || n > b->max - b->len)
		return b->err = -EFBIG;
	return grow(b, b->len + n);
}

void ms_buf_put(struct ms_buf *b, const void *p, size_t n)
{
	if (!n || ms_buf_reserve(b, n) < 0)
		return;
	memcpy(b->data + b->len, p, n);
	b->len += n;
}

void ms_buf_put_u8(struct ms_buf *b, uint8_t v)
{
	ms_buf_put(b, &v, 1);
}

void ms_buf_put_u16(struct ms_buf *b, uint16_t v)
{
	uint8_t p[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	ms_buf_put(b, p, sizeof(p));
}

void ms_buf_put_u32(struct ms_buf *b, uint32_t v)
{
	uint8_t p[4];

	ms_put_be32(p, v);
	ms_buf_put(b, p, sizeof(p));
}

void ms_buf_put_u64(struct ms_buf *b, uint64_t v)
{
	uint8_t p[8];

	ms_put_be32(p, (uint32_t)(v >> 32));
	ms_put_be32(p + 4, (uint32_t)v);
	ms_buf_put(b, p, sizeof(p));
}

void ms_buf_put_bytes(struct ms_buf *b, const void *p, size_t n)
{
	if (b->err)
		return;
	if (n > UINT32_MAX) {
		b->err = -EFBIG;
		return;
	}
	/* Both or neither: a length without its bytes would be worse than nothing. */
	if (n > SIZE_MAX - 4 || ms_buf_reserve(b, n + 4) < 0)
		return;
	ms_buf_put_u32(b, (uint32_t)n);
	ms_buf_put(b, p, n);
}

void ms_buf_put_str(struct ms_buf *b, const char *s)
{
	ms_buf_put_bytes(b, s, strlen(s));
}

void ms_buf_printf(struct ms_buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	if (b->err)
		return;
	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->err = -EINVAL;
	} else if (ms_buf_reserve(b, (size_t)n) == 0) {
		vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

int ms_buf_error(const struct ms_buf *b)
{
	return b->err;
}

const char *ms_buf_cstr(struct ms_buf *b)
{
	if (b->err || grow(b, b->len) < 0)
		return NULL;
	b->data[b->len] = '\0';
	return (const char *)b->data;
}

const uint8_t *ms_reader_get(struct ms_reader *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->err)
		return NULL;
	if (n > r->left) {
		r->err = -EBADMSG;
		r->left = 0;
		return NULL;
	}
	if (n) {
		r->p += n;
		r->left -= n;
	}
	return p;
}

uint8_t ms_reader_u8(struct ms_reader *r)
{
	const uint8_t *p = ms_reader_get(r, 1);

	return p ? p[0] : 0;
}

uint16_t ms_reader_u16(struct ms_reader *r)
{
	const uint8_t *p = ms_reader_get(r, 2);

	return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

uint32_t ms_reader_u32(struct ms_reader *r)
{
	const uint8_t *p = ms_reader_get(r, 4);

	return p ? ms_get_be32(p) : 0;
}

uint64_t ms_reader_u64(struct ms_reader *r)
{
	const uint8_t *p = ms_reader_get(r, 8);

	return p ? (uint64_t)ms_get_be32(p) << 32 | ms_get_be32(p + 4) : 0;
}

static void reader_fail(struct ms_reader *r)
{
	r->err = -EBADMSG;
	r->left = 0;
}

const uint8_t *ms_reader_bytes(struct ms_reader *r, size_t max, size_t *ret_len)
{
	uint32_t n = ms_reader_u32(r);
	const uint8_t *p;

	*ret_len = 0;
	if (!r->err && n > max)
		reader_fail(r);
	p = ms_reader_get(r, n);
	if (!p)
		return NULL;
	*ret_len = n;
	return p;
}

void ms_reader_str(struct ms_reader *r, char *dst, size_t size)
{
	const uint8_t *p;
	size_t n;

	if (!size) {
		reader_fail(r);
		return;
	}
	dst[0] = '\0';
	p = ms_reader_bytes(r, size - 1, &n);
	if (!p)
		return;
	if (n && memchr(p, 0, n)) {
		reader_fail(r);
		return;
	}
	if (n)
		memcpy(dst, p, n);
	dst[n] = '\0';
}

int ms_reader_error(const struct ms_reader *r)
{
	return r->err;
}

int ms_reader_end(const struct ms_reader *r)
{
	return r->err ? r->err : r->left ? -EBADMSG : 0;
}

void ms_put_be32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

uint32_t ms_get_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
