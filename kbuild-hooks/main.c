/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * modseal-sign-file, also installed as kmodsign: takes the place of the kernel's
 * scripts/sign-file. It runs once for each module of a build, so it is small: libc alone,
 * one connection to the agent, one read and one write of the module.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include "kbuild-hooks/arguments.h"
#include "kbuild-hooks/relro.h"
#include "kbuild-hooks/remote.h"
#include "kbuild-hooks/x509_file.h"
#include "lib/agent_client.h"
#include "lib/escape.h"
#include "lib/file.h"
#include "lib/module_file.h"

static const char usage_text[] =
	"Usage: modseal-sign-file [-dpk] [--no-sync] HASH KEY X509 MODULE [DEST]\n"
	"       modseal-sign-file -s RAWSIG HASH X509 MODULE [DEST]\n";

static const char help_text[] =
	"\n"
	"Signs a kernel module with a key of the modseal agent, as the kernel's "
	"sign-file does.\n"
	"\n"
	"  KEY   modseal:NAME or pkcs11:modseal:key=NAME; anything else stands for the "
	"key in\n"
	"        MODSEAL_KEY, or in the client's configuration\n"
	"  X509  certificate that the kernel is built with; if the file exists, it must "
	"hold\n"
	"        the certificate of KEY\n"
	"  -d    write only the detached signature, to MODULE.p7s\n"
	"  -p    sign, and keep the detached signature in MODULE.p7s too\n"
	"  -k    name the certificate by its subject key identifier\n"
	"  --no-sync  do not wait for the disk: for a file that was written just now\n"
	"  -s    append RAWSIG, a PKCS#7 message that was made elsewhere; asks no "
	"agent\n"
	"  --help, --version\n";

/* What a certificate that does not fit comes to. Return: @r */
static int certificate_error(int r, const char *key, struct ms_error *err)
{
	switch (r) {
	case -ENOKEY:
		return ms_error_set(
			err, r, "wrong-certificate",
			"not the certificate of key %s, so this kernel would refuse "
			"the module: sign with the key it belongs to, or put "
			"`modseal key cert %s --der` there and build the kernel, or the "
			"modules, again",
			key, key);
	case -ENODATA:
	case -EBADMSG:
		return ms_error_set(
			err, r, "bad-certificate",
			"holds no certificate that could be read, so this kernel "
			"would refuse the module: put `modseal key cert %s --der` there "
			"and build the kernel, or the modules, again",
			key);
	default:
		return ms_error_set(err, r, NULL, "%s", ms_strerror(r));
	}
}

/* Asks the agent for the certificate. @h: NULL: the agent is on another host */
static int compare_certificate(struct ms_http *h, const struct ms_file *f,
			       const char *key, struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf cert = MS_BUF_INIT(MS_CERT_MAX);
	char target[sizeof("/v1/keys//certificate") + MS_KEY_NAME_MAX];
	int r;

	snprintf(target, sizeof(target), "/v1/keys/%s/certificate", key);
	r = h ? ms_agent_call(h, "GET", target, "application/pkix-cert", NULL, NULL, 0,
			      &cert, err)
	      : ms_hook_remote_cert(key, &cert, err);
	if (r < 0)
		return r;
	r = ms_x509_file_holds(f->data, f->len, cert.data, cert.len);
	return r < 0 ? certificate_error(r, key, err) : 0;
}

/*
 * The certificate that the kernel is built with has to be the key's. Where the file holds
 * no more than that, the agent is told to expect it, in the request for the signature.
 *
 * @ret: that certificate, or empty
 */
static int check_x509(struct ms_http *h, const char *path, const char *key,
		      struct ms_buf *ret, struct ms_error *err)
{
	_cleanup_file_ struct ms_file f = {0};
	char shown[200];
	int r = ms_file_read(AT_FDCWD, path, MS_CERT_FILE_MAX, 0, &f, err);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r == 0) {
		r = h ? ms_x509_file_only(f.data, f.len, ret) : -ENOTUNIQ;
		if (r < 0)
			ms_buf_clear(ret);
		if (r == -ENOTUNIQ || r == -EFBIG)
			r = compare_certificate(h, &f, key, err);
		else if (r < 0)
			r = certificate_error(r, key, err);
	}
	if (r < 0)
		ms_error_prefix(err, "%s", ms_escape_str(path, shown, sizeof(shown)));
	return r;
}

static int sign_remote(const struct ms_hook_arguments *a, const char *key,
		       struct ms_error *err)
{
	struct ms_buf none = {0};
	int r = check_x509(NULL, a->x509, key, &none, err);

	return r < 0 ? r : ms_hook_remote_sign(a, key, err);
}

static int sign(const struct ms_hook_arguments *a, struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf cert = MS_BUF_INIT(MS_EXPECT_CERT_MAX);
	_cleanup_file_ struct ms_file f = {0};
	struct ms_client_config config;
	char key[MS_KEY_NAME_MAX + 1], shown[200];
	struct ms_sign_options opt = {.key = key,
				      .build = config.build,
				      .hash = a->hash,
				      .dest = a->dest,
				      .detached = a->detached,
				      .keep_detached = a->keep,
				      .keyid = a->keyid,
				      .sync = !a->no_sync};
	struct ms_http h = {.fd = -1};
	int r = ms_client_config_load(&config, err);

	if (r == 0)
		r = ms_hook_key_name(a->key, config.key, key, err);
	if (r < 0)
		return r;
	if (ms_agent_is_remote(&config))
		return sign_remote(a, key, err);
	r = ms_agent_open(&h, &config, err);
	if (r < 0)
		ms_error_prefix(err, "%s",
				ms_escape_str(a->module, shown, sizeof(shown)));
	else
		r = check_x509(&h, a->x509, key, &cert, err);
	if (r == 0) {
		h.certificate = cert.len ? &cert : NULL;
		r = ms_agent_sign_file(&h, a->module, &opt, &f, err);
		/* The agent does not know which file it came from. */
		if (r == -ENOKEY && strcmp(err->code, "wrong-certificate") == 0) {
			*err = (struct ms_error){0};
			r = certificate_error(r, key, err);
			ms_error_prefix(err, "%s",
					ms_escape_str(a->x509, shown, sizeof(shown)));
		}
	}
	ms_http_close(&h);
	return r;
}

static int append(const struct ms_hook_arguments *a, struct ms_error *err)
{
	_cleanup_file_ struct ms_file module = {0}, raw = {0};
	_cleanup_close_ int fd = -1;
	const char *path = a->raw;
	char shown[200];
	size_t len;
	int r = ms_file_read(AT_FDCWD, path, MS_MESSAGE_MAX, 0, &raw, err);

	if (r == 0 && raw.len == 0)
		r = ms_error_set(err, -ENODATA, "no-signature",
				 "is empty, not a signature");
	if (r == 0) {
		path = a->module;
		r = ms_module_read(path, &module, &fd, &len, err);
	}
	if (r == 0)
		r = ms_module_append(path, fd, &module, len, raw.data, raw.len, a->dest,
				     !a->no_sync, err);
	if (r < 0)
		ms_error_prefix(err, "%s", ms_escape_str(path, shown, sizeof(shown)));
	/* sign-file takes anything here, and so do we, but not without a word. */
	else if (raw.data[0] != 0x30)
		fprintf(stderr,
			"%s: %s: not a PKCS#7 message in DER: kernels will refuse the "
			"module\n",
			program_invocation_short_name,
			ms_escape_str(a->raw, shown, sizeof(shown)));
	return r;
}

static int say(const char *first, const char *second)
{
	/* All three, as a libc may write at the end of each line. */
	if (fputs(first, stdout) >= 0 && fputs(second, stdout) >= 0 &&
	    fflush(stdout) == 0)
		return EXIT_SUCCESS;
	fprintf(stderr, "%s: cannot write the answer: %s\n",
		program_invocation_short_name, ms_strerror(errno));
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct ms_hook_arguments a;
	struct ms_error err = {0};
	int r;

	ms_hook_protect_relro();
	/* A file size limit becomes an error like any other. */
	signal(SIGXFSZ, SIG_IGN);
	ms_file_clean_up_on_signals();
	switch (ms_hook_arguments_parse(argc, argv, &a)) {
	case MS_HOOK_HELP:
		return say(usage_text, help_text);
	case MS_HOOK_VERSION:
		return say("modseal-sign-file " MS_VERSION, "\n");
	case MS_HOOK_SIGN:
		r = sign(&a, &err);
		break;
	case MS_HOOK_APPEND:
		r = append(&a, &err);
		break;
	case MS_HOOK_USAGE:
	default:
		fputs(usage_text, stderr);
		return 2;
	}
	if (r == 0)
		return EXIT_SUCCESS;
	fprintf(stderr, "%s: %s\n", program_invocation_short_name, err.msg);
	return EXIT_FAILURE;
}
