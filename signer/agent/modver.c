/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/modver.h"

#include <stdbool.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static const char *skip(const char *p)
{
	while (*p && !is_digit(*p) && !is_letter(*p))
		p++;
	return p;
}

static size_t piece(const char *p)
{
	size_t n = 0;

	while (is_digit(*p) ? is_digit(p[n]) : is_letter(p[n]))
		n++;
	return n;
}

/* Numbers without their leading zeros: the longer one, else the larger digit. */
static int compare_numbers(const char *a, size_t na, const char *b, size_t nb)
{
	for (; na > 1 && *a == '0'; na--)
		a++;
	for (; nb > 1 && *b == '0'; nb--)
		b++;
	if (na != nb)
		return na < nb ? -1 : 1;
	return memcmp(a, b, na);
}

static int compare_words(const char *a, size_t na, const char *b, size_t nb)
{
	int r = memcmp(a, b, MS_MIN(na, nb));

	if (r)
		return r;
	return na == nb ? 0 : (na < nb ? -1 : 1);
}

int ms_modver_compare(const char *a, const char *b)
{
	for (;;) {
		size_t na, nb;
		int r;

		a = skip(a);
		b = skip(b);
		if (!*a || !*b)
			break;
		if (is_digit(*a) != is_digit(*b))
			return is_digit(*a) ? 1 : -1;
		na = piece(a);
		nb = piece(b);
		r = is_digit(*a) ? compare_numbers(a, na, b, nb)
				 : compare_words(a, na, b, nb);
		if (r)
			return r;
		a += na;
		b += nb;
	}
	if (*a)
		return is_digit(*a) ? 1 : -1;
	if (*b)
		return is_digit(*b) ? -1 : 1;
	return 0;
}
