/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a certificate can be distrusted; most kernels heed less of it than one thinks. */
#include "signer/client/enroll.h"

#include "lib/pem.h"

/* The digest that the kernel has of a certificate: of its TBS, by its signature's hash.
 */
static int tbs_digest(const struct ms_cert *c, enum ms_hash hash,
		      uint8_t ret[MS_DIGEST_MAX])
{
	return ms_digest(hash, c->tbs, c->tbs_len, ret);
}

static void note_take_out(struct ms_enroll *e)
{
	ms_enroll_note(e,
		       "what works with every kernel is to take the certificate out of "
		       "where it was enrolled: mokutil --delete, an update of db "
		       "without it, a kernel without it");
}

/* Both kinds of entry: firmware and shim heed them, kernels in part. */
static int put_lists(struct ms_enroll *e, struct ms_buf *list)
{
	uint8_t digest[MS_DIGEST_MAX];

	if (tbs_digest(e->cert, MS_HASH_SHA256, digest) < 0)
		return MS_EXIT_FAILED;
	ms_esl_put_cert(list, &e->owner, e->cert->der, e->cert->der_len);
	ms_esl_put_tbs(list, &e->owner, digest, e->from);
	return ms_buf_error(list) < 0 ? MS_EXIT_FAILED : MS_EXIT_OK;
}

static void note_lists(struct ms_enroll *e)
{
	ms_enroll_note(e, "firmware and shim heed both entries for what they start; for "
			  "modules it is the kernel that decides");
	ms_enroll_note(e, "kernels heed the X.509 entry only with "
			  "CONFIG_SYSTEM_REVOCATION_LIST (since 5.13; off in Debian)");
	ms_enroll_note(e,
		       "kernels up to 7.3 never match the TBS entry, as they compare it "
		       "together with the time of revocation that follows it");
	note_take_out(e);
}

int ms_enroll_dbx(struct ms_enroll *e)
{
	_cleanup_buf_ struct ms_buf list = MS_BUF_INIT(MS_ESL_MAX);
	int status = put_lists(e, &list);

	if (!status)
		status = ms_enroll_file(e, "dbx.esl", list.data, list.len, NULL);
	if (!status)
		status = ms_enroll_update(e, "dbx", &list);
	if (!status)
		note_lists(e);
	return status;
}

int ms_enroll_mokx(struct ms_enroll *e)
{
	_cleanup_buf_ struct ms_buf list = MS_BUF_INIT(MS_ESL_MAX);
	char path[MS_PATH_MAX], esl[MS_PATH_MAX];
	int status = put_lists(e, &list);

	if (!status)
		status = ms_enroll_file(e, "mokx.esl", list.data, list.len, esl);
	if (!status)
		status = ms_enroll_file(e, "der", e->cert->der, e->cert->der_len, path);
	if (status)
		return status;
	ms_enroll_step(e,
		       "mokutil --mokx --import %s    # on each machine; asks for a "
		       "password",
		       path);
	ms_enroll_step(e, "reboot, and at the machine's console choose Enroll MOK and "
			  "give that password");
	ms_enroll_note(e, "%s has the entries for tools that write MokListX themselves",
		       esl);
	note_lists(e);
	return status;
}

int ms_enroll_blacklist(struct ms_enroll *e)
{
	enum ms_hash hash = e->cert->hash;
	char hex[2 * MS_DIGEST_MAX + 1], text[2 * MS_DIGEST_MAX + 16], path[MS_PATH_MAX];
	uint8_t digest[MS_DIGEST_MAX];
	int status;

	if (!ms_hash_size(hash) || tbs_digest(e->cert, hash, digest) < 0)
		return ms_cli_usage(e->cli, "the certificate is signed with a hash that "
					    "is not known here");
	ms_hex(digest, ms_hash_size(hash), hex);
	snprintf(text, sizeof(text), "\"tbs:%s\"\n", hex);
	status = ms_enroll_file(e, "blacklist", text, strlen(text), path);
	if (status)
		return status;
	ms_enroll_step(e,
		       "CONFIG_SYSTEM_BLACKLIST_KEYRING=y and "
		       "CONFIG_SYSTEM_BLACKLIST_HASH_LIST=\"%s\"    # in the kernel's "
		       ".config; several entries have commas between them",
		       path);
	ms_enroll_step(e,
		       "or, with CONFIG_SYSTEM_BLACKLIST_AUTH_UPDATE (since 5.19; off in "
		       "Debian): printf %%s tbs:%s >entry; openssl smime -sign -nocerts "
		       "-noattr -binary -outform DER -in entry -out entry.p7s -signer "
		       "BUILTIN.pem -inkey BUILTIN.key; keyctl padd blacklist tbs:%s "
		       "%%:.blacklist <entry.p7s",
		       hex, hex);
	ms_enroll_note(e, "kernels compare the certificates that are in a module's "
			  "signature with it, in all versions, and no others: a leaf key "
			  "is refused, an issuer or a key that signs modules itself is "
			  "not found there, and its modules still load");
	note_take_out(e);
	return status;
}

int ms_enroll_revocation_keys(struct ms_enroll *e)
{
	_cleanup_buf_ struct ms_buf pem = MS_BUF_INIT(2 * MS_CERT_MAX);
	char path[MS_PATH_MAX];
	int status;

	if (ms_cert_pem(e->cert->der, e->cert->der_len, &pem) < 0)
		return MS_EXIT_FAILED;
	status = ms_enroll_file(e, "revoked.pem", pem.data, pem.len, path);
	if (status)
		return status;
	ms_enroll_step(
		e,
		"CONFIG_SYSTEM_REVOCATION_LIST=y and "
		"CONFIG_SYSTEM_REVOCATION_KEYS=\"%s\"    # in the kernel's .config",
		path);
	ms_enroll_note(e, "kernels since 5.13 that are built so refuse what this key or "
			  "its leaves have signed; Debian's are not");
	note_take_out(e);
	return status;
}
