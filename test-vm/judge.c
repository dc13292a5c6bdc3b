/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The init of the test VM: gives every file in /modules to finit_module(2), one after the
 * other, and writes what the kernel did with it to the second serial port, as one line of
 * JSON per file. Then it powers the machine off. The kernel's console is the first port.
 *
 * The lines: {"boot":...} first, then one {"file":...} per module, {"end":...} last.
 * Without the last one the run is not complete.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <termios.h>

#define MODULES "/modules"
#define PORT "/dev/ttyS1"

/* linux/module.h has it since 5.17; an older kernel answers EINVAL. */
#define COMPRESSED_FILE 4

#define NAME_SIZE 64
#define TEXT_SIZE 256
#define KMSG_RECORD_SIZE 8192

static FILE *port;
static int kmsg = -1;

/* The name of an errno value, "" for 0; the kernel has some that libc has no name for. */
static const char *errno_name(int error)
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

static void put_member(const char *name, const char *value)
{
	fprintf(port, ",\"%s\":", name);
	put_string(value);
}

/* Reads the first line of a file, "" when there is none. */
static void read_line(char *buf, size_t size, const char *fmt, ...) _printf_(3, 4);
static void read_line(char *buf, size_t size, const char *fmt, ...)
{
	char path[TEXT_SIZE];
	ssize_t n = 0;
	va_list ap;
	int fd;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, buf, size - 1);
		close(fd);
	}
	buf[n > 0 ? n : 0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
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

/* Writes what the kernel logged since the last call. */
static void put_log(void)
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

/* The boot's own log is not a module's: only its word on Secure Boot is kept. */
static void put_secure_boot(void)
{
	char record[KMSG_RECORD_SIZE];
	bool enabled = false;
	const char *text;

	while ((text = next_record(record)))
		if (strstr(text, "Secure boot enabled"))
			enabled = true;
	fprintf(port, ",\"secure_boot\":%s", enabled ? "true" : "false");
}

static bool has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && strcmp(s + n - m, suffix) == 0;
}

static int load(const char *file)
{
	bool compressed = has_suffix(file, ".xz") || has_suffix(file, ".zst") ||
			  has_suffix(file, ".gz");
	char path[TEXT_SIZE + sizeof(MODULES)];
	int fd, error = 0;

	snprintf(path, sizeof(path), "%s/%s", MODULES, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (syscall(SYS_finit_module, fd, "", compressed ? COMPRESSED_FILE : 0) < 0)
		error = errno;
	close(fd);
	return error;
}

/* What became of a module that loaded: its taint, its device if it made one, its end. */
static void put_loaded(void)
{
	char name[NAME_SIZE], text[TEXT_SIZE];

	/* The newest module is the first of the list. */
	read_line(name, sizeof(name), "/proc/modules");
	name[strcspn(name, " ")] = '\0';
	put_member("name", name);
	read_line(text, sizeof(text), "/sys/module/%s/taint", name);
	put_member("taint", text);
	read_line(text, sizeof(text), "/dev/%s", name);
	if (*text)
		put_member("device", text);
	if (syscall(SYS_delete_module, name, O_NONBLOCK) < 0)
		put_member("unload", errno_name(errno));
}

static void judge(const char *file)
{
	int error = load(file);

	fputs("{\"file\":", port);
	put_string(file);
	put_member("errno", errno_name(error));
	if (error == 0)
		put_loaded();
	put_log();
	fputs("}\n", port);
	fflush(port);
}

static void judge_all(void)
{
	struct dirent **list;
	int n = scandir(MODULES, &list, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		if (list[i]->d_name[0] != '.')
			judge(list[i]->d_name);
		free(list[i]);
	}
}

static void put_boot(void)
{
	struct utsname uts = {0};
	char text[TEXT_SIZE];

	uname(&uts);
	/* The firmware has written to this port too, and may not have ended its line. */
	fputs("\n{\"boot\":", port);
	put_string(uts.release);
	put_secure_boot();
	read_line(text, sizeof(text), "/sys/kernel/security/lockdown");
	put_member("lockdown", text);
	read_line(text, sizeof(text), "/sys/module/module/parameters/sig_enforce");
	put_member("sig_enforce", text);
	fputs("}\n", port);
	fflush(port);
}

static void put_end(void)
{
	char text[TEXT_SIZE];

	read_line(text, sizeof(text), "/proc/sys/kernel/tainted");
	fputs("{\"end\":", port);
	put_string(text);
	read_line(text, sizeof(text), "/proc/uptime");
	text[strcspn(text, " ")] = '\0';
	put_member("uptime", text);
	fputs("}\n", port);
	fflush(port);
	tcdrain(fileno(port));
}

static void mount_at(const char *type, const char *where)
{
	mkdir(where, 0755);
	if (mount(type, where, type, 0, NULL) < 0)
		perror(where);
}

static int open_port(void)
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

int main(void)
{
	mount_at("proc", "/proc");
	mount_at("sysfs", "/sys");
	mount_at("devtmpfs", "/dev");
	mount_at("securityfs", "/sys/kernel/security");

	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (open_port() < 0 || kmsg < 0) {
		perror("judge: " PORT " or /dev/kmsg");
	} else {
		put_boot();
		judge_all();
		put_end();
	}
	reboot(RB_POWER_OFF);
	return 1;
}
