// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A small driver of our own, built out of tree, for the test VM and the demo to sign: the
 * character device /dev/modseal_probe answers each reader with the driver's name, its
 * version and how often it has been opened. Whoever reads that line knows that the
 * module not only loaded, but runs.
 */
#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

#define PROBE_NAME "modseal_probe"
#define PROBE_VERSION "1.0"

static atomic_t opened = ATOMIC_INIT(0);

static int probe_open(struct inode *inode, struct file *file)
{
	/* Each open file keeps its own number, so that all of its reads agree. */
	file->private_data = (void *)(long)atomic_inc_return(&opened);
	return 0;
}

static ssize_t probe_read(struct file *file, char __user *buf, size_t size, loff_t *at)
{
	char line[64];
	int len;

	len = scnprintf(line, sizeof(line), PROBE_NAME " " PROBE_VERSION " opened %ld\n",
			(long)file->private_data);
	return simple_read_from_buffer(buf, size, at, line, len);
}

static const struct file_operations probe_operations = {
	.owner = THIS_MODULE,
	.open = probe_open,
	.read = probe_read,
};

static struct miscdevice probe_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = PROBE_NAME,
	.fops = &probe_operations,
	.mode = 0444,
};

module_misc_device(probe_device);

MODULE_DESCRIPTION("Answers that it is loaded, for the tests of modseal");
MODULE_AUTHOR("The modseal authors");
MODULE_VERSION(PROBE_VERSION);
MODULE_LICENSE("GPL");
