/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands about builds and requests share. */
#ifndef MS_CLI_CMD_BUILD_H
#define MS_CLI_CMD_BUILD_H

#include "signer/client/module_list.h"
#include "signer/client/talk.h"

#define MS_BUILD_TARGET_MAX 256
#define MS_BUILD_ANSWER_MAX (64u << 20) /* bytes of an answer with modules */

/** ms_build_target() - "/v1/builds/ID" and @tail; complains about what cannot be an id */
int ms_build_target(const struct ms_cli *cli, const char *id, const char *tail,
		    char ret[MS_BUILD_TARGET_MAX]) _must_check_;

/** ms_build_get() - GET, of whatever size. Return: enum ms_exit, having complained */
int ms_build_get(const struct ms_cli *cli, const char *target, json_t **ret) _must_check_;
/** ms_build_post() - POST with a JSON body, which is taken over; NULL: it could not be
 * made. Return: enum ms_exit, having complained */
int ms_build_post(const struct ms_cli *cli, const char *target, json_t *body,
		  json_t **ret) _must_check_;

/**
 * ms_build_list_of() - the list of modules of files and, with @recursive, folders
 * --hash of @cli is the list's
 * Return: enum ms_exit, having complained of everything that cannot be on it.
 */
int ms_build_list_of(const struct ms_cli *cli, char *const *paths, size_t n,
		     bool recursive, bool with_files,
		     struct ms_module_list *ret) _must_check_;

/* Parts of other commands. */
int ms_cmd_build_diff(const struct ms_cli *cli);
int ms_cmd_sign_request(const struct ms_cli *cli);
int ms_cmd_sign_resume(const struct ms_cli *cli);

#endif
