/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The smallest module that says everything of itself: input for unit tests.
 * Built by tests/data/make-module.
 */
#include <linux/init.h>
#include <linux/module.h>

static int __init ms_test_init(void)
{
	return 0;
}

static void __exit ms_test_exit(void)
{
}

module_init(ms_test_init);
module_exit(ms_test_exit);
MODULE_DESCRIPTION("input for modseal's unit tests");
MODULE_VERSION("1.2.3-test");
MODULE_LICENSE("GPL");
