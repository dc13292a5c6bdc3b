/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The manifest of a build: every module that was signed for it, in one canonical JSON
 * text, signed with the build's key when the build is closed.
 */
#ifndef MS_AGENT_BUILD_MANIFEST_H
#define MS_AGENT_BUILD_MANIFEST_H

#include "signer/agent/front.h"

/**
 * ms_build_manifest_fn - a manifest is made
 * @data: as the store keeps it: JSON with "manifest" (the text), "signature" (the message
 *     in base64; not there when it could not be signed); owned by the callee. NULL: @err
 */
typedef void ms_build_manifest_fn(void *arg, char *data, const struct ms_error *err);

/**
 * ms_build_manifest() - make it
 * @life: of the build once it is closed
 * @done: called once, later or from inside
 *
 * Those of keys of custody leaf are not signed: this version cannot.
 */
void ms_build_manifest(struct ms_front *f, const struct ms_build *b,
		       const struct ms_build_life *life, ms_build_manifest_fn *done,
		       void *arg);

#endif
