/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands about evidence share; cmd_attest.c, cmd_tpm.c, cmd_provision.c. */
#ifndef MS_CLI_CMD_ATTEST_H
#define MS_CLI_CMD_ATTEST_H

#include "lib/attest_check.h"
#include "lib/bundle.h"
#include "signer/client/cmd_key.h"

/* All return enum ms_exit, having complained. */

/** ms_cli_post() - a POST with a body of bytes, whose answer is bytes */
int ms_cli_post(struct ms_talk *t, const char *target, const char *accept,
		const uint8_t *body, size_t len, struct ms_buf *out) _must_check_;
/** ms_cli_write_new() - a new file; NULL: standard output. Nothing is replaced. */
int ms_cli_write_new(const struct ms_cli *cli, const char *path,
		     const struct ms_buf *data, mode_t mode) _must_check_;
/** ms_cli_read_bundle() - @msg: owns what @ret points into */
int ms_cli_read_bundle(const struct ms_cli *cli, const char *path, const char *type,
		       struct ms_buf *msg, struct ms_tpm_evidence *ret) _must_check_;
/** ms_cli_add_chain() - the certificates of --chain, if it is given, to @msg's */
int ms_cli_add_chain(const struct ms_cli *cli, struct ms_buf *msg,
		     struct ms_tpm_evidence *e) _must_check_;
/** ms_cli_judge() - print what is wrong; MS_EXIT_OK only if all is good */
int ms_cli_judge(const struct ms_cli *cli, const struct ms_attest_result *r) _must_check_;

#endif
