// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An NV counter (TCG part 1, 37.2.6): it only ever goes up, and one that is deleted and
 * made again starts above everything that any counter of this TPM ever was.
 */
#include <errno.h>
#include "tpm/internal.h"

#define COUNTER_LEN 8u
#define OWNER_FIRST 0x01800000u /* registry of reserved TPM handles, table 3 */
#define OWNER_LAST 0x01bfffffu

static int not_ours(uint32_t index, struct ms_error *err)
{
	return ms_error_set(err, -EINVAL, "tpm-nv-taken",
			    "NV index 0x%08x of the TPM is not a counter of modseal's: "
			    "set nv-counter in section [tpm] to a free index",
			    index);
}

/* Anyone who has the TPM may count up: that is seen as what it is, and hides nothing. */
static int define(struct ms_tpm *t, uint32_t index, ESYS_TR *ret, struct ms_error *err)
{
	const TPM2B_AUTH no_auth = {0};
	const TPM2B_NV_PUBLIC pub = {
		.nvPublic = {.nvIndex = index,
			     .nameAlg = TPM2_ALG_SHA256,
			     .attributes = (TPM2_NT_COUNTER << TPMA_NV_TPM2_NT_SHIFT) |
					   TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE |
					   TPMA_NV_OWNERREAD | TPMA_NV_OWNERWRITE |
					   TPMA_NV_NO_DA,
			     .dataSize = COUNTER_LEN}};
	TSS2_RC rc;

	rc = Esys_NV_DefineSpace(t->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
				 ESYS_TR_NONE, ESYS_TR_NONE, &no_auth, &pub, ret);
	return ms_tpm_explain(rc, "make the log's counter in the TPM", err);
}

/* Return: 0 with *ret; -ENOENT there is no such index; -EINVAL it is something else. */
static int find(struct ms_tpm *t, uint32_t index, ESYS_TR *ret, bool *ret_written,
		struct ms_error *err)
{
	_cleanup_esys_ TPM2B_NV_PUBLIC *pub = NULL;
	TPMA_NV a;
	TSS2_RC rc;

	rc = Esys_TR_FromTPMPublic(t->esys, index, MS_NO_SESSIONS, ret);
	if ((rc & ~TPM2_RC_N_MASK) == TPM2_RC_HANDLE)
		return -ENOENT;
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_NV_ReadPublic(t->esys, *ret, MS_NO_SESSIONS, &pub, NULL);
	if (rc != TSS2_RC_SUCCESS)
		return ms_tpm_explain(rc, "find the log's counter in the TPM", err);
	a = pub->nvPublic.attributes;
	if ((a & TPMA_NV_TPM2_NT_MASK) >> TPMA_NV_TPM2_NT_SHIFT != TPM2_NT_COUNTER ||
	    pub->nvPublic.dataSize != COUNTER_LEN || !(a & TPMA_NV_AUTHREAD) ||
	    !(a & TPMA_NV_AUTHWRITE))
		return not_ours(index, err);
	*ret_written = a & TPMA_NV_WRITTEN;
	return 0;
}

static int read_value(struct ms_tpm *t, ESYS_TR nv, uint64_t *ret, struct ms_error *err)
{
	_cleanup_esys_ TPM2B_MAX_NV_BUFFER *data = NULL;
	struct ms_reader r;
	TSS2_RC rc;

	rc = Esys_NV_Read(t->esys, nv, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
			  COUNTER_LEN, 0, &data);
	if (rc != TSS2_RC_SUCCESS)
		return ms_tpm_explain(rc, "read the log's counter in the TPM", err);
	r = MS_READER(data->buffer, data->size);
	*ret = ms_reader_u64(&r);
	return ms_reader_end(&r) < 0 ? ms_error_set(err, -EIO, "tpm-error",
						    "the TPM's counter has no 8 bytes")
				     : 0;
}

int ms_tpm_counter(struct ms_tpm *t, uint32_t index, bool increment, uint64_t *ret,
		   struct ms_error *err)
{
	ESYS_TR nv = ESYS_TR_NONE;
	bool written = false;
	uint64_t value = 0;
	TSS2_RC rc;
	int r;

	if (index < OWNER_FIRST || index > OWNER_LAST)
		return ms_error_set(err, -EINVAL, "bad-nv-index",
				    "0x%08x is no NV index of the owner's: choose one "
				    "from 0x%08x to 0x%08x",
				    index, OWNER_FIRST, OWNER_LAST);
	r = find(t, index, &nv, &written, err);
	if (r == -ENOENT && increment)
		r = define(t, index, &nv, err);
	else if (r == -ENOENT)
		r = 0; /* what was never counted is 0 */
	if (r == 0 && increment) {
		rc = Esys_NV_Increment(t->esys, nv, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE,
				       ESYS_TR_NONE);
		r = ms_tpm_explain(rc, "count up the log's counter in the TPM", err);
		written = true;
	}
	if (r == 0 && written)
		r = read_value(t, nv, &value, err);
	if (nv != ESYS_TR_NONE)
		Esys_TR_Close(t->esys, &nv);
	if (r == 0)
		*ret = value;
	return r;
}
