/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How kernels and firmware come to trust a certificate, and to distrust it: files, the
 * commands that take them there, and which kernels heed them.
 */
#ifndef MS_CLI_ENROLL_H
#define MS_CLI_ENROLL_H

#include "lib/cert.h"
#include "lib/efi.h"
#include "signer/client/talk.h"

/* Owner of the entries that modseal makes; it says nothing but where they come from. */
#define MS_EFI_OWNER "67212fe3-e8a5-4a74-ae7b-e3e28f0aa366"

#define MS_QUOTED_MAX (5 * MS_PATH_MAX + 8)

/**
 * struct ms_enroll - one certificate on its way to one target
 * @name: of the key; files are DIR/NAME.SUFFIX
 * @kek: signs updates of db and dbx in the agent; NULL: somebody else does
 * @time: of such an update; @replace: it takes the place of what is there
 * @signature: file with somebody else's signature of it, or NULL
 * @from: since when it is distrusted; 0: always
 * @issues: the key certifies leaf keys, which sign; else it signs modules itself
 * @files, @steps, @notes: arrays of texts: what was written, what to do, what to know
 */
struct ms_enroll {
	const struct ms_cli *cli;
	struct ms_talk *talk;
	const struct ms_cert *cert;
	const char *name, *dir, *kek, *signature;
	struct ms_guid owner;
	time_t time, from;
	bool replace, issues;
	json_t *files, *steps, *notes;
};

/**
 * ms_enroll_dir() - have the folder, making it if it is not there (but not those above)
 * Return: enum ms_exit, having complained.
 */
int ms_enroll_dir(const struct ms_cli *cli, const char *dir) _must_check_;

/**
 * ms_enroll_file() - write DIR/NAME.SUFFIX
 * A file that is there already has to have the same content.
 * @ret: its path, MS_PATH_MAX bytes, or NULL
 * Return: enum ms_exit, having complained.
 */
int ms_enroll_file(struct ms_enroll *e, const char *suffix, const void *data, size_t len,
		   char *ret) _must_check_;
/**
 * ms_enroll_quote() - a path as a shell takes it for one word
 * As it is if nothing in it means anything to a shell, else in single quotes.
 * @ret: MS_QUOTED_MAX bytes
 */
void ms_enroll_quote(const char *path, char *ret);
void ms_enroll_step(struct ms_enroll *e, const char *fmt, ...) _printf_(2, 3);
void ms_enroll_note(struct ms_enroll *e, const char *fmt, ...) _printf_(2, 3);

/**
 * ms_enroll_update() - NAME.VARIABLE.auth, or what is to be signed for it
 * Return: enum ms_exit, having complained.
 */
int ms_enroll_update(struct ms_enroll *e, const char *variable,
		     const struct ms_buf *list) _must_check_;

/* One function for each target of --for; enroll_trust.c, enroll_distrust.c. */
int ms_enroll_mok(struct ms_enroll *e);
int ms_enroll_db(struct ms_enroll *e);
int ms_enroll_trusted_keys(struct ms_enroll *e);
int ms_enroll_secondary(struct ms_enroll *e);
int ms_enroll_ima(struct ms_enroll *e);
int ms_enroll_dbx(struct ms_enroll *e);
int ms_enroll_mokx(struct ms_enroll *e);
int ms_enroll_blacklist(struct ms_enroll *e);
int ms_enroll_revocation_keys(struct ms_enroll *e);

/**
 * ms_enroll_distrust() - what --for dbx, mokx, blacklist and revocation-keys write,
 * without an update that a KEK has to sign
 * @e: files, steps and notes are made here
 * @ret: an array: what ms_enroll_json() says of each
 * Return: enum ms_exit, having complained.
 */
int ms_enroll_distrust(struct ms_enroll *e, json_t **ret) _must_check_;
/** ms_enroll_json() - one target's files, steps and notes */
json_t *ms_enroll_json(const struct ms_enroll *e, const char *target);
/** ms_enroll_show() - ms_enroll_json()'s lists as text */
void ms_enroll_show(const json_t *j);

/** ms_enroll_print() - files, steps and notes; JSON with --json */
void ms_enroll_print(const struct ms_enroll *e, const char *target);
/** ms_enroll_clear() - the arrays */
void ms_enroll_clear(struct ms_enroll *e);

#endif
