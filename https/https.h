/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent on another host, over https.
 */
#ifndef MS_HTTPS_H
#define MS_HTTPS_H

#include "lib/agent_client.h"

/**
 * ms_https_open() - an ms_agent_open_https
 *
 * TLS 1.3 only; the agent's certificate must be of the CA in @c and name the host, and
 * @c's certificate is shown. No proxies, no redirects, no other CAs. Connects with the
 * first call.
 *
 * Return: 0; -EINVAL ("tls-ca" and so on are missing); -ENOPKG (no libcurl); -ENOMEM.
 */
int ms_https_open(struct ms_http *h, const struct ms_client_config *c,
		  unsigned int timeout_ms, struct ms_error *err) _must_check_;

#endif
