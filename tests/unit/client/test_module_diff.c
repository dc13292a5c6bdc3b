/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/client/module_diff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

/* The difference as text, without the modules themselves. */
static void check(const char *old, const char *new, const char *want)
{
	static const char *const lists[] = {"new", "gone", "changed", "rebuilt"};
	json_t *a = json_loads(old, 0, NULL), *b = json_loads(new, 0, NULL), *d = NULL;
	char text[500];
	size_t n = 0;

	assert_non_null(a);
	assert_non_null(b);
	assert_int_equal(ms_module_diff(a, b, &d), 0);
	text[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const json_t *list = json_object_get(d, lists[i]);

		for (size_t k = 0; k < json_array_size(list); k++) {
			json_t *m = json_array_get(list, k);
			char *names = json_dumps(json_object_get(m, "changes"), 0);

			n += (size_t)snprintf(
				text + n, sizeof(text) - n, "%s %s%s ", lists[i],
				json_string_value(json_object_get(m, "path")),
				names ? names : "");
			free(names);
		}
	}
	for (size_t k = 0; k < json_array_size(json_object_get(d, "moved")); k++) {
		json_t *m = json_array_get(json_object_get(d, "moved"), k);

		n += (size_t)snprintf(text + n, sizeof(text) - n, "moved %s>%s ",
				      json_string_value(json_object_get(m, "from")),
				      json_string_value(json_object_get(m, "to")));
	}
	snprintf(text + n, sizeof(text) - n, "same %d",
		 (int)json_integer_value(json_object_get(d, "same")));
	assert_string_equal(text, want);
	json_decref(a);
	json_decref(b);
	json_decref(d);
}

#define M(path, name, digest, src)                                          \
	"{\"path\":\"" path "\",\"name\":\"" name "\",\"digest\":\"" digest \
	"\",\"srcversion\":\"" src "\"}"

static void test_diff(void **state)
{
	check("[]", "[]", "same 0");
	check("[" M("a", "a", "1", "x") "]", "[" M("a", "a", "1", "x") "]", "same 1");
	check("[]", "[" M("a", "a", "1", "x") "]", "new a same 0");
	check("[" M("a", "a", "1", "x") "]", "[]", "gone a same 0");
	check("[" M("a", "a", "1", "x") "]", "[" M("a", "a", "2", "x") "]",
	      "rebuilt a[\"digest\"] same 0");
	check("[" M("a", "a", "1", "x") "]", "[" M("a", "a", "2", "y") "]",
	      "changed a[\"srcversion\", \"digest\"] same 0");
	check("[" M("a", "a", "1", "x") "]", "[" M("b", "a", "1", "x") "]",
	      "moved a>b same 0");
	check("[" M("a", "a", "1", "x") "]", "[" M("b", "a", "1", "y") "]",
	      "changed b[\"srcversion\"] moved a>b same 0");
}

/* Nothing tells a module without version from another that was built anew. */
static void test_without_source(void **state)
{
	check("[{\"path\":\"a\",\"digest\":\"1\"}]",
	      "[{\"path\":\"a\",\"digest\":\"2\"}]", "changed a[\"digest\"] same 0");
}

/* A name that is there twice has not moved. */
static void test_twins(void **state)
{
	check("[" M("a", "a", "1", "x") "," M("b", "a", "1", "x") "]",
	      "[" M("c", "a", "1", "x") "]", "new c gone a gone b same 0");
	check("[" M("a", "a", "1", "x") "]",
	      "[" M("a", "a", "1", "x") "," M("b", "a", "1", "x") "]", "new b same 1");
}

/* What an agent sends may be anything. */
static void test_nonsense(void **state)
{
	check("[1,null,{}]", "[\"x\",{\"path\":5}]", "same 1");
	check("{}", "[]", "same 0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_diff),
		cmocka_unit_test(test_without_source),
		cmocka_unit_test(test_twins),
		cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
