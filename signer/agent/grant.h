/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a rule grants is counted: by limits and by builds. One signature's grant is taken
 * when it is decided, and ends when its record is durable, or when there will be none.
 */
#ifndef MS_AGENT_GRANT_H
#define MS_AGENT_GRANT_H

#include "signer/agent/front.h"
#include "signer/agent/policy.h"
#include "signer/agent/store_change.h"

/** struct ms_grant - what one signature counts against; all zero: nothing */
struct ms_grant {
	struct ms_build *build;
	char rule[64];
	int64_t minute;
	bool limited;
};

/**
 * struct ms_content - what exactly is to be signed
 * @digest: by @hash; @sha256: of the same bytes, all zero when it is not known
 */
struct ms_content {
	enum ms_hash hash;
	const uint8_t *digest, *sha256;
};

/** ms_grants_load() - builds, limits and denied digests as the store has them */
int ms_grants_load(struct ms_front *f, struct ms_error *err) _must_check_;
void ms_grants_free(struct ms_front *f);

/**
 * ms_grant_rule() - ms_policy_decide(), but an administrator hears that there is no such
 * key (-ENOENT "no-such-key") where no rule is about it
 */
int ms_grant_rule(const struct ms_front *f, const struct ms_policy_request *req,
		  const struct ms_rule **ret, struct ms_error *err) _must_check_;

/**
 * ms_grant_take() - count one signature, if builds and limits allow it
 * @rule, @req: as decided; @build: id, or ""
 * Return: 0; the codes of ms_build_take(), ms_build_listed() and ms_limits_take();
 * -ENOENT "no-such-build".
 */
int ms_grant_take(struct ms_front *f, const struct ms_rule *rule,
		  const struct ms_policy_request *req, const struct ms_content *what,
		  const char *build, struct ms_grant *ret,
		  struct ms_error *err) _must_check_;
/**
 * ms_grant_changes() - what is to be stored with the signature's record @fields
 * @ret: a list, or NULL
 */
int ms_grant_changes(const struct ms_grant *g, const json_t *fields,
		     struct ms_change **ret) _must_check_;
/** ms_grant_end() - the signature is on record, or it is not going to be */
void ms_grant_end(struct ms_front *f, struct ms_grant *g, bool was_signed);

#endif
