/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the handlers about keys share; api_key*.c. */
#ifndef MS_AGENT_API_KEYS_H
#define MS_AGENT_API_KEYS_H

#include "signer/agent/web.h"

/** ms_api_key_or_answer() - the key of the path; NULL: answered already */
const struct ms_front_key *ms_api_key_or_answer(struct ms_web *w);
/** ms_api_admin_or_answer() - an admin? If not: recorded, answered. @what: a verb */
bool ms_api_admin_or_answer(struct ms_web *w, const char *what);
/** ms_api_ask_change() - ask the key process, record, answer with the key's facts */
void ms_api_ask_change(struct ms_web *w, const char *event, struct ms_ipc_msg *m);
#define MS_KEY_WARN_DAYS 60 /* before a certificate expires */

/** ms_key_days_left() - whole days until its certificate expires; negative: since */
int64_t ms_key_days_left(const struct ms_front_key *k, time_t now);
/** ms_api_json_key() - a key's facts, as the asker may know them */
json_t *ms_api_json_key(const struct ms_web *w, const struct ms_front_key *k);
/** ms_api_json_keys() - all keys that the asker may see, and a summary */
json_t *ms_api_json_keys(struct ms_web *w);
/** ms_api_pcrs_mask() - a JSON array of PCR numbers as a mask. Return: 0, -EINVAL */
int ms_api_pcrs_mask(const json_t *j, uint32_t *ret, struct ms_error *err) _must_check_;
/** ms_api_take_approval() - PEM of an approval into @c; parsed by the key process */
int ms_api_take_approval(const json_t *pem, struct ms_ipc_create *c,
			 struct ms_error *err) _must_check_;
/** ms_api_take_pin() - a PIN, or null, or nothing, into @c. Return: 0, -EINVAL */
int ms_api_take_pin(const json_t *pin, struct ms_ipc_create *c,
		    struct ms_error *err) _must_check_;
/**
 * ms_api_start_change() - ask for one of enum ms_ipc_change_what, record, answer
 * @type: of the bytes in the answer; NULL: the key's facts
 */
void ms_api_start_change(struct ms_web *w, struct ms_ipc_msg *m, const char *event,
			 const char *type);

/** ms_api_wipe_body() - overwrite the body where it lies, and let it go */
void ms_api_wipe_body(struct ms_web *w);

#endif
