/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <termios.h>
#include "lib/secmem.h"
#include "signer/client/pin.h"

#define PIN_SIZE (MS_PIN_MAX + 1)

enum { CTRL_C = 3, CTRL_D = 4, BACKSPACE = 8, CTRL_U = 21, DEL = 127 };

void ms_pin_clear(struct ms_pin *pin)
{
	ms_secmem_free(pin->text, PIN_SIZE);
	pin->text = NULL;
}

static int pin_alloc(struct ms_pin *ret, struct ms_error *err)
{
	/* Neither core dumps nor a debugger of the same user. */
	prctl(PR_SET_DUMPABLE, 0);
	ret->text = ms_secmem_alloc(PIN_SIZE);
	if (!ret->text)
		return ms_error_set(err, -ENOMEM, NULL,
				    "no locked memory for the PIN: raise ulimit -l");
	return 0;
}

static int pin_check(const char *text, size_t len, struct ms_error *err)
{
	if (!len)
		return ms_error_set(err, -ENODATA, NULL, "the PIN is empty");
	for (size_t i = 0; i < len; i++) {
		if (text[i] < ' ' || text[i] > '~')
			return ms_error_set(
				err, -EINVAL, NULL,
				"the PIN may only have printable ASCII characters");
	}
	return 0;
}

static int too_long(struct ms_error *err)
{
	return ms_error_set(err, -E2BIG, NULL, "the PIN is longer than %u characters",
			    MS_PIN_MAX);
}

int ms_pin_from_fd(int fd, struct ms_pin *ret, struct ms_error *err)
{
	_cleanup_pin_ struct ms_pin pin = {0};
	size_t len = 0;
	int rc = pin_alloc(&pin, err);

	if (rc)
		return rc;
	for (;;) {
		char c;
		ssize_t n = read(fd, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ms_error_set(
				err, -errno, NULL,
				"cannot read the PIN from file descriptor %d: %s", fd,
				ms_strerror(errno));
		if (!n || c == '\n')
			break;
		if (len == MS_PIN_MAX + (c == '\r'))
			return too_long(err);
		if (len == MS_PIN_MAX)
			continue;
		pin.text[len++] = c;
	}
	if (len && pin.text[len - 1] == '\r')
		pin.text[--len] = '\0';
	rc = pin_check(pin.text, len, err);
	if (rc)
		return rc;
	ret->text = TAKE_PTR(pin.text);
	return 0;
}

int ms_pin_from_credential(const char *key, struct ms_pin *ret, struct ms_error *err)
{
	_cleanup_close_ int fd = -1;
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	char path[MS_PATH_MAX];

	if (!dir || dir[0] != '/')
		return ms_error_set(err, -ENOENT, NULL,
				    "there are no systemd credentials");
	if (snprintf(path, sizeof(path), "%s/%s.pin", dir, key) >= (int)sizeof(path))
		return ms_error_set(err, -ENAMETOOLONG, NULL,
				    "CREDENTIALS_DIRECTORY is too long for a path");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return ms_error_set(err, -errno, NULL,
				    "cannot read the credential %s.pin: %s", key,
				    ms_strerror(errno));
	return ms_pin_from_fd(fd, ret, err);
}

/* One line without echo and without signals, so that nothing leaves the terminal mute. */
static int read_line(int tty, char *ret, size_t *ret_len, struct ms_error *err)
{
	size_t len = 0;

	for (;;) {
		char c;
		ssize_t n = read(tty, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || c == CTRL_C || (c == CTRL_D && !len))
			return ms_error_set(err, -ECANCELED, NULL, "no PIN was given");
		if (c == '\n' || c == '\r')
			break;
		if (c == CTRL_U) {
			len = 0;
		} else if (c == DEL || c == BACKSPACE) {
			len -= len > 0;
		} else if (len == MS_PIN_MAX) {
			return too_long(err);
		} else {
			ret[len++] = c;
		}
	}
	ret[len] = '\0';
	*ret_len = len;
	return pin_check(ret, len, err);
}

static int ask(int tty, const char *what, const char *again, char *ret,
	       struct ms_error *err)
{
	struct termios old, quiet;
	sigset_t block, before;
	size_t len;
	int rc;

	if (tcgetattr(tty, &old))
		return ms_error_set(err, -ENOTTY, NULL, "/dev/tty is no terminal");
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG);
	quiet.c_cc[VMIN] = 1;
	quiet.c_cc[VTIME] = 0;
	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigaddset(&block, SIGHUP);
	sigaddset(&block, SIGINT);
	sigaddset(&block, SIGTSTP);
	sigprocmask(SIG_BLOCK, &block, &before);
	tcsetattr(tty, TCSAFLUSH, &quiet);
	dprintf(tty, "%s%s: ", what, again);
	rc = read_line(tty, ret, &len, err);
	tcsetattr(tty, TCSAFLUSH, &old);
	dprintf(tty, "\n");
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}

int ms_pin_from_terminal(const char *what, bool twice, struct ms_pin *ret,
			 struct ms_error *err)
{
	_cleanup_pin_ struct ms_pin pin = {0}, second = {0};
	_cleanup_close_ int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	int rc;

	if (tty < 0)
		return ms_error_set(
			err, -ENOTTY, NULL,
			"there is no terminal to ask for the PIN: use --pin-fd N");
	rc = pin_alloc(&pin, err);
	if (!rc)
		rc = ask(tty, what, "", pin.text, err);
	if (rc || !twice)
		goto out;
	rc = pin_alloc(&second, err);
	if (!rc)
		rc = ask(tty, what, ", again", second.text, err);
	if (!rc && strcmp(pin.text, second.text))
		rc = ms_error_set(err, -EINVAL, NULL, "the two PINs differ");
out:
	if (!rc)
		ret->text = TAKE_PTR(pin.text);
	return rc;
}
