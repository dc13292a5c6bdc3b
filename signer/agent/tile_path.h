/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_AGENT_TILE_PATH_H
#define MS_AGENT_TILE_PATH_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct ms_tile - which tile of the tree
 * @entries: an entry bundle; else hashes of @level
 * @width: number of hashes or entries, 1 to 256
 */
struct ms_tile {
	bool entries;
	unsigned int level, width;
	uint64_t index;
};

/**
 * ms_tile_path_parse() - "<L>/<N>[.p/<W>]" or "entries/<N>[.p/<W>]" (C2SP tlog-tiles)
 * @path: what follows "tile/"; N in groups of three digits, all but the last with an x
 * Return: 0 or -EINVAL.
 */
int ms_tile_path_parse(const char *path, struct ms_tile *ret) _must_check_;

#endif
