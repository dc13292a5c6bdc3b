/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-vm/guest/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <termios.h>

#define PORT "/dev/ttyS1"
#define LOG "/dev/kmsg"
#define PATH_SIZE 256
#define KMSG_RECORD_SIZE 8192

static FILE *port;
static int kmsg = -1;

static int port_open(void)
{
	struct termios raw;
	int fd = open(PORT, O_WRONLY | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (tcgetattr(fd, &raw) == 0) {
		cfmakeraw(&raw);
		cfsetspeed(&raw, B115200);
		tcsetattr(fd, TCSANOW, &raw);
	}
	port = fdopen(fd, "w");
	return port ? 0 : -errno;
}

int ms_report_open(void)
{
	int r;

	kmsg = open(LOG, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kmsg < 0)
		return -errno;
	r = port_open();
	if (r == 0)
		/* The firmware wrote here too, and may not have ended its line. */
		fputc('\n', port);
	return r;
}

static void put_string(const char *s)
{
	fputc('"', port);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			fprintf(port, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			fprintf(port, "\\u%04x", c);
		else
			fputc(c, port);
	}
	fputc('"', port);
}

void ms_report_begin(const char *name, const char *value)
{
	fprintf(port, "{\"%s\":", name);
	put_string(value);
}

void ms_report_text(const char *name, const char *value)
{
	fprintf(port, ",\"%s\":", name);
	put_string(value);
}

void ms_report_number(const char *name, long value)
{
	fprintf(port, ",\"%s\":%ld", name, value);
}

void ms_report_hex(const char *name, const void *data, size_t size)
{
	const unsigned char *bytes = data;

	fprintf(port, ",\"%s\":\"", name);
	for (size_t i = 0; i < size; i++)
		fprintf(port, "%02x", bytes[i]);
	fputc('"', port);
}

/* Reads the next record of the kernel's log: its text, or NULL when none is left. */
static const char *next_record(char *record)
{
	ssize_t n;
	char *text;

	do {
		n = read(kmsg, record, KMSG_RECORD_SIZE - 1);
	} while (n < 0 && (errno == EPIPE || errno == EINTR));
	if (n <= 0)
		return NULL;
	record[n] = '\0';
	text = strchr(record, ';');
	text = text ? text + 1 : record;
	text[strcspn(text, "\n")] = '\0';
	return text;
}

void ms_report_log(void)
{
	char record[KMSG_RECORD_SIZE];
	const char *separator = "";
	const char *text;

	fputs(",\"log\":[", port);
	while ((text = next_record(record))) {
		fputs(separator, port);
		put_string(text);
		separator = ",";
	}
	fputc(']', port);
}

void ms_report_secure_boot(void)
{
	char record[KMSG_RECORD_SIZE];
	bool enabled = false;
	const char *text;

	while ((text = next_record(record)))
		if (strstr(text, "Secure boot enabled"))
			enabled = true;
	fprintf(port, ",\"secure_boot\":%s", enabled ? "true" : "false");
}

void ms_report_end(void)
{
	fputs("}\n", port);
	fflush(port);
}

void ms_report_drain(void)
{
	tcdrain(fileno(port));
}

const char *ms_errno_name(int error)
{
	static char number[16];
	const char *name;

	if (error == 0)
		return "";
	name = strerrorname_np(error);
	if (name)
		return name;
	snprintf(number, sizeof(number), "%d", error);
	return number;
}

void ms_line_read(char *ret, size_t size, const char *fmt, ...)
{
	char path[PATH_SIZE];
	ssize_t n = 0;
	va_list ap;
	int fd;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, ret, size - 1);
		close(fd);
	}
	ret[n > 0 ? n : 0] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
}
