/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Builds: grants to sign the modules of one kernel release with one key. What a build is
 * and what may be done with it; no I/O. api_builds.c is about requests and records,
 * grant.c about signing. On the event loop's thread only.
 */
#ifndef MS_AGENT_BUILD_H
#define MS_AGENT_BUILD_H

#include <jansson.h>
#include "signer/agent/build_list.h"
#include "signer/agent/policy.h"
#include "signer/agent/store.h"

#define MS_BUILD_ID 26u		/* characters of an id: 128 bits in base 32 */
#define MS_BUILD_MODULES 20000u /* that a build may sign, unless it is asked for more */
#define MS_BUILD_MODULES_MAX 1000000u
#define MS_BUILDS_OWN 256u /* of one identity that have not ended */
#define MS_BUILD_LASTS_S (4u * 3600u)
#define MS_BUILD_GRACE_S 120 /* that a leaf outlives its build, for the manifest */
#define MS_BUILD_LASTS_MAX_S (30u * 86400u)

enum ms_build_state {
	MS_BUILD_PENDING = 1, /* approvals are missing */
	MS_BUILD_OPEN,
	MS_BUILD_CLOSED,
	MS_BUILD_EXPIRED,
	MS_BUILD_REJECTED,
};
const char *ms_build_state_name(enum ms_build_state s);

/** struct ms_person - who did something, as it was then */
struct ms_person {
	char id[sizeof(((struct ms_identity *)0)->id)];
	char user[sizeof(((struct ms_identity *)0)->user)];
	char more[sizeof(((struct ms_identity *)0)->more)];
};

struct ms_approval {
	struct ms_person who;
	unsigned int tier;
	int64_t when;
};

/**
 * struct ms_build_life - the part of a build that changes
 * @n_approvals: so many of the build's approvals have been given
 * @opened, @ended: seconds since 1970; 0: not yet
 * @expires: end of the time in which it signs, or waits for approvals
 * @by, @reason: who ended it, and why, as far as somebody did
 */
struct ms_build_life {
	enum ms_build_state state;
	size_t n_approvals;
	int64_t opened, ended, expires;
	struct ms_person by;
	char reason[256];
};

/**
 * struct ms_build - one build
 * @rule, @tiers: as they were when it was opened; a rule that asks for other approvals by
 *     now does not sign for it
 * @approvals: room for as many as it needs
 * @lasts_s: seconds that it stays open
 * @signed_, @in_flight: modules that are signed and on record; and on their way
 * @list: the modules that it is for; NULL: any
 * @request: opened for some files (modseal sign --request), to be signed once approved
 * @leaf: certificate of its leaf key, which lives in the key process; NULL without one,
 *     and after a restart of the agent, which leaf keys do not survive
 * @deadline: end of its time by a clock that nobody sets, as long as this process lives;
 *     0: not known. Whichever comes first counts, this or @life.expires.
 * @busy: a change of @life is on its way to the store
 * @ready: the key process can sign for it
 * @closing: signs no more, and waits for those on their way
 */
struct ms_build {
	char id[MS_BUILD_ID + 1];
	char key[MS_KEY_NAME_MAX + 1], kernel[MS_FACT_MAX], series[65], rule[64];
	struct ms_person opener;
	struct ms_tier tiers[MS_TIERS_MAX];
	size_t n_tiers;
	struct ms_approval *approvals;
	int64_t requested;
	uint32_t lasts_s;
	uint64_t max, signed_, in_flight;
	struct ms_build_life life;
	struct ms_build_list *list;
	bool request;

	struct ms_cert *leaf;
	int64_t deadline;
	bool busy, ready, closing;
	void (*idle)(struct ms_build *b,
		     void *arg); /* when the last on its way is done */
	void *idle_arg;
	struct ms_build_waiter *waiters;
};

/**
 * ms_build_new() - a build that a rule lets somebody open
 * @kernel, @series: checked by ms_build_text_valid()
 * @max, @lasts_s: 0: the default; @max is lowered to the rule's limit per build
 * Its state is pending if @rule has approvals, else open.
 */
struct ms_build *ms_build_new(const struct ms_rule *rule, const struct ms_identity *who,
			      const char *key, const char *kernel, const char *series,
			      uint64_t max, uint32_t lasts_s, int64_t now);
void ms_build_free(struct ms_build *b);

/** ms_build_text_valid() - may it be a kernel release or series: 1 to @max of
 * [A-Za-z0-9._+~:-] */
bool ms_build_text_valid(const char *s, size_t max);

/** ms_build_json() - all of it with @life in place of its own, as the store keeps it and
 * clients get it */
json_t *ms_build_json(const struct ms_build *b, const struct ms_build_life *life);
/** ms_build_from_json() - what ms_build_json() has made. Return: 0, -EBADMSG, -ENOMEM. */
int ms_build_from_json(const char *text, struct ms_build **ret) _must_check_;

/** ms_build_tier() - the tier that is to approve next; @n_tiers when none is */
size_t ms_build_tier(const struct ms_build *b);

/** ms_build_may_see() - the opener, its approvers, who may use the key, admins */
bool ms_build_may_see(const struct ms_config *c, const struct ms_build *b,
		      const struct ms_identity *who);

/**
 * ms_build_approve() - what an approval by @who makes of it
 * @ret: the build's next life; @b has the approval behind those that count already
 *
 * Refused: "own-approval", "approved-already" (a person counts once, in whichever tier
 * and as whichever of its identities: ms_identity_could_be()),
 * "not-approver" (not in the group of the tier that is next), "build-open",
 * "build-closed", "build-rejected", "build-expired".
 *
 * Return: 0, -EACCES or -EEXIST.
 */
int ms_build_approve(const struct ms_config *c, struct ms_build *b,
		     const struct ms_identity *who, int64_t now,
		     struct ms_build_life *ret, struct ms_error *err) _must_check_;
/** ms_build_reject() - the same for a rejection, by anyone who could approve in some
 * tier, or an admin */
int ms_build_reject(const struct ms_config *c, const struct ms_build *b,
		    const struct ms_identity *who, int64_t now, const char *reason,
		    struct ms_build_life *ret, struct ms_error *err) _must_check_;
/** ms_build_close() - the same for closing, by its opener or an admin */
int ms_build_close(const struct ms_config *c, const struct ms_build *b,
		   const struct ms_identity *who, int64_t now, struct ms_build_life *ret,
		   struct ms_error *err) _must_check_;
/** ms_build_lapse() - is its time over; @ret: its next life then */
bool ms_build_lapse(const struct ms_build *b, int64_t now, struct ms_build_life *ret);
/**
 * ms_build_set_deadline() - what is left of its time, in the terms of another clock
 * @now: seconds since 1970; @clock: seconds of a clock that nobody sets
 *
 * Never more than a build of its kind has in all, however wrong @now is.
 */
void ms_build_set_deadline(struct ms_build *b, int64_t now, int64_t clock);

/**
 * ms_build_take() - one more module, if the build is for it
 * @rule: that decided; @release: of the module's kernel
 *
 * Return: 0, and the module counts until ms_build_give(); -EACCES ("build-key",
 * "build-kernel", "build-rule", "own-approval"); -EEXIST ("build-pending",
 * "build-closed", "build-expired", "build-rejected", "build-full").
 */
int ms_build_take(const struct ms_config *c, struct ms_build *b,
		  const struct ms_rule *rule, const struct ms_identity *who,
		  const char *key, const char *release, int64_t now,
		  struct ms_error *err) _must_check_;
/** ms_build_listed() - may this content be signed for it
 * Return: 0, or -EACCES "not-listed". */
int ms_build_listed(const struct ms_build *b, enum ms_hash hash, const uint8_t *digest,
		    const uint8_t sha256[32], struct ms_error *err) _must_check_;
/** ms_build_give() - it is signed and on record, or it is not going to be */
void ms_build_give(struct ms_build *b, bool was_signed);

/* All builds, by id. */
struct ms_builds;
int ms_builds_new(struct ms_builds **ret) _must_check_;
void ms_builds_free(struct ms_builds *l);
/** ms_builds_load() - from the store */
int ms_builds_load(struct ms_builds *l, struct ms_store *s,
		   struct ms_error *err) _must_check_;
/** ms_builds_add() - takes it over when it returns 0 */
int ms_builds_add(struct ms_builds *l, struct ms_build *b) _must_check_;
struct ms_build *ms_builds_find(const struct ms_builds *l, const char *id);
/** ms_builds_own() - how many that @who has opened have not ended */
size_t ms_builds_own(const struct ms_builds *l, const struct ms_identity *who);
/** ms_builds_at() - the @i-th in order of their ids, or NULL past the last */
struct ms_build *ms_builds_at(const struct ms_builds *l, size_t i);

/**
 * ms_builds_previous() - the last one before @b of its series that has ended and signed
 *
 * Of one series are builds with the same key and the same --series; where that is not
 * given, kernel releases that differ in numbers behind the first two only.
 *
 * Return: NULL, or one that @who may see.
 */
const struct ms_build *ms_builds_previous(const struct ms_builds *l,
					  const struct ms_build *b,
					  const struct ms_config *c,
					  const struct ms_identity *who);
/** ms_build_series() - what stands for the series of a build without one: of
 * "6.1.0-56-cloud-amd64" this is "6.1-cloud-amd64" */
void ms_build_series(const char *kernel, char *ret, size_t size);

struct ms_front;

/** ms_build_ready_fn - a build can sign, or @rc and @err say why it cannot */
typedef void ms_build_ready_fn(void *arg, int rc, const struct ms_error *err);

/**
 * ms_build_opened() - tell the key process of a build that is open now (build_key.c)
 * @done: called once, later or from inside; until then nobody hears that it is open
 */
void ms_build_opened(struct ms_front *f, struct ms_build *b, ms_build_ready_fn *done,
		     void *arg);
/** ms_build_ended() - it is closed or expired: nothing more will be signed for it */
void ms_build_ended(struct ms_front *f, struct ms_build *b);

#endif
