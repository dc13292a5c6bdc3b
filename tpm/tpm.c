// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The connection to the TPM, and what kind of TPM it is.
 */
#include <errno.h>
#include <malloc.h>
#include <sys/stat.h>

#include "lib/secmem.h"
#include "tpm/internal.h"

int ms_tpm_props(struct ms_tpm *t, uint32_t first, TPMS_CAPABILITY_DATA **ret,
		 struct ms_error *err)
{
	TPMI_YES_NO more;
	TSS2_RC rc;

	rc = Esys_GetCapability(t->esys, MS_NO_SESSIONS, TPM2_CAP_TPM_PROPERTIES, first,
				TPM2_MAX_TPM_PROPERTIES, &more, ret);
	return ms_tpm_explain(rc, "ask the TPM for its properties", err);
}

uint32_t ms_tpm_prop(const TPMS_CAPABILITY_DATA *caps, uint32_t property)
{
	const TPML_TAGGED_TPM_PROPERTY *l = &caps->data.tpmProperties;

	for (uint32_t i = 0; i < l->count; i++)
		if (l->tpmProperty[i].property == property)
			return l->tpmProperty[i].value;
	return 0;
}

bool ms_tpm_has_hash(struct ms_tpm *t, TPM2_ALG_ID alg)
{
	const TPML_ALG_PROPERTY *l = &t->hashes.data.algorithms;
	TPMI_YES_NO more;

	if (!t->asked_hashes) {
		_cleanup_esys_ TPMS_CAPABILITY_DATA *caps = NULL;

		if (Esys_GetCapability(t->esys, MS_NO_SESSIONS, TPM2_CAP_ALGS,
				       TPM2_ALG_FIRST, TPM2_MAX_CAP_ALGS, &more,
				       &caps) != TSS2_RC_SUCCESS)
			return true;
		t->hashes = *caps;
		t->asked_hashes = true;
	}
	for (uint32_t i = 0; i < l->count; i++)
		if (l->algProperties[i].alg == alg)
			return true;
	return false;
}

int ms_tpm_ping(struct ms_tpm *t, struct ms_error *err)
{
	_cleanup_esys_ TPMS_CAPABILITY_DATA *caps = NULL;
	TPMI_YES_NO more;
	TSS2_RC rc;

	rc = Esys_GetCapability(t->esys, MS_NO_SESSIONS, TPM2_CAP_TPM_PROPERTIES,
				TPM2_PT_MANUFACTURER, 1, &more, &caps);
	return ms_tpm_explain(rc, "reach the TPM", err);
}

static int handles(struct ms_tpm *t, uint32_t first, uint32_t max,
		   TPMS_CAPABILITY_DATA **ret, struct ms_error *err)
{
	TPMI_YES_NO more;
	TSS2_RC rc;

	rc = Esys_GetCapability(t->esys, MS_NO_SESSIONS, TPM2_CAP_HANDLES, first, max,
				&more, ret);
	return ms_tpm_explain(rc, "ask the TPM for its handles", err);
}

/*
 * Without a resource manager, what a worker had loaded when it was killed stays and takes
 * the few slots. Whoever can see these handles here has the TPM to himself: a resource
 * manager shows us only our own, and there are none yet.
 */
static int flush_leftovers(struct ms_tpm *t, uint32_t first, struct ms_error *err)
{
	_cleanup_esys_ TPMS_CAPABILITY_DATA *caps = NULL;
	int r;

	r = handles(t, first, TPM2_MAX_CAP_HANDLES, &caps, err);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < caps->data.handles.count; i++) {
		ESYS_TR tr;

		if (Esys_TR_FromTPMPublic(t->esys, caps->data.handles.handle[i],
					  MS_NO_SESSIONS, &tr) == TSS2_RC_SUCCESS)
			Esys_FlushContext(t->esys, tr);
	}
	return 0;
}

/* Groups by number: the worker's sandbox keeps it from reading their names. */
static int no_permission(const char *path, const struct stat *st, struct ms_error *err)
{
	bool group = (st->st_mode & S_IRGRP) && (st->st_mode & S_IWGRP);

	return ms_error_set(err, -ENODEV, "tpm-absent",
			    "cannot open the TPM: no permission for %s: run the agent as "
			    "%s %u",
			    path,
			    group ? "a member of the file's group, gid"
				  : "the file's owner, uid",
			    group ? st->st_gid : st->st_uid);
}

/* What the TSS calls an I/O error is nearly always a path that can be named. */
static int cannot_connect(const char *tcti, TSS2_RC rc, struct ms_error *err)
{
	const char *path = NULL;
	bool device = !strncmp(tcti, "device:", 7);
	struct stat st;

	if (device)
		path = tcti + 7;
	else if (!strncmp(tcti, "swtpm:path=", 11))
		path = tcti + 11;
	if (path && *path && access(path, R_OK | W_OK) < 0) {
		if (errno == EACCES || errno == EPERM)
			return stat(path, &st) < 0
				       ? ms_error_set(
						 err, -ENODEV, "tpm-absent",
						 "cannot open the TPM: no permission "
						 "for the folder of %s: let the "
						 "agent's user in",
						 path)
				       : no_permission(path, &st, err);
		if (errno == ENOENT || errno == ENOTDIR)
			return ms_error_set(
				err, -ENODEV, "tpm-absent",
				"cannot open the TPM: there is no %s: %s", path,
				device ? "enable the TPM in the firmware set-up, or "
					 "correct tcti in section [tpm]"
				       : "start swtpm, with --ctrl at that path and "
					 ".ctrl, or correct tcti in section [tpm]");
	}
	if ((rc & 0xffff) == TSS2_BASE_RC_IO_ERROR)
		return ms_error_set(
			err, -ENODEV, "tpm-absent",
			"cannot open the TPM: nothing answers at \"%s\": %s", tcti,
			device ? "end other programs that have it open, or use "
				 "device:/dev/tpmrm0"
			       : "start it (swtpm's control socket has to be that "
				 "path and .ctrl), or correct tcti in section [tpm]");
	return ms_tpm_explain(rc, "open the TPM", err);
}

int ms_tpm_open(const char *tcti, struct ms_tpm **ret, struct ms_error *err)
{
	struct ms_tpm *t;
	TSS2_RC rc;
	int r;

	/* One sentence is printed, ours; whoever sets TSS2_LOG himself gets the TSS's
	 * too. */
	setenv("TSS2_LOG", "all+NONE", 0);
	t = calloc(1, sizeof(*t));
	if (!t)
		return ms_error_set(err, -ENOMEM, "no-memory", "out of memory");
	t->kept.object = t->kept.session = ESYS_TR_NONE;
	rc = Tss2_TctiLdr_Initialize(tcti, &t->tcti);
	if (rc != TSS2_RC_SUCCESS) {
		r = cannot_connect(tcti, rc, err);
		goto fail;
	}
	rc = Esys_Initialize(&t->esys, t->tcti, NULL);
	if (rc != TSS2_RC_SUCCESS) {
		r = ms_tpm_explain(rc, "open the TPM", err);
		goto fail;
	}
	r = flush_leftovers(t, MS_TPM_TRANSIENT_FIRST, err);
	if (r == 0)
		r = flush_leftovers(t, TPM2_LOADED_SESSION_FIRST, err);
	if (r < 0)
		goto fail;
	*ret = t;
	return 0;
fail:
	ms_tpm_close(t);
	return r;
}

/* A free chunk that was taken back; the rest of it is zero. */
struct chunk {
	struct chunk *next;
};

static bool take_and_wipe(struct chunk **all, size_t size)
{
	struct chunk *c = malloc(size);

	if (!c)
		return false;
	ms_wipe(c, malloc_usable_size(c));
	c->next = *all;
	*all = c;
	return true;
}

/*
 * The TSS frees without wiping; this takes all free memory of the heap back, so that we
 * can: of each size until the heap has to grow for it, from large to small, and at last
 * the seven of each size up to 1 KiB that glibc keeps at hand.
 */
static void wipe_free_chunks(void)
{
	/* Where the heap is someone else's (sanitizers), there is an end to it, too. */
	size_t budget = mallinfo2().fordblks + (256u << 10);
	struct chunk *all = NULL;

	/* Grow by what is asked for and no more; and merge the free chunks of all sizes.
	 */
	mallopt(M_TOP_PAD, 0);
	for (size_t size = 32768; size >= 64; size /= 2) {
		const void *end = sbrk(0);

		while (budget >= size && sbrk(0) == end && take_and_wipe(&all, size))
			budget -= size;
	}
	for (size_t size = 1032; size >= 24; size -= 16)
		for (int i = 0; i < 7; i++)
			take_and_wipe(&all, size);
	while (all) {
		struct chunk *c = all;

		all = c->next;
		c->next = NULL;
		free(c);
	}
}

static void __attribute__((noinline)) wipe_stack(void)
{
	uint8_t below[32768];

	ms_wipe(below, sizeof(below));
}

void ms_tpm_let_go(struct ms_tpm *t)
{
	struct ms_kept *k = &t->kept;

	if (k->session != ESYS_TR_NONE)
		Esys_FlushContext(t->esys, k->session);
	if (k->object != ESYS_TR_NONE)
		Esys_FlushContext(t->esys, k->object);
	*k = (struct ms_kept){.object = ESYS_TR_NONE, .session = ESYS_TR_NONE};
}

void ms_tpm_close(struct ms_tpm *t)
{
	if (!t)
		return;
	if (t->esys) {
		ms_tpm_let_go(t);
		Esys_Finalize(&t->esys);
	}
	if (t->tcti)
		Tss2_TctiLdr_Finalize(&t->tcti);
	free(t);
	wipe_stack();
	wipe_free_chunks();
}

static void copy_chars(char *dst, size_t size, const uint32_t *v, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < 4 * n && at + 1 < size; i++) {
		char c = (char)(v[i / 4] >> (24 - 8 * (i % 4)));

		if (c >= 0x20 && c < 0x7f)
			dst[at++] = c;
	}
	while (at > 0 && dst[at - 1] == ' ')
		at--;
	dst[at] = '\0';
}

static void fill_fixed(const TPMS_CAPABILITY_DATA *caps, struct ms_tpm_info *i)
{
	uint32_t maker = ms_tpm_prop(caps, TPM2_PT_MANUFACTURER), vendor[4];
	uint32_t v1 = ms_tpm_prop(caps, TPM2_PT_FIRMWARE_VERSION_1);
	uint32_t v2 = ms_tpm_prop(caps, TPM2_PT_FIRMWARE_VERSION_2);

	for (uint32_t k = 0; k < 4; k++)
		vendor[k] = ms_tpm_prop(caps, TPM2_PT_VENDOR_STRING_1 + k);
	copy_chars(i->manufacturer, sizeof(i->manufacturer), &maker, 1);
	copy_chars(i->vendor, sizeof(i->vendor), vendor, 4);
	snprintf(i->firmware, sizeof(i->firmware), "%u.%u.%u.%u", v1 >> 16, v1 & 0xffff,
		 v2 >> 16, v2 & 0xffff);
}

int ms_tpm_info(struct ms_tpm *t, struct ms_tpm_info *ret, struct ms_error *err)
{
	_cleanup_esys_ TPMS_CAPABILITY_DATA *fixed = NULL, *var = NULL, *srk = NULL;
	struct ms_tpm_info i = {0};
	int r;

	r = ms_tpm_props(t, TPM2_PT_FIXED, &fixed, err);
	if (r == 0)
		r = ms_tpm_props(t, TPM2_PT_VAR, &var, err);
	if (r == 0)
		r = handles(t, MS_TPM_PARENT_SRK, 1, &srk, err);
	if (r < 0)
		return r;
	fill_fixed(fixed, &i);
	i.lockout_counter = ms_tpm_prop(var, TPM2_PT_LOCKOUT_COUNTER);
	i.lockout_max = ms_tpm_prop(var, TPM2_PT_MAX_AUTH_FAIL);
	i.lockout_recovery_s = ms_tpm_prop(var, TPM2_PT_LOCKOUT_INTERVAL);
	i.in_lockout = ms_tpm_prop(var, TPM2_PT_PERMANENT) & TPMA_PERMANENT_INLOCKOUT;
	i.srk_persistent = srk->data.handles.count > 0 &&
			   srk->data.handles.handle[0] == MS_TPM_PARENT_SRK;
	*ret = i;
	return 0;
}

/*
 * ESYS keeps what it was last asked to create, to be able to ask again. This asks for an
 * empty object below no parent, which ESYS remembers and then refuses to send; that of
 * tpm2-tss 4 sends it, and the TPM refuses.
 */
static void overwrite_create(struct ms_tpm *t)
{
	const TPM2B_SENSITIVE_CREATE nothing = {0};
	const TPM2B_PUBLIC template = {.publicArea.type = TPM2_ALG_NULL};
	const TPM2B_DATA no_info = {0};
	const TPML_PCR_SELECTION no_pcrs = {0};

	(void)Esys_Create(t->esys, ESYS_TR_NONE, ESYS_TR_PASSWORD, ESYS_TR_NONE,
			  ESYS_TR_NONE, &nothing, &template, &no_info, &no_pcrs, NULL,
			  NULL, NULL, NULL, NULL);
}

void ms_tpm_forget(struct ms_tpm *t)
{
	_cleanup_esys_ TPMS_CAPABILITY_DATA *caps = NULL;

	overwrite_create(t);
	/* A long answer over the command buffer; if the TPM is gone, the context goes
	 * too. */
	if (ms_tpm_props(t, TPM2_PT_FIXED, &caps, NULL) == 0)
		ms_wipe(caps, sizeof(*caps));
	wipe_stack();
	wipe_free_chunks();
}
