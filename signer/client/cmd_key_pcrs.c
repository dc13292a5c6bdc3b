// SPDX-License-Identifier: GPL-2.0-or-later
/* modseal key approve-pcrs, reseal */
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/store.h>
#include <time.h>

#include "lib/escape.h"
#include "lib/file.h"
#include "lib/hash.h"
#include "lib/pem.h"
#include "signer/client/cmd_key.h"
#include "signer/client/facts.h"
#include "signer/client/pcr_values.h"

#define TARGET_MAX 256
#define VALUES_MAX 65536u
#define DEFAULT_PCRS "7"

static int complain_of(const struct ms_cli *cli, const char *path, struct ms_error *err)
{
	char shown[256];

	ms_error_prefix(err, "%s: %s", cli->cmd->name,
			ms_escape_str(path, shown, sizeof(shown)));
	ms_cli_complain(err);
	return MS_EXIT_FAILED;
}

/* --pcrs as a mask; "none" is 0 */
static int pcrs_mask(const struct ms_cli *cli, bool may_be_none, uint32_t *ret)
{
	const char *text = ms_cli_opt(cli, "pcrs");
	_cleanup_json_ json_t *list = ms_pcrs_parse(text ? text : DEFAULT_PCRS);
	uint32_t mask = 0;
	json_t *v;
	size_t i;

	if (!list || (!may_be_none && json_array_size(list) == 0))
		return ms_cli_usage(cli,
				    "--pcrs needs different numbers from 0 to %u "
				    "with commas between them",
				    MS_PCRS - 1);
	json_array_foreach(list, i, v) mask |= 1u << json_integer_value(v);
	*ret = mask;
	return MS_EXIT_OK;
}

/* -------------------------------------------------------------------- values */

static int read_values(const struct ms_cli *cli, const char *path,
		       struct ms_pcr_values *ret)
{
	_cleanup_file_ struct ms_file f = {0};
	struct ms_error err = {0};
	int r = ms_file_read(AT_FDCWD, strcmp(path, "-") ? path : "/dev/stdin",
			     VALUES_MAX, 0, &f, &err);

	if (r == 0)
		r = ms_pcr_values_parse((const char *)f.data, f.len, ret, &err);
	return r < 0 ? complain_of(cli, path, &err) : MS_EXIT_OK;
}

static int values_from_tpm(const struct ms_cli *cli, uint32_t mask,
			   struct ms_pcr_values *ret)
{
	_cleanup_talk_ struct ms_talk talk = {0};
	_cleanup_json_ json_t *answer = NULL;
	char target[TARGET_MAX] = "/v1/pcrs?list=";
	size_t at = strlen(target), i;
	json_t *v;
	int status;

	for (unsigned int n = 0; n < MS_PCRS; n++)
		if (mask & (1u << n))
			at += (size_t)snprintf(target + at, sizeof(target) - at, "%u,",
					       n);
	target[at - 1] = '\0';
	status = ms_talk_open(cli, &talk);
	if (!status)
		status = ms_talk_ask(&talk, "GET", target, NULL, NULL, &answer);
	if (status)
		return status;
	memset(ret, 0, sizeof(*ret));
	json_array_foreach(json_object_get(answer, "pcrs"), i, v)
	{
		json_int_t n = json_integer_value(json_object_get(v, "pcr"));
		const char *hex = json_string_value(json_object_get(v, "sha256"));

		if (n >= 0 && n < (json_int_t)MS_PCRS && hex &&
		    ms_unhex(hex, ret->v[n], 32) == 0)
			ret->known |= 1u << n;
	}
	return MS_EXIT_OK;
}

/* ---------------------------------------------------------------- policy key */

/* What OpenSSL's stores and providers have, by its URI. */
static EVP_PKEY *key_by_uri(const char *uri)
{
	OSSL_STORE_CTX *store = OSSL_STORE_open(uri, NULL, NULL, NULL, NULL);
	EVP_PKEY *key = NULL;

	while (store && !key && !OSSL_STORE_eof(store)) {
		OSSL_STORE_INFO *info = OSSL_STORE_load(store);

		if (!info)
			break;
		key = OSSL_STORE_INFO_get1_PKEY(info);
		OSSL_STORE_INFO_free(info);
	}
	OSSL_STORE_close(store);
	ERR_clear_error();
	return key;
}

static int policy_private(const struct ms_cli *cli, const char *from, EVP_PKEY **ret)
{
	_cleanup_key_source_ struct ms_key_source source = {0};
	size_t scheme = strcspn(from, ":/");
	int status;

	if (from[scheme] == ':' && access(from, F_OK) != 0) {
		struct ms_error err = {0};

		*ret = key_by_uri(from);
		if (*ret)
			return MS_EXIT_OK;
		ms_error_set(
			&err, -ENOENT, NULL,
			"OpenSSL finds no private key there: check the URI, and that "
			"the provider for it is loaded");
		return complain_of(cli, from, &err);
	}
	status = ms_key_read_source(cli, from, &source);
	if (!status)
		*ret = TAKE_PTR(source.key);
	return status;
}

/* The public half, alone or in a certificate. */
static int policy_public(const struct ms_cli *cli, const char *path,
			 struct ms_policy_key *ret)
{
	_cleanup_file_ struct ms_file f = {0};
	struct ms_error err = {0};
	EVP_PKEY *key = NULL;
	BIO *bio;
	int r = ms_file_read(AT_FDCWD, path, MS_CERT_MAX, 0, &f, &err);

	if (r < 0)
		return complain_of(cli, path, &err);
	bio = BIO_new_mem_buf(f.data, (int)f.len);
	if (bio)
		key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	BIO_free(bio);
	ERR_clear_error();
	r = key ? ms_policy_key_encode(key, ret) : -ENODATA;
	EVP_PKEY_free(key);
	if (r == 0)
		return MS_EXIT_OK;
	ms_error_set(&err, r, NULL,
		     r == -ENODATA ? "there is no PEM public key in it: 'openssl pkey "
				     "-pubout' writes one"
				   : "a policy key is RSA-2048 or P-256, which every TPM "
				     "can check");
	return complain_of(cli, path, &err);
}

/* ------------------------------------------------------------------ approvals */

int ms_key_approval_json(const struct ms_cli *cli, json_t **ret)
{
	const char *path = ms_cli_opt(cli, "approval"),
		   *pub = ms_cli_opt(cli, "policy-key");
	_cleanup_buf_ struct ms_buf der = MS_BUF_INIT(MS_PCR_APPROVAL_MAX),
				    pem = MS_BUF_INIT(2 * MS_PCR_APPROVAL_MAX);
	_cleanup_file_ struct ms_file f = {0};
	struct ms_policy_key by, want;
	struct ms_pcr_approval a;
	struct ms_error err = {0};
	size_t used;
	int r;

	if (!path && pub)
		return ms_cli_usage(cli, "--policy-key needs --approval FILE with it: "
					 "'modseal key approve-pcrs --from-tpm "
					 "--policy-key KEY -o FILE' makes it");
	if (!path)
		return MS_EXIT_OK;
	if (pub && policy_public(cli, pub, &want))
		return MS_EXIT_FAILED;
	r = ms_file_read(AT_FDCWD, path, VALUES_MAX, 0, &f, &err);
	if (r == 0 && ms_pem_find((const char *)f.data, f.len, MS_PCR_APPROVAL_LABEL,
				  &der, &used) < 0)
		r = ms_error_set(&err, -EBADMSG, NULL,
				 "there is no approval in it, or it is damaged: 'modseal "
				 "key approve-pcrs' makes one");
	if (r == 0)
		r = ms_pcr_approval_parse(der.data, der.len, &a, &by, &err);
	if (r == 0 && pub && !ms_policy_key_same(&by, &want))
		r = ms_error_set(&err, -EINVAL, NULL,
				 "the approval is by another key than that of "
				 "--policy-key");
	if (r < 0)
		return complain_of(cli, path, &err);
	ms_pem_put(&pem, MS_PCR_APPROVAL_LABEL, der.data, der.len);
	*ret = json_stringn((const char *)pem.data, pem.len);
	return *ret ? MS_EXIT_OK : MS_EXIT_FAILED;
}

static void name_of(const struct ms_cli *cli, struct ms_pcr_approval *a)
{
	const char *pcrs = ms_cli_opt(cli, "pcrs");
	char day[32] = "";
	time_t now = time(NULL);
	struct tm tm;

	if (gmtime_r(&now, &tm))
		strftime(day, sizeof(day), "%FT%TZ", &tm);
	snprintf(a->name, sizeof(a->name), "PCR %.30s %s", pcrs ? pcrs : DEFAULT_PCRS,
		 day);
}

static int set_name(const struct ms_cli *cli, struct ms_pcr_approval *a)
{
	const char *name = ms_cli_opt(cli, "name");

	if (!name) {
		name_of(cli, a);
		return MS_EXIT_OK;
	}
	for (const char *p = name; *p; p++)
		if (*p < ' ' || *p > '~')
			return ms_cli_usage(cli, "--name has printable ASCII characters");
	if (strlen(name) > MS_PCR_APPROVAL_NAME_MAX)
		return ms_cli_usage(cli, "--name has at most %u characters",
				    MS_PCR_APPROVAL_NAME_MAX);
	snprintf(a->name, sizeof(a->name), "%s", name);
	return MS_EXIT_OK;
}

/* Whoever signs sees what. */
static void tell(const struct ms_pcr_approval *a, const struct ms_pcr_values *values)
{
	char hex[65];

	fprintf(stderr, "modseal: key approve-pcrs: \"%s\" approves\n", a->name);
	for (unsigned int i = 0; i < MS_PCRS; i++)
		if (a->pcrs & (1u << i))
			fprintf(stderr, "    PCR %-2u = %s\n", i,
				ms_hex(values->v[i], 32, hex));
}

static int sign_values(const struct ms_cli *cli, const struct ms_pcr_values *values,
		       struct ms_pcr_approval *a, struct ms_buf *out)
{
	_cleanup_buf_ struct ms_buf der = MS_BUF_INIT(MS_PCR_APPROVAL_MAX);
	const char *from = ms_cli_opt(cli, "policy-key");
	struct ms_policy_key by;
	struct ms_error err = {0};
	EVP_PKEY *key = NULL;
	int r, status;

	r = ms_pcr_values_digest(values, a->pcrs, a->pcr_digest, &err);
	if (r < 0) {
		ms_error_prefix(&err, "%s", cli->cmd->name);
		ms_cli_complain(&err);
		return MS_EXIT_FAILED;
	}
	status = policy_private(cli, from, &key);
	if (status)
		return status;
	r = ms_policy_key_encode(key, &by);
	if (r == 0)
		r = ms_pcr_approval_sign(a, key);
	if (r == 0)
		r = ms_pcr_approval_write(a, &by, &der);
	EVP_PKEY_free(key);
	if (r < 0) {
		ms_error_set(&err, r, NULL,
			     r == -ENOPKG ? "a policy key is RSA-2048 or P-256, which "
					    "every TPM can check"
					  : "signing with it failed");
		return complain_of(cli, from, &err);
	}
	ms_pem_put(out, MS_PCR_APPROVAL_LABEL, der.data, der.len);
	return ms_buf_error(out) ? MS_EXIT_FAILED : MS_EXIT_OK;
}

int ms_cmd_key_approve_pcrs(const struct ms_cli *cli)
{
	_cleanup_buf_ struct ms_buf pem = MS_BUF_INIT(2 * MS_PCR_APPROVAL_MAX);
	const char *file = ms_cli_opt(cli, "values"), *output = ms_cli_opt(cli, "output");
	bool from_tpm = ms_cli_opt(cli, "from-tpm");
	struct ms_pcr_values values = {.known = 0};
	struct ms_pcr_approval a = {.pcrs = 0};
	int status;

	if (!ms_cli_opt(cli, "policy-key"))
		return ms_cli_usage(cli, "--policy-key KEY is needed: the private key "
					 "that approves");
	if (from_tpm == (file != NULL))
		return ms_cli_usage(cli, "either --from-tpm or --values FILE is needed");
	if (output && access(output, F_OK) == 0)
		return ms_cli_usage(cli, "the file of -o exists already");
	status = pcrs_mask(cli, false, &a.pcrs);
	if (!status)
		status = set_name(cli, &a);
	if (!status)
		status = from_tpm ? values_from_tpm(cli, a.pcrs, &values)
				  : read_values(cli, file, &values);
	if (!status)
		status = sign_values(cli, &values, &a, &pem);
	if (status)
		return status;
	tell(&a, &values);
	if (output)
		return ms_key_write_new(cli, output, &pem);
	fwrite(pem.data, 1, pem.len, stdout);
	return MS_EXIT_OK;
}

/* --------------------------------------------------------------------- reseal */

static int reseal_body(const struct ms_cli *cli, const struct ms_pin *pin,
		       json_t *approval, struct ms_buf *out)
{
	const char *file = ms_cli_opt(cli, "values"), *text = ms_cli_opt(cli, "pcrs");
	struct ms_pcr_values values = {.known = 0};
	struct ms_error err = {0};
	uint8_t digest[32];
	char hex[65];
	uint32_t mask;
	int status = pcrs_mask(cli, !file, &mask);

	if (!status && file)
		status = read_values(cli, file, &values);
	if (status)
		return status;
	if (file && ms_pcr_values_digest(&values, mask, digest, &err) < 0)
		return complain_of(cli, file, &err);
	if (ms_buf_reserve(out, 4 * MS_PCR_APPROVAL_MAX))
		return MS_EXIT_FAILED;
	if (approval) {
		_cleanup_json_ json_t *j = json_pack("{s:O}", "approval", approval);
		_cleanup_free_ char *all = j ? json_dumps(j, JSON_COMPACT) : NULL;

		ms_buf_put(out, all ? all : "", all ? strlen(all) - 1 : 0);
	} else {
		ms_buf_printf(out, "{\"pcrs\":[%s]",
			      text && !strcmp(text, "none") ? ""
			      : text			    ? text
							    : DEFAULT_PCRS);
		if (file)
			ms_buf_printf(out, ",\"pcr_digest\":\"%s\"",
				      ms_hex(digest, 32, hex));
		if (pin->text) {
			ms_buf_printf(out, ",\"pin\":");
			ms_json_put_string(out, pin->text);
		}
	}
	ms_buf_put_u8(out, '}');
	return ms_buf_error(out) ? MS_EXIT_FAILED : MS_EXIT_OK;
}

int ms_cmd_key_reseal(const struct ms_cli *cli)
{
	_cleanup_buf_ struct ms_buf body = MS_BUF_INIT(MS_CONFIG_MAX);
	_cleanup_talk_ struct ms_talk talk = {0};
	_cleanup_pin_ struct ms_pin pin = {0};
	_cleanup_json_ json_t *key = NULL, *approval = NULL;
	char target[TARGET_MAX];
	int status = ms_talk_key_target(cli, cli->operands[0], "/reseal", target,
					sizeof(target));

	if (!status)
		status = ms_key_approval_json(cli, &approval);
	if (!status && approval &&
	    (ms_cli_opt(cli, "pcrs") || ms_cli_opt(cli, "values") ||
	     ms_cli_opt(cli, "pin") || ms_cli_opt(cli, "pin-fd")))
		return ms_cli_usage(cli, "--approval has its PCRs in it, and goes with "
					 "neither --pcrs nor --values nor a PIN");
	if (!status)
		status = ms_talk_open(cli, &talk);
	if (!status && !approval)
		status = ms_key_pin_get(cli, false, ms_cli_opt(cli, "pin"), true, &pin);
	if (!status)
		status = reseal_body(cli, &pin, approval, &body);
	if (!status)
		status = ms_talk_ask(&talk, "POST", target, "application/json", &body,
				     &key);
	if (!status && ms_cli_opt(cli, "values"))
		fprintf(stderr,
			"modseal: key reseal: %s has a second file (%s.key-next) until "
			"the new values have opened it: till then it opens with either\n",
			cli->operands[0], cli->operands[0]);
	return status ? status : ms_key_print(cli, key);
}
