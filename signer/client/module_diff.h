/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is new, gone or changed in a list of modules against an earlier one. No I/O. */
#ifndef MS_CLI_MODULE_DIFF_H
#define MS_CLI_MODULE_DIFF_H

#include <jansson.h>
#include "lib/macro.h"

/**
 * ms_module_diff() - compare
 * @old, @new: arrays of objects with "path", "digest" and facts, where they are known
 * @ret: new reference: {"new": [MODULE], "gone": [MODULE], "changed": [{"path", "name",
 *     "changes": [NAME], "was": MODULE, "now": MODULE}], "moved": [{"from", "to", ...}],
 *     "rebuilt": [{"path", "name", "changes"}],
 *     "same": N}
 *
 * A module is the same one when its path is; one whose path has gone is looked for by its
 * name, where that is there once on both sides, and has "moved" then. "changed" are those
 * whose version, srcversion or name is another; "rebuilt" are those that differ in
 * digest or build-id alone, as every module of another kernel does; where neither side
 * knows version and srcversion, another digest is a change.
 *
 * Return: 0 or -ENOMEM.
 */
int ms_module_diff(const json_t *old, const json_t *new, json_t **ret) _must_check_;

#endif
