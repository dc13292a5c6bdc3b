/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/build.h"
#include "lib/cert.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/rand.h>

#include "lib/escape.h"

const char *ms_build_state_name(enum ms_build_state s)
{
	switch (s) {
	case MS_BUILD_PENDING:
		return "pending";
	case MS_BUILD_OPEN:
		return "open";
	case MS_BUILD_CLOSED:
		return "closed";
	case MS_BUILD_EXPIRED:
		return "expired";
	case MS_BUILD_REJECTED:
		return "rejected";
	}
	return "unknown";
}

/* 128 random bits, five to a character; none that is taken for another one. */
static int random_id(char id[MS_BUILD_ID + 1])
{
	static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
	uint8_t r[17] = {0};
	size_t bit = 0;

	if (RAND_bytes(r, 16) != 1)
		return -EIO;
	for (size_t i = 0; i < MS_BUILD_ID; i++, bit += 5) {
		unsigned int two = (unsigned int)r[bit / 8] << 8 | r[bit / 8 + 1];

		id[i] = digits[two >> (11 - bit % 8) & 31];
	}
	id[MS_BUILD_ID] = '\0';
	return 0;
}

static struct ms_person person(const struct ms_identity *who)
{
	struct ms_person p;

	memcpy(p.id, who->id, sizeof(p.id));
	memcpy(p.user, who->user, sizeof(p.user));
	memcpy(p.more, who->more, sizeof(p.more));
	return p;
}

static bool is_person(const struct ms_person *p, const struct ms_identity *who)
{
	return strcmp(p->id, who->id) == 0 ||
	       (p->user[0] && strcmp(p->user, who->user) == 0);
}

/* For what a person may not do: other identities of theirs may not either. */
static bool could_be(const struct ms_config *c, const struct ms_person *p,
		     const struct ms_identity *who)
{
	struct ms_identity then = {0};

	memcpy(then.id, p->id, sizeof(then.id));
	memcpy(then.user, p->user, sizeof(then.user));
	memcpy(then.more, p->more, sizeof(then.more));
	return ms_identity_could_be(c, &then, who);
}

static size_t approvals_needed(const struct ms_build *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n_tiers; i++)
		n += b->tiers[i].need;
	return n;
}

static int copy_tiers(struct ms_build *b, const struct ms_tier *tiers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		b->tiers[i] = (struct ms_tier){.need = tiers[i].need,
					       .group = strdup(tiers[i].group)};
		b->n_tiers++;
		if (!b->tiers[i].group)
			return -ENOMEM;
	}
	b->approvals = calloc(approvals_needed(b) + 1, sizeof(*b->approvals));
	return b->approvals ? 0 : -ENOMEM;
}

struct ms_build *ms_build_new(const struct ms_rule *rule, const struct ms_identity *who,
			      const char *key, const char *kernel, const char *series,
			      uint64_t max, uint32_t lasts_s, int64_t now)
{
	struct ms_build *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	if (random_id(b->id) < 0 || copy_tiers(b, rule->tiers, rule->n_tiers) < 0) {
		ms_build_free(b);
		return NULL;
	}
	snprintf(b->key, sizeof(b->key), "%s", key);
	snprintf(b->kernel, sizeof(b->kernel), "%s", kernel);
	snprintf(b->series, sizeof(b->series), "%s", series);
	snprintf(b->rule, sizeof(b->rule), "%s", rule->name);
	b->opener = person(who);
	b->requested = now;
	b->lasts_s = lasts_s ? lasts_s : MS_BUILD_LASTS_S;
	b->max = max ? max : MS_BUILD_MODULES;
	if (rule->limit_build)
		b->max = MS_MIN(b->max, rule->limit_build);
	b->life.state = b->n_tiers ? MS_BUILD_PENDING : MS_BUILD_OPEN;
	b->life.opened = b->n_tiers ? 0 : now;
	b->life.expires = now + (b->n_tiers ? rule->approval_valid_s : b->lasts_s);
	return b;
}

void ms_build_free(struct ms_build *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->n_tiers; i++)
		free(b->tiers[i].group);
	free(b->approvals);
	ms_cert_free(b->leaf);
	ms_build_list_free(b->list);
	free(b);
}

bool ms_build_text_valid(const char *s, size_t max)
{
	size_t n = strlen(s);

	if (n == 0 || n > max || !isalnum((unsigned char)*s))
		return false;
	for (; *s; s++) {
		if (!isalnum((unsigned char)*s) && !strchr("._+~:-", *s))
			return false;
	}
	return true;
}

size_t ms_build_tier(const struct ms_build *b)
{
	size_t left = b->life.n_approvals, i = 0;

	while (i < b->n_tiers && left >= b->tiers[i].need)
		left -= b->tiers[i++].need;
	return i;
}

/* ------------------------------------------------------------ who may do what */

static bool in_tier(const struct ms_config *c, const struct ms_tier *t,
		    const struct ms_identity *who)
{
	for (size_t i = 0; i < c->n_groups; i++) {
		if (strcmp(c->groups[i].name, t->group) == 0)
			return ms_identity_in(c, who, &c->groups[i].members);
	}
	return false;
}

static bool in_any_tier(const struct ms_config *c, const struct ms_build *b,
			const struct ms_identity *who)
{
	for (size_t i = 0; i < b->n_tiers; i++) {
		if (in_tier(c, &b->tiers[i], who))
			return true;
	}
	return false;
}

bool ms_build_may_see(const struct ms_config *c, const struct ms_build *b,
		      const struct ms_identity *who)
{
	return is_person(&b->opener, who) || in_any_tier(c, b, who) ||
	       ms_policy_may_see(c, who, b->key);
}

static const struct ms_approval *approval_by(const struct ms_config *c,
					     const struct ms_build *b,
					     const struct ms_identity *who)
{
	for (size_t i = 0; i < b->life.n_approvals; i++) {
		if (could_be(c, &b->approvals[i].who, who))
			return &b->approvals[i];
	}
	return NULL;
}

static int ended(const struct ms_build *b, int64_t now, struct ms_error *err)
{
	const struct ms_build_life *l = &b->life;
	char reason[300];

	switch (l->state) {
	case MS_BUILD_CLOSED:
		return ms_error_set(err, -EEXIST, "build-closed",
				    "build %s is closed: open another one", b->id);
	case MS_BUILD_REJECTED:
		return ms_error_set(err, -EEXIST, "build-rejected",
				    "build %s was rejected by %s%s%s", b->id, l->by.id,
				    l->reason[0] ? ": " : "",
				    ms_escape_str(l->reason, reason, sizeof(reason)));
	case MS_BUILD_PENDING:
	case MS_BUILD_OPEN:
		if (now < l->expires)
			return 0;
		__attribute__((fallthrough));
	case MS_BUILD_EXPIRED:
	default:
		return ms_error_set(
			err, -EEXIST, "build-expired", "build %s %s: open another one",
			b->id, l->opened ? "has expired" : "was not approved in time");
	}
}

int ms_build_approve(const struct ms_config *c, struct ms_build *b,
		     const struct ms_identity *who, int64_t now,
		     struct ms_build_life *ret, struct ms_error *err)
{
	struct ms_build_life next = b->life;
	size_t tier = ms_build_tier(b);

	if (ended(b, now, err) < 0)
		return -EEXIST;
	if (b->life.state == MS_BUILD_OPEN)
		return ms_error_set(err, -EEXIST, "build-open",
				    "build %s needs no more approvals: it is open",
				    b->id);
	if (could_be(c, &b->opener, who))
		return ms_error_set(err, -EACCES, "own-approval",
				    "%s opened build %s, and nobody approves their own",
				    who->id, b->id);
	if (approval_by(c, b, who))
		return ms_error_set(err, -EEXIST, "approved-already",
				    "%s has approved build %s already, and nobody counts "
				    "twice",
				    who->id, b->id);
	if (!in_tier(c, &b->tiers[tier], who))
		return ms_error_set(
			err, -EACCES, "not-approver",
			"build %s waits for group %s, and %s is not a member%s", b->id,
			b->tiers[tier].group, who->id,
			in_any_tier(c, b, who) ? ": the turn of its group comes later"
					       : "");
	b->approvals[next.n_approvals++] = (struct ms_approval){
		.who = person(who), .tier = (unsigned int)tier, .when = now};
	if (next.n_approvals == approvals_needed(b)) {
		next.state = MS_BUILD_OPEN;
		next.opened = now;
		next.expires = now + b->lasts_s;
	}
	*ret = next;
	return 0;
}

int ms_build_reject(const struct ms_config *c, const struct ms_build *b,
		    const struct ms_identity *who, int64_t now, const char *reason,
		    struct ms_build_life *ret, struct ms_error *err)
{
	struct ms_build_life next = b->life;

	if (ended(b, now, err) < 0)
		return -EEXIST;
	if (!in_any_tier(c, b, who) && !ms_identity_is_admin(c, who))
		return ms_error_set(
			err, -EACCES, "not-approver",
			"%s may not reject build %s: only those who could approve it, "
			"and administrators, may",
			who->id, b->id);
	next.state = MS_BUILD_REJECTED;
	next.ended = now;
	next.by = person(who);
	snprintf(next.reason, sizeof(next.reason), "%s", reason);
	*ret = next;
	return 0;
}

int ms_build_close(const struct ms_config *c, const struct ms_build *b,
		   const struct ms_identity *who, int64_t now, struct ms_build_life *ret,
		   struct ms_error *err)
{
	struct ms_build_life next = b->life;

	if (ended(b, now, err) < 0)
		return -EEXIST;
	if (!is_person(&b->opener, who) && !ms_identity_is_admin(c, who))
		return ms_error_set(err, -EACCES, "not-opener",
				    "%s may not close build %s: only who opened it, and "
				    "administrators, may",
				    who->id, b->id);
	next.state = MS_BUILD_CLOSED;
	next.ended = now;
	next.by = person(who);
	*ret = next;
	return 0;
}

bool ms_build_lapse(const struct ms_build *b, int64_t now, struct ms_build_life *ret)
{
	struct ms_build_life next = b->life;

	if ((next.state != MS_BUILD_PENDING && next.state != MS_BUILD_OPEN) ||
	    now < next.expires)
		return false;
	next.state = MS_BUILD_EXPIRED;
	next.ended = next.expires;
	*ret = next;
	return true;
}

void ms_build_set_deadline(struct ms_build *b, int64_t now, int64_t clock)
{
	const struct ms_build_life *l = &b->life;
	int64_t all = l->expires - (l->opened ? l->opened : b->requested);
	int64_t left = l->expires - now;

	b->deadline = clock + MS_MAX(MS_MIN(left, all), (int64_t)0);
}

/* -------------------------------------------------------------------- signing */

static bool same_tiers(const struct ms_build *b, const struct ms_rule *rule)
{
	if (b->n_tiers != rule->n_tiers)
		return false;
	for (size_t i = 0; i < b->n_tiers; i++) {
		if (b->tiers[i].need != rule->tiers[i].need ||
		    strcmp(b->tiers[i].group, rule->tiers[i].group) != 0)
			return false;
	}
	return true;
}

static int check_state(const struct ms_build *b, int64_t now, struct ms_error *err)
{
	size_t tier = ms_build_tier(b);

	if (ended(b, now, err) < 0)
		return -EEXIST;
	if (b->life.state == MS_BUILD_PENDING)
		return ms_error_set(
			err, -EEXIST, "build-pending",
			"build %s has %zu of %zu approvals, and waits for group %s",
			b->id, b->life.n_approvals, approvals_needed(b),
			tier < b->n_tiers ? b->tiers[tier].group : "");
	if (!b->ready)
		return ms_error_set(err, -EAGAIN, "not-ready",
				    "build %s is being opened: try again", b->id);
	if (b->closing)
		return ms_error_set(err, -EEXIST, "build-closed",
				    "build %s is being closed: open another one", b->id);
	if (b->signed_ + b->in_flight >= b->max)
		return ms_error_set(
			err, -EEXIST, "build-full",
			"build %s was for %llu modules, and they are signed: open "
			"another one with a larger --max",
			b->id, (unsigned long long)b->max);
	return 0;
}

int ms_build_take(const struct ms_config *c, struct ms_build *b,
		  const struct ms_rule *rule, const struct ms_identity *who,
		  const char *key, const char *release, int64_t now, struct ms_error *err)
{
	char shown[120];
	int r;

	if (strcmp(b->key, key) != 0)
		return ms_error_set(err, -EACCES, "build-key",
				    "build %s is for key %s, not for key %s", b->id,
				    b->key, key);
	if (strcmp(b->kernel, release) != 0)
		return ms_error_set(
			err, -EACCES, "build-kernel",
			"build %s is for kernel %s, and this module is for %s", b->id,
			b->kernel,
			release[0] ? ms_escape_str(release, shown, sizeof(shown))
				   : "no kernel that it names");
	/* The approval would be for somebody else's modules in name only. */
	if (approval_by(c, b, who))
		return ms_error_set(err, -EACCES, "own-approval",
				    "%s approved build %s, and nobody approves their own",
				    who->id, b->id);
	if (rule->n_tiers > 0 && !same_tiers(b, rule))
		return ms_error_set(
			err, -EACCES, "build-rule",
			"rule %s asks for other approvals than build %s has: open "
			"another one",
			rule->name, b->id);
	r = check_state(b, now, err);
	if (r < 0)
		return r;
	b->in_flight++;
	return 0;
}

int ms_build_listed(const struct ms_build *b, enum ms_hash hash, const uint8_t *digest,
		    const uint8_t sha256[32], struct ms_error *err)
{
	if (!b->list || ms_build_list_has(b->list, hash, digest, sha256))
		return 0;
	return ms_error_set(err, -EACCES, "not-listed",
			    "this module is not on the list of the %zu that build %s is "
			    "for: it has changed since, or was hashed with another hash "
			    "than %s",
			    b->list->n, b->id, ms_hash_name(b->list->hash));
}

void ms_build_give(struct ms_build *b, bool was_signed)
{
	b->in_flight--;
	if (was_signed)
		b->signed_++;
	if (b->in_flight == 0 && b->idle) {
		void (*idle)(struct ms_build *, void *) = b->idle;

		b->idle = NULL;
		idle(b, b->idle_arg);
	}
}
