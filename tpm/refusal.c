// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Refusals whose sentence takes a look at the TPM: which PCR, how many tries, until when.
 */
#include <errno.h>
#include <inttypes.h>
#include <time.h>
#include "tpm/use.h"

int ms_refuse_srk(const struct ms_use *u, struct ms_error *err)
{
	_cleanup_esys_ TPMS_TIME_INFO *now = NULL;
	char since[96] = "";

	/* The clock restarts when the TPM is cleared, so it tells how likely that is. */
	if (Esys_ReadClock(u->t->esys, MS_NO_SESSIONS, &now) == TSS2_RC_SUCCESS)
		snprintf(since, sizeof(since),
			 " (it has run for %" PRIu64
			 " minutes since it was last cleared)",
			 now->clockInfo.clock / 60000);
	return ms_error_set(
		err, -ESTALE, "tpm-other",
		"cannot %s: this TPM's storage root key is not the one that the key was "
		"sealed to: the TPM was cleared, or it is another TPM%s: restore the key "
		"from its backup or create it again",
		u->what, since);
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
		break;
	default:
		break;
	}
	return ms_tpm_explain(rc, u->what, err);
}
