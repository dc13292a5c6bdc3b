/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The manifest of a build: every module that was signed for it, in one canonical JSON
 * text, signed with the build's key when the build is closed.
 */
#ifndef MS_AGENT_BUILD_MANIFEST_H
#define MS_AGENT_BUILD_MANIFEST_H

#include "signer/agent/front.h"

/**
 * struct ms_manifest - a manifest as it was made
 * @data: as the store keeps it: JSON with "manifest" (the text), "signature" (the message
 *     in base64; not there when it could not be signed)
 * @sha256: of the text, in hex
 */
struct ms_manifest {
	char *data;
	char sha256[65];
};

/**
 * ms_build_manifest_fn - a manifest is made, or @rc and @err say why not
 * @m: @m->data is owned by the callee; NULL after a failure
 */
typedef void ms_build_manifest_fn(void *arg, int rc, const struct ms_manifest *m,
				  const struct ms_error *err);

/**
 * ms_build_manifest() - make it
 * @b: changes no more, until @done was called
 * @life: of the build once it has ended
 * @must: better none (-EAGAIN) than one that is not signed because the key can be used
 *     again in a moment
 * @done: called once, later or from inside
 *
 * It is signed with the build's key: under a key of custody leaf with the build's leaf,
 * whose certificate goes along. The issuing key itself signs no manifest, as it shall
 * sign nothing that the front alone has thought of, but certificates.
 */
void ms_build_manifest(struct ms_front *f, const struct ms_build *b,
		       const struct ms_build_life *life, bool must,
		       ms_build_manifest_fn *done, void *arg);

#endif
