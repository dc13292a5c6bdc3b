/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a certificate can be trusted: MOK, db, the kernel's own keyrings. */
#include "signer/client/enroll.h"

static bool is_self_signed(const struct ms_cert *c)
{
	return c->issuer_len == c->subject_len &&
	       memcmp(c->issuer, c->subject, c->subject_len) == 0;
}

/* What a kernel has to be able to do with the key that signs the modules. */
static void note_algorithm(struct ms_enroll *e)
{
	if (!ms_alg_is_rsa(e->cert->alg))
		ms_enroll_note(e,
			       "ECDSA keys are checked by kernels since 5.12 that have "
			       "CONFIG_CRYPTO_ECDSA: Debian's 6.1 has it off, 6.12 and "
			       "later have it on");
	if (e->cert->hash != MS_HASH_SHA256)
		ms_enroll_note(e, "the certificate is not signed with SHA-256: kernels "
				  "without the other hashes built in, such as Debian's "
				  "6.1, ignore it");
	if (e->cert->has_eku && !e->cert->eku_code_signing)
		ms_enroll_note(e, "the certificate is not for code signing: openSUSE's "
				  "kernels refuse modules of such keys");
	if (e->issues)
		ms_enroll_note(e, "it is an issuing key: modules are signed by leaf keys "
				  "that it certifies, whose certificates are in the "
				  "modules' signatures");
}

int ms_enroll_mok(struct ms_enroll *e)
{
	char path[MS_PATH_MAX], quoted[MS_QUOTED_MAX];
	int status = ms_enroll_file(e, "der", e->cert->der, e->cert->der_len, path);

	if (status)
		return status;
	ms_enroll_quote(path, quoted);
	ms_enroll_step(e, "mokutil --import %s    # on each machine; asks for a password",
		       quoted);
	ms_enroll_step(e, "reboot, and at the machine's console choose Enroll MOK and "
			  "give that password");
	ms_enroll_note(e, "kernels see MOK keys only when they were started by shim with "
			  "Secure Boot on");
	ms_enroll_note(e,
		       e->cert->module_only
			       ? "the certificate is for modules alone: shim lets this "
				 "key start no boot loader and no kernel"
			       : "shim lets this key start boot loaders and kernels, "
				 "too: its certificate does not say that it is for "
				 "modules alone ('modseal key create --module-only')");
	ms_enroll_note(e, "Debian's kernels try MOK keys (.platform) for modules in all "
			  "versions since 5.10; an unpatched kernel trusts them for "
			  "modules only through .machine: "
			  "CONFIG_INTEGRITY_MACHINE_KEYRING, since 5.18");
	ms_enroll_note(e,
		       ".machine takes what shim trusts: Debian's 6.1 takes it always, "
		       "7.3 only with shim's MokListTrusted (mokutil --trust-mok)");
	if (!e->cert->is_ca)
		ms_enroll_note(e, "kernels with CONFIG_INTEGRITY_CA_MACHINE_KEYRING (6.4 "
				  "and later, off in Debian) take CA certificates only: "
				  "use an issuing key (custody leaf) there, as this "
				  "certificate is not a CA's");
	note_algorithm(e);
	return status;
}

int ms_enroll_db(struct ms_enroll *e)
{
	_cleanup_buf_ struct ms_buf list = MS_BUF_INIT(MS_ESL_MAX);
	int status;

	ms_esl_put_cert(&list, &e->owner, e->cert->der, e->cert->der_len);
	if (ms_buf_error(&list) < 0)
		return MS_EXIT_FAILED;
	status = ms_enroll_file(e, "db.esl", list.data, list.len, NULL);
	if (!status)
		status = ms_enroll_update(e, "db", &list);
	if (status)
		return status;
	ms_enroll_note(e, "what is in db may also start machines: whoever has this key "
			  "can sign boot loaders and kernels, not modules alone, "
			  "whatever the certificate says it is for; MOK, behind shim, "
			  "heeds that");
	ms_enroll_note(e,
		       "kernels with CONFIG_LOAD_UEFI_KEYS put db into .platform, with "
		       "Secure Boot on or off; Debian's check modules against it, "
		       "unpatched kernels do not");
	if (e->cert->alg != MS_ALG_RSA2048)
		ms_enroll_note(e,
			       "the firmware has to take it: every one takes RSA-2048, "
			       "many nothing else");
	note_algorithm(e);
	return status;
}

static int put_pem(struct ms_enroll *e, const char *suffix, char *ret)
{
	_cleanup_buf_ struct ms_buf pem = MS_BUF_INIT(2 * MS_CERT_MAX);

	if (ms_cert_pem(e->cert->der, e->cert->der_len, &pem) < 0)
		return MS_EXIT_FAILED;
	return ms_enroll_file(e, suffix, pem.data, pem.len, ret);
}

int ms_enroll_trusted_keys(struct ms_enroll *e)
{
	char path[MS_PATH_MAX];
	int status = put_pem(e, "pem", path);

	if (status)
		return status;
	ms_enroll_step(e, "CONFIG_SYSTEM_TRUSTED_KEYRING=y    # in the kernel's .config");
	ms_enroll_step(e,
		       "CONFIG_SYSTEM_TRUSTED_KEYS=\"%s\"    # an absolute path, or one "
		       "in the kernel's sources; several certificates in one file are "
		       "fine",
		       path);
	ms_enroll_step(e, "build and install the kernel");
	ms_enroll_note(e, "every kernel version heeds .builtin_trusted_keys, with Secure "
			  "Boot or without; CA or not makes no difference");
	ms_enroll_note(e, "a key that is built in can be taken out by a new kernel only");
	note_algorithm(e);
	return status;
}

/* Both keyrings take only what a key that is there already has signed. */
static void note_who_signs(struct ms_enroll *e, const char *keyring)
{
	if (is_self_signed(e->cert))
		ms_enroll_note(
			e,
			"this certificate is self-signed, so %s refuses it "
			"(keyctl: Required key not available): have it signed by a "
			"key in .builtin_trusted_keys first, with 'modseal key csr "
			"%s' and 'modseal key install-cert %s'",
			keyring, e->name, e->name);
	else
		ms_enroll_note(e,
			       "%s takes it only if its issuer is in "
			       ".builtin_trusted_keys or .secondary_trusted_keys (with "
			       "CONFIG_SECONDARY_TRUSTED_KEYRING_SIGNED_BY_BUILTIN: in "
			       ".builtin_trusted_keys)",
			       keyring);
	ms_enroll_note(e, "it is forgotten at every boot: do it from the initramfs or an "
			  "early service");
}

int ms_enroll_secondary(struct ms_enroll *e)
{
	char path[MS_PATH_MAX], quoted[MS_QUOTED_MAX];
	int status = ms_enroll_file(e, "der", e->cert->der, e->cert->der_len, path);

	if (status)
		return status;
	ms_enroll_quote(path, quoted);
	ms_enroll_step(
		e,
		"keyctl padd asymmetric '' %%:.secondary_trusted_keys < %s    # as "
		"root, at each boot",
		quoted);
	note_who_signs(e, ".secondary_trusted_keys");
	ms_enroll_note(e, "kernels with CONFIG_SECONDARY_TRUSTED_KEYRING check modules "
			  "against it in all versions");
	note_algorithm(e);
	return status;
}

int ms_enroll_ima(struct ms_enroll *e)
{
	char path[MS_PATH_MAX], quoted[MS_QUOTED_MAX];
	int status = ms_enroll_file(e, "der", e->cert->der, e->cert->der_len, path);

	if (status)
		return status;
	ms_enroll_quote(path, quoted);
	ms_enroll_step(e,
		       "cp %s /etc/keys/x509_ima.der    # where CONFIG_IMA_LOAD_X509=y",
		       quoted);
	ms_enroll_step(e,
		       "keyctl padd asymmetric '' %%:.ima < %s    # or so, as root, at "
		       "each boot",
		       quoted);
	note_who_signs(e, ".ima");
	ms_enroll_note(e, "the kernel's own check of modules does not look at .ima; IMA "
			  "does, where its policy says appraise func=MODULE_CHECK "
			  "appraise_type=imasig|modsig (since 5.4)");
	if (e->cert->is_ca)
		ms_enroll_note(e,
			       "kernels since 6.4 take no CA certificate into .ima, but "
			       "one with the key usage digitalSignature: use a key of "
			       "custody sealed or resident");
	note_algorithm(e);
	return status;
}
