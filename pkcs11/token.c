/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One slot, one token: the agent. Looking at it asks the agent nothing, as programs look
 * at every token there is when they need another one.
 */
#include "pkcs11/mechanism.h"
#include "pkcs11/module.h"
#include "pkcs11/session.h"

static ck_rv_t check_slot(ck_slot_id_t slot, const void *p)
{
	ck_rv_t rv = ms_p11_ready();

	if (rv != CKR_OK)
		return rv;
	if (slot != MS_P11_SLOT)
		return CKR_SLOT_ID_INVALID;
	return p ? CKR_OK : CKR_ARGUMENTS_BAD;
}

/* PKCS#11 2.40, 5.2: without a list it is about the length, else there must be room. */
static ck_rv_t put_list(const unsigned long *from, unsigned long n, unsigned long *list,
			unsigned long *count)
{
	unsigned long room = *count;

	*count = n;
	if (!list)
		return CKR_OK;
	if (room < n)
		return CKR_BUFFER_TOO_SMALL;
	memcpy(list, from, n * sizeof(*list));
	return CKR_OK;
}

ck_rv_t C_GetSlotList(unsigned char token_present, ck_slot_id_t *slot_list,
		      unsigned long *count)
{
	static const unsigned long slots[] = {MS_P11_SLOT};
	ck_rv_t rv = check_slot(MS_P11_SLOT, count);

	return rv == CKR_OK ? put_list(slots, 1, slot_list, count) : rv;
}

ck_rv_t C_GetSlotInfo(ck_slot_id_t slot_id, struct ck_slot_info *info)
{
	ck_rv_t rv = check_slot(slot_id, info);

	if (rv != CKR_OK)
		return rv;
	*info = (struct ck_slot_info){.flags = CKF_TOKEN_PRESENT};
	ms_p11_pad(info->slot_description, sizeof(info->slot_description),
		   "modseal agent");
	ms_p11_pad(info->manufacturer_id, sizeof(info->manufacturer_id), "modseal");
	return CKR_OK;
}

/*
 * No login: who asks is known to the agent from the kernel (SO_PEERCRED) or from a client
 * certificate, and a PIN would add nothing to that.
 */
ck_rv_t C_GetTokenInfo(ck_slot_id_t slot_id, struct ck_token_info *info)
{
	ck_rv_t rv = check_slot(slot_id, info);

	if (rv != CKR_OK)
		return rv;
	*info = (struct ck_token_info){
		.flags = CKF_TOKEN_INITIALIZED | CKF_WRITE_PROTECTED,
		.max_session_count = MS_P11_SESSIONS_MAX,
		.session_count = ms_p11_sessions(),
		.max_rw_session_count = MS_P11_SESSIONS_MAX,
		.rw_session_count = CK_UNAVAILABLE_INFORMATION,
		.total_public_memory = CK_UNAVAILABLE_INFORMATION,
		.free_public_memory = CK_UNAVAILABLE_INFORMATION,
		.total_private_memory = CK_UNAVAILABLE_INFORMATION,
		.free_private_memory = CK_UNAVAILABLE_INFORMATION,
	};
	ms_p11_pad(info->label, sizeof(info->label), MS_P11_LABEL);
	ms_p11_pad(info->manufacturer_id, sizeof(info->manufacturer_id), "modseal");
	ms_p11_pad(info->model, sizeof(info->model), "modseald");
	ms_p11_pad(info->serial_number, sizeof(info->serial_number), "1");
	ms_p11_pad(info->utc_time, sizeof(info->utc_time), "");
	return CKR_OK;
}

ck_rv_t C_GetMechanismList(ck_slot_id_t slot_id, ck_mechanism_type_t *mechanism_list,
			   unsigned long *count)
{
	unsigned long types[16];
	ck_rv_t rv = check_slot(slot_id, count);
	const struct ms_p11_mechanism *m;
	unsigned long n = 0;

	if (rv != CKR_OK)
		return rv;
	while (n < ARRAY_SIZE(types) && (m = ms_p11_mechanism_at(n)))
		types[n++] = m->type;
	return put_list(types, n, mechanism_list, count);
}

ck_rv_t C_GetMechanismInfo(ck_slot_id_t slot_id, ck_mechanism_type_t type,
			   struct ck_mechanism_info *info)
{
	const struct ms_p11_mechanism *m = ms_p11_mechanism(type);
	ck_rv_t rv = check_slot(slot_id, info);

	if (rv != CKR_OK)
		return rv;
	if (!m)
		return CKR_MECHANISM_INVALID;
	*info = (struct ck_mechanism_info){
		.min_key_size = m->key_type == CKK_RSA ? 2048 : 256,
		.max_key_size = m->key_type == CKK_RSA ? 4096 : 521,
		.flags = CKF_SIGN,
	};
	/* The curves are named, their fields prime, their points not compressed. */
	if (m->key_type == CKK_EC)
		info->flags |= CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS;
	return CKR_OK;
}
