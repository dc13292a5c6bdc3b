// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * TPM response codes (TCG part 2, 6.6) and TSS codes in words that say what to do.
 */
#include <errno.h>
#include <tss2/tss2_common.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tpm2_types.h>
#include "tpm/tpm.h"

struct saying {
	uint32_t rc;
	int err;
	const char *code, *text;
};

/* Looked up as they are, before parameter, handle and session bits are masked off. */
static const struct saying exact[] = {
	{0x1c4, -EPERM, "tpm-pcr",
	 "the PCRs are not what they were when the key was sealed: boot the system as it "
	 "was then, or restore the key from its backup"},
	{0x9a2, -EACCES, "tpm-auth",
	 "an owner password is set, or the storage root key has one: make the storage "
	 "root key persistent at 0x81000001 without a password"},
};

static const struct saying tpm_sayings[] = {
	{TPM2_RC_HANDLE, -ESTALE, "tpm-srk-missing",
	 "the storage root key is missing (was the TPM cleared?): restore the key from "
	 "its backup or create it again"},
	{TPM2_RC_INTEGRITY, -EBADMSG, "tpm-blob",
	 "the sealed object is damaged, or was made by another TPM or before the TPM was "
	 "cleared: restore the key from its backup"},
	{TPM2_RC_AUTH_FAIL, -EACCES, "wrong-pin",
	 "wrong PIN, and the TPM has counted the attempt: give the right PIN"},
	{TPM2_RC_BAD_AUTH, -EACCES, "tpm-auth",
	 "wrong authorisation (not counted): an owner or key password is set that "
	 "modseal does not know"},
	{TPM2_RC_LOCKOUT, -EAGAIN, "tpm-lockout",
	 "the TPM is locked after too many wrong PINs: wait until it gives a try back, "
	 "or end it with tpm2_dictionarylockout -c"},
	{TPM2_RC_POLICY_FAIL, -EPERM, "tpm-policy",
	 "the key's policy is not met (PCRs or PIN): boot the system as it was when the "
	 "key was sealed, or restore the key from its backup"},
	{TPM2_RC_PCR_CHANGED, -EAGAIN, "tpm-pcr-changed",
	 "a PCR changed in the middle of it: try again"},
	{TPM2_RC_AUTH_UNAVAILABLE, -EPERM, "tpm-policy",
	 "the object wants a policy: the key file does not belong to modseal"},
	{TPM2_RC_AUTH_TYPE, -EPERM, "tpm-policy",
	 "the object wants another kind of authorisation: the key file does not belong "
	 "to modseal"},
	{TPM2_RC_OBJECT_MEMORY, -EAGAIN, "tpm-full",
	 "the TPM has no free object slot: end other programs that use it without a "
	 "resource manager, or use device:/dev/tpmrm0"},
	{TPM2_RC_SESSION_MEMORY, -EAGAIN, "tpm-full",
	 "the TPM has no free session slot: end other programs that use it without a "
	 "resource manager, or use device:/dev/tpmrm0"},
	{TPM2_RC_OBJECT_HANDLES, -EAGAIN, "tpm-full",
	 "the TPM has no free object handle: end other programs that use it"},
	{TPM2_RC_SESSION_HANDLES, -EAGAIN, "tpm-full",
	 "the TPM has no free session handle: run tpm2_flushcontext --saved-session"},
	{TPM2_RC_MEMORY, -EAGAIN, "tpm-full",
	 "the TPM is out of memory: end other programs that use it"},
	{TPM2_RC_CONTEXT_GAP, -EAGAIN, "tpm-full",
	 "a very old TPM session is in the way: run tpm2_flushcontext --saved-session"},
	{TPM2_RC_HASH, -ENOPKG, "tpm-unsupported",
	 "this TPM does not have the hash: choose another one"},
	{TPM2_RC_SCHEME, -ENOPKG, "tpm-unsupported",
	 "this TPM does not have the signature scheme: choose another algorithm"},
	{TPM2_RC_VALUE, -ENOPKG, "tpm-unsupported",
	 "this TPM does not accept a value, such as the key size: choose another "
	 "algorithm"},
	{TPM2_RC_KEY_SIZE, -ENOPKG, "tpm-unsupported",
	 "this TPM does not have the key size: choose a smaller key"},
	{TPM2_RC_CURVE, -ENOPKG, "tpm-unsupported",
	 "this TPM does not have the curve: choose another algorithm"},
	{TPM2_RC_SYMMETRIC, -ENOPKG, "tpm-unsupported",
	 "this TPM does not have AES-128-CFB: modseal cannot use it"},
	{TPM2_RC_ATTRIBUTES, -ENOPKG, "tpm-unsupported",
	 "this key may not be used for this operation: create a key of the right type"},
	{TPM2_RC_KEY, -ENOPKG, "tpm-unsupported",
	 "the key may not do this operation: create a key of the right type"},
	{TPM2_RC_SIZE, -EINVAL, "tpm-size",
	 "a digest or secret has a size that the TPM does not take: check the PIN's "
	 "length"},
	{TPM2_RC_TICKET, -ENOPKG, "tpm-unsupported",
	 "a restricted key does not sign digests from outside: create a key of the right "
	 "type"},
	{TPM2_RC_RETRY, -EAGAIN, "tpm-busy", "the TPM is busy: try again"},
	{TPM2_RC_YIELDED, -EAGAIN, "tpm-busy", "the TPM is busy: try again"},
	{TPM2_RC_TESTING, -EAGAIN, "tpm-busy", "the TPM is testing itself: try again"},
	{TPM2_RC_NV_RATE, -EAGAIN, "tpm-busy",
	 "the TPM limits how often it writes its memory: wait a moment and try again"},
	{TPM2_RC_NV_UNAVAILABLE, -EAGAIN, "tpm-busy",
	 "the TPM's memory cannot be written at present: wait a moment and try again"},
	{TPM2_RC_INITIALIZE, -ENODEV, "tpm-absent",
	 "the TPM has not been started: run tpm2_startup -c, or start swtpm with --flags "
	 "startup-clear"},
	{TPM2_RC_FAILURE, -ENODEV, "tpm-failed",
	 "the TPM is in failure mode: power the machine off and on, and if that does not "
	 "help, replace the TPM"},
	{TPM2_RC_HIERARCHY, -EPERM, "tpm-hierarchy",
	 "the TPM's owner hierarchy is disabled: enable it in the firmware set-up"},
	{TPM2_RC_COMMAND_CODE, -ENOPKG, "tpm-unsupported",
	 "this TPM does not have the command: modseal needs a TPM 2.0 of revision 1.16 "
	 "or later"},
	{TPM2_RC_BAD_TAG, -ENODEV, "tpm-absent",
	 "this is a TPM 1.2: modseal needs a TPM 2.0"},
	{TPM2_RC_UPGRADE, -ENODEV, "tpm-failed",
	 "the TPM is in the middle of a firmware update: finish it first"},
};

/* What the TSS layers themselves say, whichever layer it is. */
static const struct saying tss_sayings[] = {
	{TSS2_BASE_RC_IO_ERROR, -ENODEV, "tpm-absent",
	 "the TPM does not answer (absent, died, or no slot left in the kernel's "
	 "resource manager): check that it is there and try again"},
	{TSS2_BASE_RC_NO_CONNECTION, -ENODEV, "tpm-absent",
	 "the TPM does not answer: check that it is there and try again"},
	{TSS2_BASE_RC_NO_TPM, -ENODEV, "tpm-absent",
	 "there is no TPM: enable it in the firmware set-up"},
	{TSS2_BASE_RC_BAD_SEQUENCE, -ENODEV, "tpm-absent",
	 "the connection to the TPM is broken: try again"},
	{TSS2_BASE_RC_BAD_CONTEXT, -ENODEV, "tpm-absent",
	 "the connection to the TPM is broken: try again"},
	{TSS2_BASE_RC_BAD_TCTI_STRUCTURE, -ENODEV, "tpm-absent",
	 "the connection to the TPM is broken: try again"},
	{TSS2_BASE_RC_MALFORMED_RESPONSE, -ENODEV, "tpm-absent",
	 "the TPM's answer was cut short: try again"},
	{TSS2_BASE_RC_INSUFFICIENT_RESPONSE, -ENODEV, "tpm-absent",
	 "the TPM's answer was cut short: try again"},
	{TSS2_BASE_RC_NOT_SUPPORTED, -ENODEV, "tpm-no-driver",
	 "the driver that the TCTI setting names was not found: check its spelling, and "
	 "install the package with libtss2-tcti-NAME.so.0"},
	{TSS2_BASE_RC_TRY_AGAIN, -EAGAIN, "tpm-busy", "the TPM is busy: try again"},
	{TSS2_BASE_RC_MEMORY, -ENOMEM, "no-memory",
	 "out of memory: close other programs"},
	{TSS2_BASE_RC_RSP_AUTH_FAILED, -EIO, "tpm-tampered",
	 "the TPM's answer was not authentic (someone may be between processor and TPM): "
	 "power off and inspect the machine"},
};

static const struct saying *find(const struct saying *v, size_t n, uint32_t rc)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].rc == rc)
			return &v[i];
	return NULL;
}

/* Part 2, 6.6.3: format one numbers the parameter, handle or session at fault. */
static uint32_t without_position(uint32_t rc)
{
	if (rc & TPM2_RC_FMT1)
		return rc & (TPM2_RC_FMT1 | 0x3f);
	return rc & 0xd7f;
}

static bool is_from_tpm(uint32_t rc)
{
	switch (rc & TSS2_RC_LAYER_MASK) {
	case TSS2_TPM_RC_LAYER:
	case TSS2_RESMGR_TPM_RC_LAYER:
		return true;
	case TSS2_RESMGR_RC_LAYER: /* the kernel's uses this layer for TPM codes */
		return (rc & 0xffff) >= TPM2_RC_FMT1;
	default:
		return false;
	}
}

static const struct saying *lookup(uint32_t rc)
{
	const struct saying *s;

	if (!is_from_tpm(rc))
		return find(tss_sayings, ARRAY_SIZE(tss_sayings), rc & 0xffff);
	rc &= 0xffff;
	s = find(exact, ARRAY_SIZE(exact), rc);
	return s ? s : find(tpm_sayings, ARRAY_SIZE(tpm_sayings), without_position(rc));
}

int ms_tpm_explain(uint32_t rc, const char *what, struct ms_error *err)
{
	const struct saying *s;

	if (rc == TSS2_RC_SUCCESS)
		return 0;
	s = lookup(rc);
	if (s)
		return ms_error_set(err, s->err, s->code, "cannot %s: %s", what, s->text);
	return ms_error_set(err, -EIO, "tpm-error",
			    "cannot %s: the TPM software says \"%s\" (0x%x): try again, "
			    "and report it with this number if it stays",
			    what, Tss2_RC_Decode(rc), rc);
}
