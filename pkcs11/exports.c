/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one symbol that leaves the library, and what a token that only signs does not do.
 */
#include "pkcs11/module.h"

/* What C_GetFunctionList() has to have and signing does not need. */
/* clang-format off */
#define ANSWER(with, name, ...) \
	ck_rv_t name(__VA_ARGS__) \
	{ \
		ck_rv_t rv = ms_p11_ready(); \
		\
		return rv == CKR_OK ? with : rv; \
	}
#define NOT_SUPPORTED(...) ANSWER(CKR_FUNCTION_NOT_SUPPORTED, __VA_ARGS__)
/* clang-format on */

#define SESSION ck_session_handle_t session
#define OBJECT ck_object_handle_t
#define BYTES(name) unsigned char *name, unsigned long name##_len
#define BYTES_OUT(name) unsigned char *name, unsigned long *name##_len
#define MECHANISM struct ck_mechanism *mechanism
#define TEMPLATE(name) struct ck_attribute *name, unsigned long name##_count

NOT_SUPPORTED(C_WaitForSlotEvent, ck_flags_t flags, ck_slot_id_t *slot, void *reserved)
NOT_SUPPORTED(C_InitToken, ck_slot_id_t slot, BYTES(pin), unsigned char *label)
NOT_SUPPORTED(C_InitPIN, SESSION, BYTES(pin))
NOT_SUPPORTED(C_SetPIN, SESSION, BYTES(from), BYTES(to))
NOT_SUPPORTED(C_GetOperationState, SESSION, BYTES_OUT(state))
NOT_SUPPORTED(C_SetOperationState, SESSION, BYTES(state), OBJECT encrypt, OBJECT auth)
NOT_SUPPORTED(C_CreateObject, SESSION, TEMPLATE(templ), OBJECT *object)
NOT_SUPPORTED(C_CopyObject, SESSION, OBJECT from, TEMPLATE(templ), OBJECT *object)
NOT_SUPPORTED(C_DestroyObject, SESSION, OBJECT object)
NOT_SUPPORTED(C_GetObjectSize, SESSION, OBJECT object, unsigned long *size)
NOT_SUPPORTED(C_SetAttributeValue, SESSION, OBJECT object, TEMPLATE(templ))
NOT_SUPPORTED(C_EncryptInit, SESSION, MECHANISM, OBJECT key)
NOT_SUPPORTED(C_Encrypt, SESSION, BYTES(in), BYTES_OUT(out))
NOT_SUPPORTED(C_EncryptUpdate, SESSION, BYTES(in), BYTES_OUT(out))
NOT_SUPPORTED(C_EncryptFinal, SESSION, BYTES_OUT(out))
NOT_SUPPORTED(C_DecryptInit, SESSION, MECHANISM, OBJECT key)
NOT_SUPPORTED(C_Decrypt, SESSION, BYTES(in), BYTES_OUT(out))
NOT_SUPPORTED(C_DecryptUpdate, SESSION, BYTES(in), BYTES_OUT(out))
NOT_SUPPORTED(C_DecryptFinal, SESSION, BYTES_OUT(out))
NOT_SUPPORTED(C_DigestInit, SESSION, MECHANISM)
NOT_SUPPORTED(C_Digest, SESSION, BYTES(in), BYTES_OUT(out))
NOT_SUPPORTED(C_DigestUpdate, SESSION, BYTES(in))
NOT_SUPPORTED(C_DigestKey, SESSION, OBJECT key)
NOT_SUPPORTED(C_DigestFinal, SESSION, BYTES_OUT(out))
NOT_SUPPORTED(C_SignRecoverInit, SESSION, MECHANISM, OBJECT key)
NOT_SUPPORTED(C_SignRecover, SESSION, BYTES(in), BYTES_OUT(out))
NOT_SUPPORTED(C_VerifyInit, SESSION, MECHANISM, OBJECT key)
NOT_SUPPORTED(C_Verify, SESSION, BYTES(in), BYTES(signature))
NOT_SUPPORTED(C_VerifyUpdate, SESSION, BYTES(in))
NOT_SUPPORTED(C_VerifyFinal, SESSION, BYTES(signature))
NOT_SUPPORTED(C_VerifyRecoverInit, SESSION, MECHANISM, OBJECT key)
NOT_SUPPORTED(C_VerifyRecover, SESSION, BYTES(in), BYTES_OUT(out))
NOT_SUPPORTED(C_DigestEncryptUpdate, SESSION, BYTES(in), BYTES_OUT(out))
NOT_SUPPORTED(C_DecryptDigestUpdate, SESSION, BYTES(in), BYTES_OUT(out))
NOT_SUPPORTED(C_SignEncryptUpdate, SESSION, BYTES(in), BYTES_OUT(out))
NOT_SUPPORTED(C_DecryptVerifyUpdate, SESSION, BYTES(in), BYTES_OUT(out))
NOT_SUPPORTED(C_GenerateKey, SESSION, MECHANISM, TEMPLATE(templ), OBJECT *key)
NOT_SUPPORTED(C_GenerateKeyPair, SESSION, MECHANISM, TEMPLATE(public), TEMPLATE(private),
	      OBJECT *public_key, OBJECT *private_key)
NOT_SUPPORTED(C_WrapKey, SESSION, MECHANISM, OBJECT wrapping, OBJECT key, BYTES_OUT(out))
NOT_SUPPORTED(C_UnwrapKey, SESSION, MECHANISM, OBJECT unwrapping, BYTES(in),
	      TEMPLATE(templ), OBJECT *key)
NOT_SUPPORTED(C_DeriveKey, SESSION, MECHANISM, OBJECT base, TEMPLATE(templ), OBJECT *key)
ANSWER(CKR_RANDOM_NO_RNG, C_SeedRandom, SESSION, BYTES(seed))
ANSWER(CKR_RANDOM_NO_RNG, C_GenerateRandom, SESSION, BYTES(random))

/* Of PKCS#11 1.0, when calls ran beside the caller; 2.40 says what to answer. */
ck_rv_t C_GetFunctionStatus(ck_session_handle_t session)
{
	return CKR_FUNCTION_NOT_PARALLEL;
}

ck_rv_t C_CancelFunction(ck_session_handle_t session)
{
	return CKR_FUNCTION_NOT_PARALLEL;
}

static struct ck_function_list functions = {
	.version = {2, 40},
#define F(name) .name = name
	F(C_Initialize),
	F(C_Finalize),
	F(C_GetInfo),
	F(C_GetFunctionList),
	F(C_GetSlotList),
	F(C_GetSlotInfo),
	F(C_GetTokenInfo),
	F(C_GetMechanismList),
	F(C_GetMechanismInfo),
	F(C_InitToken),
	F(C_InitPIN),
	F(C_SetPIN),
	F(C_OpenSession),
	F(C_CloseSession),
	F(C_CloseAllSessions),
	F(C_GetSessionInfo),
	F(C_GetOperationState),
	F(C_SetOperationState),
	F(C_Login),
	F(C_Logout),
	F(C_CreateObject),
	F(C_CopyObject),
	F(C_DestroyObject),
	F(C_GetObjectSize),
	F(C_GetAttributeValue),
	F(C_SetAttributeValue),
	F(C_FindObjectsInit),
	F(C_FindObjects),
	F(C_FindObjectsFinal),
	F(C_EncryptInit),
	F(C_Encrypt),
	F(C_EncryptUpdate),
	F(C_EncryptFinal),
	F(C_DecryptInit),
	F(C_Decrypt),
	F(C_DecryptUpdate),
	F(C_DecryptFinal),
	F(C_DigestInit),
	F(C_Digest),
	F(C_DigestUpdate),
	F(C_DigestKey),
	F(C_DigestFinal),
	F(C_SignInit),
	F(C_Sign),
	F(C_SignUpdate),
	F(C_SignFinal),
	F(C_SignRecoverInit),
	F(C_SignRecover),
	F(C_VerifyInit),
	F(C_Verify),
	F(C_VerifyUpdate),
	F(C_VerifyFinal),
	F(C_VerifyRecoverInit),
	F(C_VerifyRecover),
	F(C_DigestEncryptUpdate),
	F(C_DecryptDigestUpdate),
	F(C_SignEncryptUpdate),
	F(C_DecryptVerifyUpdate),
	F(C_GenerateKey),
	F(C_GenerateKeyPair),
	F(C_WrapKey),
	F(C_UnwrapKey),
	F(C_DeriveKey),
	F(C_SeedRandom),
	F(C_GenerateRandom),
	F(C_GetFunctionStatus),
	F(C_CancelFunction),
	F(C_WaitForSlotEvent),
#undef F
};

__attribute__((visibility("default"))) ck_rv_t C_GetFunctionList(
	struct ck_function_list **function_list)
{
	if (!function_list)
		return CKR_ARGUMENTS_BAD;
	*function_list = &functions;
	return CKR_OK;
}
