/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_CLI_CMD_SIGN_FILE_H
#define MS_CLI_CMD_SIGN_FILE_H

#include "signer/client/cli.h"

/**
 * ms_sign_is_of_files() - is `modseal sign` about files rather than modules
 *
 * With --format it is; with --detached when none of the paths is a module.
 *
 * Return: enum ms_exit, having complained where some are modules and some are not.
 */
int ms_sign_is_of_files(const struct ms_cli *cli, bool *ret) _must_check_;

/** ms_cmd_sign_files() - sign them. Return: enum ms_exit */
int ms_cmd_sign_files(const struct ms_cli *cli);

#endif
