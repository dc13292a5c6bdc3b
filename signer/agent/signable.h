/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A message without signed attributes is a signature of the bytes themselves, whatever
 * they are. Who may sign files must not be able to send bytes whose signature the kernel,
 * firmware or modseal-verify takes for that of something else.
 */
#ifndef MS_AGENT_SIGNABLE_H
#define MS_AGENT_SIGNABLE_H

#include <stdint.h>
#include "lib/error.h"

/**
 * ms_signable_file() - is it a file, and nothing that has a meaning of its own as the
 * content of a signature?
 *
 * Looks at no more than the kernel, or whoever else would take it for that, looks at, so
 * that nothing odd slips through: what the kernel could load begins as its
 * elf_validity_check() wants it, in either byte order.
 *
 * Return: 0; -EINVAL "is-a-module" (an ELF relocatable object), "is-to-be-signed" (the
 * inside of a certificate, revocation list, OCSP answer, request or Authenticode
 * signature, signed attributes, an update of firmware variables, an fs-verity digest, one
 * of IMA's file ids, a manifest or list of the agent's own).
 */
int ms_signable_file(const uint8_t *p, size_t len, struct ms_error *err) _must_check_;

#endif
