/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The settings of [tls]. */
#include "signer/agent/config_parse.h"
#include "signer/agent/listen.h"

static int tls_listen(struct ms_cfg_parser *p, const char *value)
{
	struct sockaddr_storage sa;
	socklen_t len;

	if (ms_listen_address(value, &sa, &len) < 0)
		return ms_cfg_fail(p, p->line,
				   "listen: %s is not an address and a port such as "
				   "192.0.2.1:8443 or [::]:8443",
				   value);
	return ms_cfg_set_string(p, &p->c->tls_listen, value);
}

static int set_path(struct ms_cfg_parser *p, char **dst, const char *value)
{
	if (ms_cfg_check_absolute(p, value, MS_PATH_MAX) < 0)
		return p->rc;
	return ms_cfg_set_string(p, dst, value);
}

static int tls_cert(struct ms_cfg_parser *p, const char *value)
{
	return set_path(p, &p->c->tls_cert, value);
}

static int tls_key(struct ms_cfg_parser *p, const char *value)
{
	return set_path(p, &p->c->tls_key, value);
}

static int tls_ca(struct ms_cfg_parser *p, const char *value)
{
	return set_path(p, &p->c->tls_ca, value);
}

static int tls_crl(struct ms_cfg_parser *p, const char *value)
{
	return set_path(p, &p->c->tls_crl, value);
}

static const struct ms_cfg_setting tls_settings[] = {
	{"listen", tls_listen, false}, {"cert", tls_cert, false}, {"key", tls_key, false},
	{"ca", tls_ca, false},	       {"crl", tls_crl, false},
};

const struct ms_cfg_section ms_cfg_tls = {
	.name = "tls",
	.settings = tls_settings,
	.n = ARRAY_SIZE(tls_settings),
};
