/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "verifier/check.h"
#include "verifier/kernel_verdict.h"
#include "verifier/policy.h"

/* The second byte of an .xz file's stream flags. */
#define XZ_CHECK_AT 7u

void ms_checker_clear(struct ms_checker *c)
{
	ms_file_clear(&c->file);
	ms_inflater_clear(&c->inflater);
}

size_t ms_question_module_max(const struct ms_question *q)
{
	return q->module_max ? q->module_max : MS_MODULE_MEMORY;
}

void ms_checker_large(struct ms_checker *c)
{
	if (!c->large || c->holds)
		return;
	pthread_mutex_lock(c->large);
	c->holds = true;
}

void ms_checker_rest(struct ms_checker *c)
{
	if (c->file.cap > MS_MODULE_LARGE)
		ms_file_clear(&c->file);
	if (c->inflater.cap > MS_MODULE_LARGE)
		ms_inflater_clear(&c->inflater);
	if (!c->holds)
		return;
	c->holds = false;
	pthread_mutex_unlock(c->large);
}

/* A module's name as the kernel has it, from its file name: foo-bar.ko.xz is foo_bar. */
static char *name_of_path(const char *shown)
{
	const char *base = strrchr(shown, '/');
	char *name, *p;

	base = base ? base + 1 : shown;
	p = strstr(base, ".ko");
	name = p ? strndup(base, (size_t)(p - base)) : strdup(base);
	for (p = name; p && *p; p++)
		if (*p == '-')
			*p = '_';
	return name;
}

static int keep_string(const char *s, char **ret)
{
	if (!*s)
		return 0;
	*ret = strdup(s);
	return *ret ? 0 : -ENOMEM;
}

static int keep_hex(const char *prefix, const uint8_t *p, size_t len, char **ret)
{
	char hex[2 * MS_DIGEST_MAX + 1];

	if (len > MS_DIGEST_MAX || !len)
		return 0;
	return asprintf(ret, "%s%s%s", prefix, *prefix ? ":" : "", ms_hex(p, len, hex)) <
			       0
		       ? -ENOMEM
		       : 0;
}

static int keep_facts(const struct ms_evidence *ev, struct ms_result *r)
{
	const struct ms_elf_facts *f = &ev->facts;
	int rc = 0;

	if (!ev->facts_rc) {
		if (*f->name) {
			free(r->name);
			r->name = NULL;
		}
		rc = keep_string(f->name, &r->name);
		if (!rc)
			rc = keep_string(f->vermagic, &r->vermagic);
		if (!rc)
			rc = keep_hex("", f->build_id, f->build_id_len, &r->build_id);
	}
	if (!rc && ev->digest_hash != MS_HASH_NONE)
		rc = keep_hex(ms_hash_name(ev->digest_hash), ev->digest,
			      ms_hash_size(ev->digest_hash), &r->digest);
	return rc;
}

/* A stream that the kernel would have to decompress, and that is damaged. */
static void judge_damaged(const struct ms_question *q, const struct ms_packed *packed,
			  struct ms_result *r)
{
	const struct ms_kernel_profile *p = q->profile ? q->profile : q->fallback;
	bool by_kernel;
	int rc;

	if (!p)
		return;
	rc = ms_kernel_unpack_rc(packed, p, &by_kernel);
	if (!by_kernel)
		return;
	r->kernel.profile = p;
	r->kernel.verdict = MS_KERNEL_REFUSED;
	r->kernel.error = rc ? rc : -EINVAL;
}

static void judge_kernel(const struct ms_question *q, const struct ms_evidence *ev,
			 struct ms_result *r)
{
	const struct ms_kernel_profile *p = q->profile;

	if (!p && !ev->facts_rc && *ev->facts.release)
		p = ms_kernel_profile_find(ev->facts.release);
	else if (!p)
		p = q->fallback;
	r->kernel.profile = p;
	if (p)
		r->kernel.verdict = ms_kernel_judge(ev, p, q->enforce, &r->kernel.error);
}

static int start(const struct ms_question *q, const char *shown, struct ms_result *r)
{
	*r = (struct ms_result){0};
	r->kernel.enforce = q->enforce;
	r->path = strdup(shown);
	r->name = name_of_path(shown);
	return r->path && r->name ? 0 : -ENOMEM;
}

static int inflate_failed(const struct ms_inflater *inf, struct ms_result *r,
			  enum ms_compression kind, size_t len, int rc)
{
	const char *how = ms_compression_name(kind);

	switch (rc) {
	case -ENOMEM:
		return rc;
	case -EFBIG:
		rc = ms_result_add(r, MS_FINDING_TOO_LARGE,
				   "%zu bytes of %s become more than %zu", len, how,
				   ms_inflater_limit(inf, len));
		break;
	case -ENOPKG:
		rc = ms_result_add(r, MS_FINDING_DAMAGED_COMPRESSION,
				   "%s with options or a window that kernels do not take",
				   how);
		break;
	default:
		rc = ms_result_add(r, MS_FINDING_DAMAGED_COMPRESSION,
				   "the %s stream is damaged or cut off", how);
		break;
	}
	ms_result_settle(r, false);
	return rc;
}

/* Lists name a module by what is signed, or (as the kernel's blacklist does) by all of
 * it. */
static void look_for_digest(const struct ms_question *q, const uint8_t *data, size_t len,
			    struct ms_evidence *ev)
{
	const size_t lens[] = {ev->payload_len, len};
	uint8_t digest[MS_DIGEST_MAX];

	for (unsigned int h = 1; q->revocations && h < 32; h++) {
		if (!(q->revocations->hashes & 1u << h))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
			/* The signature's own digest is there already. */
			bool known = ev->digest_hash == (enum ms_hash)h &&
				     lens[i] == ev->payload_len;
			const uint8_t *d = known ? ev->digest : digest;

			if (!known && ms_digest((enum ms_hash)h, data, lens[i], digest))
				continue;
			if (!ev->revoked_digest)
				ev->revoked_digest = ms_revocations_digest(
					q->revocations, (enum ms_hash)h, d, q->now);
			if (h == MS_HASH_SHA256 && lens[i] == len)
				ev->digest_heeded = ms_revocations_heeded(
					q->revocations, MS_HEEDED_BEFORE_7, d);
		}
	}
}

static int check_started(struct ms_checker *c, const uint8_t *data, size_t len,
			 struct ms_result *r)
{
	enum ms_compression kind = ms_compression_detect(data, len);
	const struct ms_trust trust = {
		.anchors = c->q->anchors,
		.revocations = c->q->revocations,
		.now = c->q->now,
	};
	struct ms_packed packed = {.unpacker = c->q->unpacker, .format = kind};
	size_t extra = 0, used;
	int rc;

	if (kind == MS_XZ && len > XZ_CHECK_AT)
		packed.xz_check = data[XZ_CHECK_AT] & 15;
	if (kind != MS_PLAIN && packed.unpacker != MS_UNPACKER_NONE) {
		c->inflater.max = ms_question_module_max(c->q);
		rc = ms_inflate(&c->inflater, kind, data, len, &used);
		if (rc == -EBADMSG)
			judge_damaged(c->q, &packed, r);
		if (rc)
			return inflate_failed(&c->inflater, r, kind, len, rc);
		extra = len - used;
		data = c->inflater.out;
		len = c->inflater.len;
	}
	rc = ms_evidence_gather(data, len, extra, c->q->anchors, c->caches, &c->ev);
	c->ev.packed = packed;
	c->ev.revocations = c->q->revocations;
	if (!rc)
		look_for_digest(c->q, data, len, &c->ev);
	if (!rc)
		rc = keep_facts(&c->ev, r);
	if (!rc)
		rc = ms_policy_judge(&c->ev, &trust, r);
	if (!rc)
		judge_kernel(c->q, &c->ev, r);
	return rc;
}

int ms_check_bytes(struct ms_checker *c, const uint8_t *data, size_t len,
		   const char *shown, struct ms_result *ret)
{
	int rc = start(c->q, shown, ret);

	return rc ? rc : check_started(c, data, len, ret);
}

/* Not where a certificate that only the module has may come of age, nor what was written
 * so lately that a later change might bear the same time. */
static void keep(const struct ms_checker *c, time_t began, struct ms_result *r)
{
	ms_file_id_set(&c->file.st, &r->id);
	r->keep = r->policy.verdict != MS_POLICY_UNCHECKED && !c->ev.msg.n_certs &&
		  c->file.st.st_ctim.tv_sec < began - 2;
}

int ms_check_file(struct ms_checker *c, int dirfd, const char *path, const char *shown,
		  struct ms_result *ret)
{
	struct ms_error err = {0};
	enum ms_finding_code code;
	time_t began;
	int rc = start(c->q, shown, ret);

	if (rc)
		return rc;
	began = time(NULL);
	rc = ms_file_read(dirfd, path, ms_question_module_max(c->q), 0, &c->file, &err);
	if (!rc) {
		rc = check_started(c, c->file.data, c->file.len, ret);
		keep(c, began, ret);
		return rc;
	}
	code = rc == -EFBIG    ? MS_FINDING_TOO_LARGE
	       : rc == -EAGAIN ? MS_FINDING_CHANGED
			       : MS_FINDING_UNREADABLE;
	rc = ms_result_add(ret, code, "%s", *err.msg ? err.msg : ms_strerror(rc));
	ms_result_settle(ret, false);
	return rc;
}
