/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The init of the test VM: gives every file in /modules to finit_module(2), one after the
 * other, then does what /steps says, if it is there, and powers the machine off. What
 * comes of it goes to the second serial port, as one line of JSON for each module and
 * step; the kernel's console is the first port.
 *
 * {"boot":...} is the first line, {"end":...} the last: without that the run is not
 * complete.
 */
#include <dirent.h>
#include <errno.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include "test-vm/guest/module.h"
#include "test-vm/guest/report.h"
#include "test-vm/guest/steps.h"

#define MODULES "/modules"
#define STEPS "/steps"
#define TEXT_SIZE 512

static void judge_all(void)
{
	struct dirent **list;
	int n = scandir(MODULES, &list, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		char path[TEXT_SIZE];

		snprintf(path, sizeof(path), "%s/%s", MODULES, list[i]->d_name);
		if (list[i]->d_name[0] != '.')
			ms_module_judge(path, false);
		free(list[i]);
	}
}

static void report_boot(void)
{
	struct utsname uts = {0};
	char text[TEXT_SIZE];

	uname(&uts);
	ms_report_begin("boot", uts.release);
	ms_report_secure_boot();
	ms_line_read(text, sizeof(text), "/sys/kernel/security/lockdown");
	ms_report_text("lockdown", text);
	ms_line_read(text, sizeof(text), "/sys/module/module/parameters/sig_enforce");
	ms_report_text("sig_enforce", text);
	ms_report_end();
}

static void report_end(void)
{
	char text[TEXT_SIZE];

	ms_line_read(text, sizeof(text), "/proc/sys/kernel/tainted");
	ms_report_begin("end", text);
	ms_line_read(text, sizeof(text), "/proc/uptime");
	text[strcspn(text, " ")] = '\0';
	ms_report_text("uptime", text);
	ms_report_end();
	ms_report_drain();
}

static void mount_at(const char *type, const char *where)
{
	mkdir(where, 0755);
	if (mount(type, where, type, 0, NULL) < 0)
		perror(where);
}

int main(void)
{
	int r;

	mount_at("proc", "/proc");
	mount_at("sysfs", "/sys");
	mount_at("devtmpfs", "/dev");
	mount_at("securityfs", "/sys/kernel/security");

	r = ms_report_open();
	if (r < 0) {
		fprintf(stderr, "judge: nowhere to report to: %s\n", strerror(-r));
	} else {
		report_boot();
		judge_all();
		ms_steps_run(STEPS);
		report_end();
	}
	reboot(RB_POWER_OFF);
	return 1;
}
