/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands about keys share; cmd_key*.c. */
#ifndef MS_CLI_CMD_KEY_H
#define MS_CLI_CMD_KEY_H

#include <time.h>
#include "lib/cert.h"
#include "signer/client/key_source.h"
#include "signer/client/pin.h"
#include "signer/client/talk.h"

/**
 * ms_key_pin_get() - the PIN of the key that is the first operand
 * @credential: take the systemd credential, if there is one
 * @prompt: else ask on the terminal; @twice: as ms_pin_from_terminal()
 *
 * --pin-fd goes before both. Without any of them there is no PIN.
 *
 * Return: enum ms_exit, having complained.
 */
int ms_key_pin_get(const struct ms_cli *cli, bool credential, bool prompt, bool twice,
		   struct ms_pin *ret) _must_check_;
/** ms_key_print() - a key's facts as text or JSON. Return: MS_EXIT_OK */
int ms_key_print(const struct ms_cli *cli, const json_t *key);
/** ms_pcrs_parse() - "7,14" or "none" as a JSON array; NULL if it is neither */
json_t *ms_pcrs_parse(const char *text);

/** ms_key_read_cert_file() - a file of certificates; complains. Return: enum ms_exit */
int ms_key_read_cert_file(const struct ms_cli *cli, const char *path,
			  struct ms_cert_list *ret) _must_check_;

/** ms_key_read_source() - a private key from a file; asks for its passphrase, or takes it
 * from --passphrase-fd; complains. Return: enum ms_exit */
int ms_key_read_source(const struct ms_cli *cli, const char *path,
		       struct ms_key_source *ret) _must_check_;
/** ms_key_write_new() - to a file that must not exist yet; complains. Return: ms_exit */
int ms_key_write_new(const struct ms_cli *cli, const char *path,
		     const struct ms_buf *data) _must_check_;
/**
 * ms_key_approval_json() - --approval FILE for the agent, held against --policy-key
 * @ret: a JSON string, NULL without the option
 * Complains. Return: enum ms_exit.
 */
int ms_key_approval_json(const struct ms_cli *cli, json_t **ret) _must_check_;

/** ms_key_post() - a POST whose answer is bytes; complains. @body: a DER certificate, or
 * NULL. Return: enum ms_exit */
int ms_key_post(struct ms_talk *t, const char *target, const char *accept,
		const uint8_t *body, size_t len, struct ms_buf *out) _must_check_;
/** ms_key_add_param() - "?NAME=VALUE" or "&NAME=VALUE", encoded, at the end of a target
 */
void ms_key_add_param(char *target, size_t size, const char *name, const char *value);
/** ms_key_read_time() - YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ. Return: 0 or -EINVAL */
int ms_key_read_time(const char *text, time_t *ret) _must_check_;

#endif
