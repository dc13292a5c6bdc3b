/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names in client certificates (RFC 5280, 4.1.2.6 and 4.2.1.6) as identities. */
#include <errno.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "signer/agent/tls.h"

/* What could look like another name, or break a line of a log, is no name. */
static bool is_plain(const unsigned char *p, int len)
{
	for (int i = 0; i < len; i++)
		if (p[i] < 0x20 || p[i] > 0x7e)
			return false;
	return len > 0 && p[0] != ' ' && p[len - 1] != ' ';
}

static void add_name(struct ms_identity *who, const char *kind, const ASN1_STRING *s)
{
	const unsigned char *p = s ? ASN1_STRING_get0_data(s) : NULL;
	int len = s ? ASN1_STRING_length(s) : 0, n;
	char name[MS_IDENTITY_MAX];
	size_t used = strlen(who->more);

	if (!p || !is_plain(p, len))
		return;
	n = snprintf(name, sizeof(name), "cert:%s%.*s", kind, len, (const char *)p);
	if (n < 0 || (size_t)n >= sizeof(name))
		return;
	if (!who->id[0])
		memcpy(who->id, name, (size_t)n + 1);
	else if (!who->user[0])
		memcpy(who->user, name, (size_t)n + 1);
	else if (used + (size_t)n + 2 <= sizeof(who->more))
		snprintf(who->more + used, sizeof(who->more) - used, "%s\n", name);
}

static void add_common_name(struct ms_identity *who, const X509_NAME *subject)
{
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	unsigned char *utf8 = NULL;
	const ASN1_STRING *s;
	int len;

	/* Of two, somebody else may look at the other one. */
	if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
		return;
	s = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
	len = ASN1_STRING_to_UTF8(&utf8, s);
	if (len > 0) {
		ASN1_STRING *text = ASN1_STRING_new();

		if (text && ASN1_STRING_set(text, utf8, len) == 1)
			add_name(who, "CN=", text);
		ASN1_STRING_free(text);
	}
	OPENSSL_free(utf8);
}

int ms_tls_names(X509 *x, struct ms_identity *ret)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

	ret->id[0] = ret->user[0] = ret->more[0] = '\0';
	add_common_name(ret, X509_get_subject_name(x));
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);

		if (g->type == GEN_URI)
			add_name(ret, "SAN=URI:", g->d.uniformResourceIdentifier);
		else if (g->type == GEN_DNS)
			add_name(ret, "SAN=DNS:", g->d.dNSName);
		else if (g->type == GEN_EMAIL)
			add_name(ret, "SAN=email:", g->d.rfc822Name);
	}
	GENERAL_NAMES_free(names);
	return ret->id[0] ? 0 : -ENOKEY;
}
