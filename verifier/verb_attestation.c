/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal-verify attestation: offline, without a TPM library. docs/ATTESTATION.md. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>

#include "lib/attest_check.h"
#include "lib/bundle.h"
#include "lib/escape.h"
#include "lib/file.h"
#include "verifier/attestation.h"
#include "verifier/options.h"

enum {
	OPT_CERT = 256,
	OPT_ROOT,
	OPT_AK_CA,
	OPT_CHAIN,
	OPT_POLICY,
	OPT_PCR,
	OPT_NONCE,
	OPT_FORMAT,
	OPT_JSON
};

static const struct option options[] = {
	{"cert", required_argument, NULL, OPT_CERT},
	{"root", required_argument, NULL, OPT_ROOT},
	{"ak-ca", required_argument, NULL, OPT_AK_CA},
	{"chain", required_argument, NULL, OPT_CHAIN},
	{"auth-policy", required_argument, NULL, OPT_POLICY},
	{"pcr", required_argument, NULL, OPT_PCR},
	{"nonce", required_argument, NULL, OPT_NONCE},
	{"format", required_argument, NULL, OPT_FORMAT},
	{"json", no_argument, NULL, OPT_JSON},
	{"quiet", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static const char usage[] =
	"usage: modseal-verify attestation BUNDLE --cert KEY.pem --root EK-ROOT.pem\n"
	"                                         --ak-ca CA.pem [OPTION]...\n"
	"\n"
	"Was this key made by a TPM, and can it not leave that TPM? BUNDLE is what\n"
	"'modseal key attest' wrote. Needs no agent, no TPM and no network.\n"
	"\n"
	"  --cert CERT        the key's certificate\n"
	"  --root CERT        who vouches for TPMs: a manufacturer's; may repeat\n"
	"  --ak-ca CERT       who enrolled the TPM (modseal tpm enroll); may repeat\n"
	"  --chain CERTS      certificates between the TPM's and --root; may repeat\n"
	"  --auth-policy HEX  the policy that the key must have\n"
	"  --pcr N=HEX        a value that must be quoted, SHA-256; may repeat\n"
	"  --nonce HEX        what was given to key attest\n"
	"  --format FORMAT    table or json; --json\n"
	"  -q, --quiet        no report; the exit status says it\n"
	"\n"
	"Exit status: 0 all good, 1 a condition failed, 2 usage, 3 something could not "
	"be\n"
	"checked.\n";

/**
 * struct asked - the command line
 * @chain: DER, back to back
 */
struct asked {
	struct ms_attest_question q;
	struct ms_cert_list certs, roots, ak_cas;
	struct ms_buf chain;
	uint8_t policy[MS_DIGEST_MAX], nonce[MS_NONCE_MAX];
	bool json, quiet;
};

static void asked_clear(struct asked *a)
{
	ms_cert_list_clear(&a->certs);
	ms_cert_list_clear(&a->roots);
	ms_cert_list_clear(&a->ak_cas);
	ms_buf_clear(&a->chain);
}

/* -------------------------------------------------------------------- options */

static int bad_value(const char *option, const char *value, const char *allowed)
{
	char shown[128];

	ms_complain("attestation: %s %s: must be %s", option,
		    ms_escape_str(value, shown, sizeof(shown)), allowed);
	return MS_EXIT_USAGE;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int read_hex(const char *text, uint8_t *dst, size_t max, size_t *ret_len)
{
	size_t n = strlen(text);

	if (n % 2 || n / 2 > max)
		return -EINVAL;
	for (size_t i = 0; i < n; i += 2) {
		int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		dst[i / 2] = (uint8_t)(high << 4 | low);
	}
	*ret_len = n / 2;
	return 0;
}

static int set_pcr(struct asked *a, const char *text)
{
	unsigned int n = 0, digits = 0;
	const char *p = text;
	size_t len = 0;

	for (; *p >= '0' && *p <= '9' && digits < 2; p++, digits++)
		n = n * 10 + (unsigned int)(*p - '0');
	if (!digits || *p != '=' || n >= MS_PCRS ||
	    read_hex(p + 1, a->q.pcr[n], 32, &len) < 0 || len != 32)
		return bad_value("--pcr", text,
				 "N=HEX, with N from 0 to 23 and 32 bytes");
	a->q.pcr_mask |= UINT32_C(1) << n;
	return -1;
}

/* Adds a file's certificates. */
static int add_certs(struct ms_cert_list *l, const char *path)
{
	_cleanup_(ms_cert_list_clear) struct ms_cert_list more = {0};
	_cleanup_file_ struct ms_file f = {0};
	struct ms_error err = {0};
	struct ms_cert **v;
	char shown[256];
	int r = ms_file_read(AT_FDCWD, path, MS_CERT_FILE_MAX, 0, &f, &err);

	if (r == 0) {
		r = ms_cert_list_parse(f.data, f.len, &more);
		if (r < 0)
			ms_error_set(&err, r, NULL,
				     "there is no certificate in it that can be read");
	}
	v = r == 0 ? reallocarray(l->v, l->n + more.n, sizeof(struct ms_cert *)) : NULL;
	if (!v) {
		ms_complain("attestation: %s: %s",
			    ms_escape_str(path, shown, sizeof(shown)),
			    r < 0 ? err.msg : "out of memory");
		return MS_EXIT_UNCHECKED;
	}
	l->v = v;
	memcpy(l->v + l->n, more.v, more.n * sizeof(struct ms_cert *));
	l->n += more.n;
	more.n = 0;
	return -1;
}

static int add_chain(struct asked *a, const char *path)
{
	_cleanup_(ms_cert_list_clear) struct ms_cert_list l = {0};
	int status = add_certs(&l, path);

	for (size_t i = 0; status < 0 && i < l.n; i++)
		ms_buf_put(&a->chain, l.v[i]->der, l.v[i]->der_len);
	return status;
}

/* Returns -1 to go on, else the exit status. */
static int apply(struct asked *a, int opt, const char *arg)
{
	switch (opt) {
	case OPT_CERT:
		return add_certs(&a->certs, arg);
	case OPT_ROOT:
		return add_certs(&a->roots, arg);
	case OPT_AK_CA:
		return add_certs(&a->ak_cas, arg);
	case OPT_CHAIN:
		return add_chain(a, arg);
	case OPT_POLICY:
		a->q.want_policy = true;
		return read_hex(arg, a->policy, sizeof(a->policy), &a->q.policy_len) < 0
			       ? bad_value("--auth-policy", arg,
					   "at most 64 bytes in hex")
			       : -1;
	case OPT_PCR:
		return set_pcr(a, arg);
	case OPT_NONCE:
		return read_hex(arg, a->nonce, sizeof(a->nonce), &a->q.nonce_len) < 0 ||
				       !a->q.nonce_len
			       ? bad_value("--nonce", arg, "1 to 64 bytes in hex")
			       : -1;
	case OPT_FORMAT:
		a->json = !strcmp(arg, "json");
		return a->json || !strcmp(arg, "table")
			       ? -1
			       : bad_value("--format", arg, "table or json");
	case OPT_JSON:
		a->json = true;
		return -1;
	case 'q':
		a->quiet = true;
		return -1;
	case 'h':
		fputs(usage, stdout);
		return MS_EXIT_GOOD;
	default:
		fputs("Try 'modseal-verify attestation --help'.\n", stderr);
		return MS_EXIT_USAGE;
	}
}

/* --------------------------------------------------------------------- report */

static const char *verdict(const struct ms_attest_result *r)
{
	switch (ms_attest_state(r)) {
	case MS_ATTEST_GOOD:
		return "good: this TPM made the key, and the key cannot leave it";
	case MS_ATTEST_BAD:
		return "failed: this is no proof that a TPM made the key";
	case MS_ATTEST_SKIPPED:
	case MS_ATTEST_UNCHECKED:
		break;
	}
	return "unchecked: something that the proof needs could not be checked";
}

static int print_table(const struct ms_attest_result *r)
{
	for (size_t i = 0; i < r->n; i++)
		printf("%-10s %-24s %s\n", ms_attest_state_name(r->v[i].state),
		       r->v[i].name, r->v[i].why);
	if (*r->key_name)
		printf("key Name    %s\n", r->key_name);
	if (*r->policy)
		printf("authPolicy  %s\n", r->policy);
	if (*r->ek_sha256)
		printf("EK SHA-256  %s\n", r->ek_sha256);
	printf("%s\n", verdict(r));
	return fflush(stdout) || ferror(stdout) ? -EIO : 0;
}

static json_t *json_checks(const struct ms_attest_result *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n; i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "name",
						      r->v[i].name, "state",
						      ms_attest_state_name(r->v[i].state),
						      "reason", r->v[i].why));
	return list;
}

static int print_json(const struct ms_attest_result *r)
{
	json_t *pcrs = json_array(), *j;
	int rc = -EIO;

	for (unsigned int i = 0; i < MS_PCRS; i++)
		if (r->pcrs & (UINT32_C(1) << i))
			json_array_append_new(pcrs, json_integer(i));
	j = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "verdict",
		      ms_attest_state_name(ms_attest_state(r)), "key_name", r->key_name,
		      "auth_policy", r->policy, "ek_sha256", r->ek_sha256, "quoted_pcrs",
		      pcrs, "checks", json_checks(r));
	if (j && json_dumpf(j, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF &&
	    fflush(stdout) == 0)
		rc = 0;
	json_decref(j);
	return rc;
}

/* ---------------------------------------------------------------------- judge */

/* --chain's certificates and the bundle's own, as one field */
static int add_given_chain(const struct asked *a, struct ms_tpm_evidence *e,
			   struct ms_buf *both)
{
	if (!a->chain.len)
		return ms_buf_error(&a->chain);
	ms_buf_put(both, e->f[MS_EV_EK_CHAIN].p, e->f[MS_EV_EK_CHAIN].len);
	ms_buf_put(both, a->chain.data, a->chain.len);
	e->f[MS_EV_EK_CHAIN].p = both->data;
	e->f[MS_EV_EK_CHAIN].len = both->len;
	return ms_buf_error(both);
}

static int judge(struct asked *a, const char *path)
{
	_cleanup_buf_ struct ms_buf msg = MS_BUF_INIT(MS_EV_MAX),
				    both = MS_BUF_INIT(2 * MS_EV_MAX);
	_cleanup_file_ struct ms_file f = {0};
	struct ms_attest_result result;
	struct ms_error err = {0};
	struct ms_tpm_evidence e;
	char shown[256];
	int r;

	r = ms_file_read(AT_FDCWD, path, MS_BUNDLE_MAX, 0, &f, &err);
	if (r == 0)
		r = ms_bundle_parse((const char *)f.data, f.len, MS_BUNDLE_KEY, &msg,
				    &err);
	if (r == 0)
		r = ms_tpm_evidence_parse(msg.data, msg.len, &e);
	if (r == 0 && add_given_chain(a, &e, &both) < 0)
		r = ms_error_set(&err, -EFBIG, NULL, "too many certificates");
	if (r < 0) {
		ms_complain("attestation: %s: %s",
			    ms_escape_str(path, shown, sizeof(shown)), err.msg);
		return MS_EXIT_UNCHECKED;
	}
	ms_attest_check_key(&e, &a->q, &result);
	r = a->quiet ? 0 : a->json ? print_json(&result) : print_table(&result);
	if (r < 0) {
		ms_complain("attestation: cannot write the report");
		return MS_EXIT_UNCHECKED;
	}
	switch (ms_attest_state(&result)) {
	case MS_ATTEST_GOOD:
		return MS_EXIT_GOOD;
	case MS_ATTEST_BAD:
		return MS_EXIT_FINDINGS;
	case MS_ATTEST_SKIPPED:
	case MS_ATTEST_UNCHECKED:
		break;
	}
	return MS_EXIT_UNCHECKED;
}

int ms_verb_attestation(int argc, char **argv)
{
	_cleanup_(asked_clear) struct asked a = {.chain = MS_BUF_INIT(MS_CERT_FILE_MAX),
						 .q.now = time(NULL)};
	int opt, status;

	while ((opt = getopt_long(argc, argv, "qh", options, NULL)) != -1) {
		if (opt == '?')
			ms_complain_option(argv);
		status = apply(&a, opt, optarg);
		if (status >= 0)
			return status;
	}
	if (argc - optind != 1) {
		ms_complain(
			"attestation: name one bundle: see modseal-verify attestation "
			"--help");
		return MS_EXIT_USAGE;
	}
	if (a.certs.n != 1) {
		ms_complain("attestation: --cert: give the key's certificate, and that "
			    "one alone");
		return MS_EXIT_USAGE;
	}
	a.q.cert = a.certs.v[0];
	a.q.roots = &a.roots;
	a.q.ak_cas = &a.ak_cas;
	a.q.policy = a.policy;
	a.q.nonce = a.nonce;
	return judge(&a, argv[optind]);
}
