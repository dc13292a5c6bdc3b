/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One question to the agent, one JSON answer. Whatever goes wrong is told to the user
 * here, so that a command has only to hand the exit status on.
 */
#ifndef MS_CLI_TALK_H
#define MS_CLI_TALK_H

#include <jansson.h>
#include "signer/client/cli.h"

/**
 * struct ms_talk - a conversation with the agent
 * @config: as loaded, with --agent applied
 */
struct ms_talk {
	struct ms_client_config config;
	struct ms_http http;
	bool open;
};
void ms_talk_close(struct ms_talk *t);
#define _cleanup_talk_ _cleanup_(ms_talk_close)

static inline void ms_json_freep(json_t **j)
{
	json_decref(*j);
}
#define _cleanup_json_ _cleanup_(ms_json_freep)

/** ms_talk_config() - configuration only. Return: enum ms_exit, having complained */
int ms_talk_config(const struct ms_cli *cli, struct ms_client_config *ret) _must_check_;

/** ms_talk_open() - configuration and connection. Return: enum ms_exit, having complained
 */
int ms_talk_open(const struct ms_cli *cli, struct ms_talk *ret) _must_check_;

/** ms_talk_lost() - did a call fail because there is no agent to talk to (any more)? */
bool ms_talk_lost(const struct ms_error *err);

/**
 * ms_talk_ask() - a request whose answer is JSON
 * @body, @type: NULL for a GET
 * @ret: new reference; an object
 * Return: enum ms_exit, having complained.
 */
int ms_talk_ask(struct ms_talk *t, const char *method, const char *target,
		const char *type, const struct ms_buf *body, json_t **ret) _must_check_;

/**
 * ms_talk_admin() - is the caller an administrator of the agent
 * @ret_id: who they are there, escaped; NULL is fine
 * Return: enum ms_exit, having complained.
 */
int ms_talk_admin(struct ms_talk *t, bool *ret, char *ret_id, size_t size) _must_check_;

/** ms_talk_fetch() - GET something that is not JSON, appended to @out */
int ms_talk_fetch(struct ms_talk *t, const char *target, const char *accept,
		  struct ms_buf *out) _must_check_;

/** ms_talk_key_target() - "/v1/keys/NAME" and @tail; complains about a name that cannot
 * be */
int ms_talk_key_target(const struct ms_cli *cli, const char *key, const char *tail,
		       char *ret, size_t size) _must_check_;

struct ms_cert;
/** ms_talk_key_cert() - the certificate of a key. Return: enum ms_exit, having complained
 */
int ms_talk_key_cert(const struct ms_cli *cli, struct ms_talk *t, const char *key,
		     struct ms_cert **ret) _must_check_;
/** ms_talk_key_issues() - is a key of custody leaf: does it issue, and sign no module? */
int ms_talk_key_issues(const struct ms_cli *cli, struct ms_talk *t, const char *key,
		       bool *ret) _must_check_;

#endif
