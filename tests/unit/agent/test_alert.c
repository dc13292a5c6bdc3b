/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/alert.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <jansson.h>

static void texts(void **state)
{
	assert_true(ms_alert_text_valid("{\"a\":1}"));
	assert_false(ms_alert_text_valid("{}"));
	assert_false(ms_alert_text_valid(""));
	assert_false(ms_alert_text_valid("[1]"));
	assert_false(ms_alert_text_valid("{\"a\":\n1}"));
	assert_false(ms_alert_text_valid("{\"a\":\"\x7f\"}"));
}

static void composed(void **state)
{
	char text[512];
	json_t *j;
	int n;

	n = ms_alert_compose(MS_ALERT_TPM, 3, "{\"message\":\"m\"}", text, sizeof(text));
	assert_int_equal(n, strlen(text));
	assert_int_equal(text[n - 1], '\n');
	j = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(j);
	assert_string_equal(json_string_value(json_object_get(j, "alert")), "tpm");
	assert_string_equal(json_string_value(json_object_get(j, "message")), "m");
	assert_int_equal(json_integer_value(json_object_get(j, "events")), 3);
	json_decref(j);
	assert_int_equal(ms_alert_compose(MS_ALERT_TPM, 3, "{\"m\":1}", text, 40),
			 -EFBIG);
}

/* What a front that was taken over may send changes nothing. */
static void nonsense(void **state)
{
	static struct ms_alerts a;
	struct ms_config c = {.alert = MS_ALERT_DEFAULTS};
	char text[MS_ALERT_MAX + 1];

	ms_alerts_put(&a, &c, MS_ALERT_KINDS, "{\"a\":1}");
	ms_alerts_put(&a, &c, 255, "{\"a\":1}");
	ms_alerts_put(&a, &c, MS_ALERT_LOG, "{\"a\":\"\x1b\"}");
	memset(text, 'x', sizeof(text) - 1);
	text[0] = '{';
	text[sizeof(text) - 2] = '}';
	text[sizeof(text) - 1] = '\0';
	ms_alerts_put(&a, &c, MS_ALERT_LOG, text);
	assert_int_equal(ms_alerts_next(&a), -1);
	c.alert.kinds = 0;
	ms_alerts_put(&a, &c, MS_ALERT_LOG, "{\"a\":1}");
	assert_int_equal(ms_alerts_next(&a), -1);
}

/* Without a command it is logged, and nothing waits. */
static void without_command(void **state)
{
	static struct ms_alerts a;
	struct ms_config c = {.alert = MS_ALERT_DEFAULTS};

	ms_alerts_put(&a, &c, MS_ALERT_LOG, "{\"a\":1}");
	assert_int_equal(ms_alerts_next(&a), 0);
	ms_alerts_step(&a, &c, 1000);
	assert_int_equal(ms_alerts_next(&a), -1);
	assert_false(ms_alerts_reaped(&a, 1, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts),
		cmocka_unit_test(composed),
		cmocka_unit_test(nonsense),
		cmocka_unit_test(without_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
