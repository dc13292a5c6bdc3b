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
	ms_enroll_note(
		e, "kernels up to 7.3 never match the TBS entry in that form, as they "
		   "compare it together with the time of revocation that follows it");
}

/*
 * The TBS entry without a time. Only of SHA-256: of a longer digest the list would look
 * like one that has a time.
 */
static int put_bare(struct ms_enroll *e)
{
	_cleanup_buf_ struct ms_buf list = MS_BUF_INIT(MS_ESL_MAX);
	uint8_t digest[MS_DIGEST_MAX];
	char path[MS_PATH_MAX];
	int status;

	if (e->cert->hash != MS_HASH_SHA256) {
		ms_enroll_note(e, "no TBS entry in the form that kernels match was "
				  "written: there is one only for certificates that are "
				  "signed with SHA-256, and this one is not");
		return MS_EXIT_OK;
	}
	if (tbs_digest(e->cert, MS_HASH_SHA256, digest) < 0)
		return MS_EXIT_FAILED;
	ms_esl_put_tbs_bare(&list, &e->owner, digest);
	if (ms_buf_error(&list) < 0)
		return MS_EXIT_FAILED;
	status = ms_enroll_file(e, "tbs32.esl", list.data, list.len, path);
	if (status)
		return status;
	ms_enroll_note(
		e,
		"%s has the TBS entry without a time, which kernels 6.1 to 7.3 (ran) "
		"match, in dbx and in MokListX, for certificates that are in a "
		"module's signature: leaf keys, or an issuer that is embedded; "
		"firmware built from EDK2 refuses an update with it, so it gets "
		"there only where the variable store itself is written, as a "
		"virtual machine's is",
		path);
	return MS_EXIT_OK;
}

/* DIR/NAME.dbx.esl, and the other form of it. */
static int write_dbx(struct ms_enroll *e, struct ms_buf *list)
{
	int status = put_lists(e, list);

	if (!status)
		status = ms_enroll_file(e, "dbx.esl", list->data, list->len, NULL);
	if (status)
		return status;
	note_lists(e);
	return put_bare(e);
}

int ms_enroll_dbx(struct ms_enroll *e)
{
	_cleanup_buf_ struct ms_buf list = MS_BUF_INIT(MS_ESL_MAX);
	int status = write_dbx(e, &list);

	if (!status)
		status = ms_enroll_update(e, "dbx", &list);
	if (!status)
		note_take_out(e);
	return status;
}

/* The update is a step of its own: it has the time at which a KEK signs it. */
static int dbx_without_update(struct ms_enroll *e)
{
	_cleanup_buf_ struct ms_buf list = MS_BUF_INIT(MS_ESL_MAX);
	char dir[MS_QUOTED_MAX];
	int status = write_dbx(e, &list);

	if (status)
		return status;
	ms_enroll_quote(e->dir, dir);
	ms_enroll_step(
		e,
		"modseal key enroll %s --for dbx --dir %s [--kek KEY]    # the update "
		"that a KEK signs",
		e->name, dir);
	note_take_out(e);
	return MS_EXIT_OK;
}

int ms_enroll_mokx(struct ms_enroll *e)
{
	_cleanup_buf_ struct ms_buf list = MS_BUF_INIT(MS_ESL_MAX);
	char path[MS_PATH_MAX], esl[MS_PATH_MAX], quoted[MS_QUOTED_MAX];
	int status = put_lists(e, &list);

	if (!status)
		status = ms_enroll_file(e, "mokx.esl", list.data, list.len, esl);
	if (!status)
		status = ms_enroll_file(e, "der", e->cert->der, e->cert->der_len, path);
	if (status)
		return status;
	ms_enroll_quote(path, quoted);
	ms_enroll_step(e,
		       "mokutil --mokx --import %s    # on each machine; asks for a "
		       "password",
		       quoted);
	ms_enroll_step(e, "reboot, and at the machine's console choose Enroll MOK and "
			  "give that password");
	ms_enroll_note(e, "%s has the entries for tools that write MokListX themselves",
		       esl);
	note_lists(e);
	status = put_bare(e);
	note_take_out(e);
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

int ms_enroll_distrust(struct ms_enroll *e, json_t **ret)
{
	static const struct {
		const char *name;
		int (*run)(struct ms_enroll *e);
	} targets[] = {
		{"blacklist", ms_enroll_blacklist},
		{"revocation-keys", ms_enroll_revocation_keys},
		{"dbx", dbx_without_update},
		{"mokx", ms_enroll_mokx},
	};
	_cleanup_json_ json_t *all = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		int status;

		ms_enroll_clear(e);
		e->files = json_array();
		e->steps = json_array();
		e->notes = json_array();
		status = targets[i].run(e);
		if (status)
			return status;
		json_array_append_new(all, ms_enroll_json(e, targets[i].name));
	}
	*ret = TAKE_PTR(all);
	return MS_EXIT_OK;
}
