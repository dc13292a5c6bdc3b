// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Refusals whose sentence takes a look at the TPM: which PCR, how many tries, until when.
 */
#include <errno.h>
#include <inttypes.h>
#include <time.h>
#include "tpm/use.h"

/* The clock restarts when the TPM is cleared. */
static void since_clear(const struct ms_use *u, char *dst, size_t size)
{
	_cleanup_esys_ TPMS_TIME_INFO *now = NULL;

	dst[0] = '\0';
	if (Esys_ReadClock(u->t->esys, MS_NO_SESSIONS, &now) == TSS2_RC_SUCCESS)
		snprintf(dst, size,
			 " (it has run for %" PRIu64
			 " minutes since it was last cleared)",
			 now->clockInfo.clock / 60000);
}

int ms_refuse_srk(const struct ms_use *u, const struct ms_tpm_blob *blob,
		  struct ms_error *err)
{
	struct ms_tpm_birth here = {.known = false};
	char since[96];

	since_clear(u, since, sizeof(since));
	if (blob->birth.known)
		ms_tpm_birth(u->t, NULL, &here);
	if (!here.known)
		return ms_error_set(
			err, -ESTALE, "tpm-other",
			"cannot %s: this TPM's storage root key is not the one that the "
			"key was sealed to: the TPM was cleared, or it is another "
			"TPM%s: restore the key from its backup or create it again",
			u->what, since);
	if (memcmp(here.chip, blob->birth.chip, sizeof(here.chip)) != 0)
		return ms_error_set(
			err, -ESTALE, "tpm-other",
			"cannot %s: this is another TPM than the one that the key "
			"belongs to: move the key file back to its machine, or restore "
			"the key from its backup",
			u->what);
	if (memcmp(here.owner, blob->birth.owner, sizeof(here.owner)) != 0)
		return ms_error_set(
			err, -ESTALE, "tpm-cleared",
			"cannot %s: the TPM is the right one, but was cleared since the "
			"key was made%s, and what it protected is gone for good: restore "
			"the key from its backup or create it again",
			u->what, since);
	/* The same seed and template make the same key, so the file is not what it was.
	 */
	if (blob->parent == MS_TPM_PARENT_OWNER)
		return ms_error_set(
			err, -EBADMSG, "key-file-damaged",
			"cannot %s: the storage root key's Name in the key file is "
			"damaged: restore the key file from its backup",
			u->what);
	return ms_error_set(
		err, -ESTALE, "tpm-srk-changed",
		"cannot %s: the storage root key at 0x81000001 %s since the key was "
		"made; the TPM itself is the same and was not cleared: put the old one "
		"back (tpm2_evictcontrol)",
		u->what,
		u->srk.parent == MS_TPM_PARENT_SRK ? "was replaced by another one"
						   : "was removed");
}

static int locked_out(const struct ms_use *u, struct ms_error *err)
{
	struct ms_tpm_info i;
	char when[32] = "";
	struct tm tm;
	time_t end;

	if (ms_tpm_info(u->t, &i, NULL) < 0)
		return ms_tpm_explain(TPM2_RC_LOCKOUT, u->what, err);
	end = time(NULL) + i.lockout_recovery_s;
	if (gmtime_r(&end, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm);
	return ms_error_set(
		err, -EAGAIN, "tpm-lockout",
		"cannot %s: the TPM is locked after %u wrong PINs (%u allowed) and gives "
		"one try back by %s: wait, or end it with tpm2_dictionarylockout -c",
		u->what, i.lockout_counter, i.lockout_max, when);
}

static void list_pcrs(uint32_t mask, char *dst, size_t size)
{
	size_t at = 0;

	dst[0] = '\0';
	for (unsigned int i = 0; i < 24 && at < size; i++)
		if (mask & (1u << i))
			at += (size_t)snprintf(dst + at, size - at, at ? ", %u" : "%u",
					       i);
}

int ms_refuse_pcrs(const struct ms_use *u, uint32_t mask, struct ms_error *err)
{
	bool many = mask & (mask - 1);
	char list[96];

	list_pcrs(mask, list, sizeof(list));
	return ms_error_set(
		err, -EPERM, "tpm-pcr",
		"cannot %s: PCR%s %s %s not what %s when the key was sealed%s: boot the "
		"system as it was then, or restore the key from its backup",
		u->what, many ? "s" : "", list, many ? "are" : "is",
		many ? "they were" : "it was",
		mask == 1u << 7 ? " (PCR 7 tells of Secure Boot: on or off, and its keys)"
				: "");
}

int ms_refuse_approvals(const struct ms_use *u, const struct ms_tpm_blob *blob,
			bool forged, struct ms_error *err)
{
	uint32_t mask = 0;
	char list[96];

	for (size_t i = 0; i < blob->n_approvals; i++)
		mask |= blob->approvals[i].pcrs;
	list_pcrs(mask, list, sizeof(list));
	if (forged)
		return ms_error_set(
			err, -EPERM, "approval-forged",
			"cannot %s: the approval that fits the present PCRs was not "
			"signed by the key's policy key: have them approved with modseal "
			"key approve-pcrs, and add that with modseal key reseal "
			"--approval",
			u->what);
	return ms_error_set(
		err, -EPERM, "tpm-not-approved",
		"cannot %s: the PCRs (%s) have values that the policy key has not "
		"approved (%zu other approval%s in the key file): have them approved "
		"with modseal key approve-pcrs, and add that with modseal key reseal "
		"--approval",
		u->what, mask ? list : "none", blob->n_approvals,
		blob->n_approvals == 1 ? " is" : "s are");
}

/* Says how many tries are left: a person is at the keyboard. */
static int wrong_pin(const struct ms_use *u, struct ms_error *err)
{
	struct ms_tpm_info i;
	uint32_t left;

	if (ms_tpm_info(u->t, &i, NULL) < 0)
		return ms_tpm_explain(TPM2_RC_AUTH_FAIL, u->what, err);
	left = i.lockout_counter < i.lockout_max ? i.lockout_max - i.lockout_counter : 0;
	if (left == 0)
		return ms_error_set(
			err, -EACCES, "wrong-pin",
			"cannot %s: wrong PIN, and it was the last try: the TPM is "
			"locked now and gives one try back in at most %u seconds",
			u->what, i.lockout_recovery_s);
	return ms_error_set(
		err, -EACCES, "wrong-pin",
		"cannot %s: wrong PIN: %u of %u tries are left before the TPM locks "
		"itself; one comes back every %u seconds: give the right PIN",
		u->what, left, i.lockout_max, i.lockout_recovery_s);
}

int ms_refuse(const struct ms_use *u, const struct ms_tpm_blob *blob, TSS2_RC rc,
	      struct ms_error *err)
{
	/* Session and parameter numbers aside, as in explain.c. */
	switch (rc & TSS2_RC_LAYER_MASK ? 0 : rc & TPM2_RC_FMT1 ? rc & 0xbf : rc) {
	case TPM2_RC_AUTH_FAIL:
		return wrong_pin(u, err);
	case TPM2_RC_LOCKOUT:
		return locked_out(u, err);
	case TPM2_RC_POLICY_FAIL:
		if (blob->pcrs)
			return ms_refuse_pcrs(u, blob->pcrs, err);
		if (blob->policy_key.len)
			return ms_refuse_approvals(u, blob, false, err);
		break;
	default:
		break;
	}
	return ms_tpm_explain(rc, u->what, err);
}
