/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_AGENT_STORE_WAL_H
#define MS_AGENT_STORE_WAL_H

#define MS_STORE_WAL_SIZE 4194304 /* bytes that the WAL keeps; SQLite needs 4,120,032 */

/**
 * ms_store_grow_wal() - give a database's WAL its final size, in zeros
 * @path: of the database, which is open and in WAL mode
 *
 * Each commit that makes a file longer waits for the file system's journal, too, and
 * with ext4 that is for what others wrote as well: until the WAL had grown, a commit
 * took 2.4 ms instead of 0.3 beside a build. SQLite takes zeros for the end of a WAL
 * (wal.c, walIndexRecover()) and writes over them from its beginning, as it does over
 * what it has left there itself after a checkpoint.
 *
 * For speed alone: where there is no room, or not much, the WAL stays as it is.
 */
void ms_store_grow_wal(const char *path);

#endif
