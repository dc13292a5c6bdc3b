/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Searching for objects. A session's first search asks the agent which keys there are.
 */
#include <errno.h>
#include "pkcs11/objects.h"
#include "pkcs11/session.h"

void ms_p11_find_clear(struct ms_p11_find *f)
{
	free(f->v);
	*f = (struct ms_p11_find){0};
}

/*
 * Whoever asks for a private key, or for something by its name, wants to know that there
 * is no agent. Programs that look through all tokens for certificates do not.
 */
static bool wants_ours(const struct ck_attribute *templ, unsigned long count)
{
	for (unsigned long i = 0; i < count; i++) {
		ck_object_class_t class;

		if (templ[i].type == CKA_LABEL || templ[i].type == CKA_ID)
			return true;
		if (templ[i].type != CKA_CLASS || templ[i].value_len != sizeof(class))
			continue;
		memcpy(&class, templ[i].value, sizeof(class));
		if (class == CKO_PRIVATE_KEY)
			return true;
	}
	return false;
}

static ck_rv_t load(struct ms_p11_session *s, bool complain)
{
	struct ms_error err = {0};
	bool there;
	int r;

	if (s->loaded)
		return CKR_OK;
	r = ms_p11_agent_open(&s->agent, &err);
	there = r == 0;
	if (there)
		r = ms_p11_objects_load(&s->agent, &err);
	s->loaded = r == 0;
	if (r == 0)
		return CKR_OK;
	if (there || complain)
		ms_p11_complain(&err);
	return r == -ENOMEM ? CKR_HOST_MEMORY : CKR_DEVICE_ERROR;
}

static ck_rv_t find_init(struct ms_p11_session *s, const struct ck_attribute *templ,
			 unsigned long count)
{
	ck_rv_t rv;

	if (s->find.active)
		return CKR_OPERATION_ACTIVE;
	if (!templ && count)
		return CKR_ARGUMENTS_BAD;
	for (unsigned long i = 0; i < count; i++)
		if (!templ[i].value && templ[i].value_len)
			return CKR_ARGUMENTS_BAD;
	rv = load(s, wants_ours(templ, count));
	if (rv == CKR_OK)
		rv = ms_p11_objects_find(templ, count, &s->find.v, &s->find.n);
	s->find.active = rv == CKR_OK;
	return rv;
}

ck_rv_t C_FindObjectsInit(ck_session_handle_t session, struct ck_attribute *templ,
			  unsigned long count)
{
	struct ms_p11_session *s;
	ck_rv_t rv = ms_p11_session_get(session, &s);

	if (rv != CKR_OK)
		return rv;
	rv = find_init(s, templ, count);
	ms_p11_session_put(s);
	return rv;
}

static ck_rv_t find_next(struct ms_p11_find *f, ck_object_handle_t *v, unsigned long max,
			 unsigned long *ret_n)
{
	size_t n = f->n - f->at;

	if (!f->active)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (!ret_n || (!v && max))
		return CKR_ARGUMENTS_BAD;
	n = MS_MIN(n, max);
	if (n)
		memcpy(v, f->v + f->at, n * sizeof(*v));
	f->at += n;
	*ret_n = n;
	return CKR_OK;
}

ck_rv_t C_FindObjects(ck_session_handle_t session, ck_object_handle_t *object,
		      unsigned long max_object_count, unsigned long *object_count)
{
	struct ms_p11_session *s;
	ck_rv_t rv = ms_p11_session_get(session, &s);

	if (rv != CKR_OK)
		return rv;
	rv = find_next(&s->find, object, max_object_count, object_count);
	ms_p11_session_put(s);
	return rv;
}

ck_rv_t C_FindObjectsFinal(ck_session_handle_t session)
{
	struct ms_p11_session *s;
	ck_rv_t rv = ms_p11_session_get(session, &s);

	if (rv != CKR_OK)
		return rv;
	if (!s->find.active)
		rv = CKR_OPERATION_NOT_INITIALIZED;
	ms_p11_find_clear(&s->find);
	ms_p11_session_put(s);
	return rv;
}
