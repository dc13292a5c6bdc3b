/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pkcs11/session.h"

static struct ms_p11_session *sessions;
static unsigned long n_sessions;
static ck_session_handle_t last_handle;
static bool logged_in;

/* Nobody else has it any more. */
static void session_free(struct ms_p11_session *s)
{
	ms_p11_find_clear(&s->find);
	ms_p11_sign_clear(&s->sign);
	ms_p11_agent_close(&s->agent);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* Under the lock. Return: to be freed by the caller, without it; or NULL. */
static struct ms_p11_session *unref(struct ms_p11_session *s)
{
	return --s->refs == 0 ? s : NULL;
}

ck_rv_t ms_p11_session_get(ck_session_handle_t handle, struct ms_p11_session **ret)
{
	struct ms_p11_session *s;
	ck_rv_t rv = ms_p11_ready();

	if (rv != CKR_OK)
		return rv;
	ms_p11_lock();
	for (s = sessions; s && s->handle != handle; s = s->next)
		;
	if (s)
		s->refs++;
	ms_p11_unlock();
	if (!s)
		return CKR_SESSION_HANDLE_INVALID;
	pthread_mutex_lock(&s->lock);
	s->was = ms_p11_crypto_enter();
	if (!s->was) {
		ms_p11_session_put(s);
		return CKR_GENERAL_ERROR;
	}
	*ret = s;
	return CKR_OK;
}

void ms_p11_session_put(struct ms_p11_session *s)
{
	struct ossl_lib_ctx_st *was = s->was;

	pthread_mutex_unlock(&s->lock);
	ms_p11_lock();
	s = unref(s);
	ms_p11_unlock();
	if (s)
		session_free(s);
	ms_p11_crypto_leave(was);
}

unsigned long ms_p11_sessions(void)
{
	unsigned long n;

	ms_p11_lock();
	n = n_sessions;
	ms_p11_unlock();
	return n;
}

/* Takes out of the table those with @handle, or all (0). Return: how many. */
static size_t take_out(ck_session_handle_t handle)
{
	struct ms_p11_session *dead = NULL, *s;
	size_t n = 0;

	ms_p11_lock();
	for (struct ms_p11_session **p = &sessions; (s = *p);) {
		if (handle && s->handle != handle) {
			p = &s->next;
			continue;
		}
		*p = s->next;
		n_sessions--;
		n++;
		if (unref(s)) {
			s->next = dead;
			dead = s;
		}
	}
	/* The login ends with the last session (2.40, 5.6). */
	if (!sessions)
		logged_in = false;
	ms_p11_unlock();
	while ((s = dead)) {
		dead = s->next;
		session_free(s);
	}
	return n;
}

void ms_p11_sessions_close(void)
{
	(void)take_out(0);
}

/*
 * Only descriptors are given back: memory may be in the middle of a change by a thread
 * that this process does not have, and over TLS even a farewell would be one too many.
 */
void ms_p11_sessions_abandon(void)
{
	/* Still referred to: given up on purpose, and no leak. */
	static struct ms_p11_session *abandoned;
	struct ms_p11_session *s;

	while ((s = sessions)) {
		if (s->agent.open && !s->agent.http.via && s->agent.http.fd >= 0)
			close(s->agent.http.fd);
		sessions = s->next;
		s->next = abandoned;
		abandoned = s;
	}
	n_sessions = 0;
	logged_in = false;
}

/* ------------------------------------------------------------------- functions */

/*
 * Sessions that may write are given as well: programs ask for one that only want to sign,
 * and whatever would write is refused by its own function.
 */
ck_rv_t C_OpenSession(ck_slot_id_t slot_id, ck_flags_t flags, void *application,
		      ck_notify_t notify, ck_session_handle_t *session)
{
	struct ms_p11_session *s;
	ck_rv_t rv = ms_p11_ready();

	if (rv != CKR_OK)
		return rv;
	if (slot_id != MS_P11_SLOT)
		return CKR_SLOT_ID_INVALID;
	if (!session)
		return CKR_ARGUMENTS_BAD;
	if (!(flags & CKF_SERIAL_SESSION))
		return CKR_SESSION_PARALLEL_NOT_SUPPORTED;
	s = calloc(1, sizeof(*s));
	if (!s || pthread_mutex_init(&s->lock, NULL) != 0) {
		free(s);
		return CKR_HOST_MEMORY;
	}
	s->refs = 1;
	s->flags = flags & (CKF_SERIAL_SESSION | CKF_RW_SESSION);
	ms_p11_lock();
	if (n_sessions < MS_P11_SESSIONS_MAX) {
		s->handle = *session = ++last_handle;
		s->next = sessions;
		sessions = s;
		n_sessions++;
	} else {
		rv = CKR_SESSION_COUNT;
	}
	ms_p11_unlock();
	if (rv != CKR_OK)
		session_free(s);
	return rv;
}

ck_rv_t C_CloseSession(ck_session_handle_t session)
{
	ck_rv_t rv = ms_p11_ready();

	if (rv != CKR_OK)
		return rv;
	return session && take_out(session) ? CKR_OK : CKR_SESSION_HANDLE_INVALID;
}

ck_rv_t C_CloseAllSessions(ck_slot_id_t slot_id)
{
	ck_rv_t rv = ms_p11_ready();

	if (rv != CKR_OK)
		return rv;
	if (slot_id != MS_P11_SLOT)
		return CKR_SLOT_ID_INVALID;
	ms_p11_sessions_close();
	return CKR_OK;
}

ck_rv_t C_GetSessionInfo(ck_session_handle_t session, struct ck_session_info *info)
{
	struct ms_p11_session *s;
	ck_rv_t rv = ms_p11_session_get(session, &s);
	bool rw;

	if (rv != CKR_OK)
		return rv;
	rw = s->flags & CKF_RW_SESSION;
	if (info) {
		ms_p11_lock();
		*info = (struct ck_session_info){
			.slot_id = MS_P11_SLOT,
			.flags = s->flags,
			.state = logged_in ? (rw ? CKS_RW_USER_FUNCTIONS
						 : CKS_RO_USER_FUNCTIONS)
					   : (rw ? CKS_RW_PUBLIC_SESSION
						 : CKS_RO_PUBLIC_SESSION),
		};
		ms_p11_unlock();
	} else {
		rv = CKR_ARGUMENTS_BAD;
	}
	ms_p11_session_put(s);
	return rv;
}

static ck_rv_t change_login(ck_session_handle_t session, bool in)
{
	struct ms_p11_session *s;
	ck_rv_t rv = ms_p11_session_get(session, &s);

	if (rv != CKR_OK)
		return rv;
	ms_p11_lock();
	if (logged_in == in)
		rv = in ? CKR_USER_ALREADY_LOGGED_IN : CKR_USER_NOT_LOGGED_IN;
	logged_in = in;
	ms_p11_unlock();
	ms_p11_session_put(s);
	return rv;
}

/*
 * Nobody has to log in (see C_GetTokenInfo()), but sign-file hands on KBUILD_SIGN_PIN,
 * and libp11 a pin-value of the URI, where there is one, and both take a refusal for a
 * wrong PIN. The PIN is not looked at and goes nowhere.
 */
ck_rv_t C_Login(ck_session_handle_t session, ck_user_type_t user_type, unsigned char *pin,
		unsigned long pin_len)
{
	ck_rv_t rv = ms_p11_ready();

	if (rv != CKR_OK)
		return rv;
	if (user_type == CKU_CONTEXT_SPECIFIC)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (user_type != CKU_USER)
		return CKR_USER_TYPE_INVALID;
	return change_login(session, true);
}

ck_rv_t C_Logout(ck_session_handle_t session)
{
	return change_login(session, false);
}
