/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/identity.h"

#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <time.h>

/*
 * Names of users that asked lately: a build of thousands of modules comes from one user,
 * and a look-up may go as far as a directory server.
 */
#define CACHE_SIZE 16u
#define CACHE_S 30

static struct {
	bool used;
	uid_t uid;
	time_t when;
	char user[64];
} cache[CACHE_SIZE];

static void look_up(uid_t uid, char *ret, size_t size)
{
	char buf[4096];
	struct passwd pw, *found = NULL;

	ret[0] = '\0';
	if (getpwuid_r(uid, &pw, buf, sizeof(buf), &found) == 0 && found &&
	    strlen(pw.pw_name) < size)
		memcpy(ret, pw.pw_name, strlen(pw.pw_name) + 1);
}

static const char *user_name(uid_t uid)
{
	size_t i = uid % CACHE_SIZE;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!cache[i].used || cache[i].uid != uid ||
	    now.tv_sec - cache[i].when > CACHE_S) {
		look_up(uid, cache[i].user, sizeof(cache[i].user));
		cache[i].used = true;
		cache[i].uid = uid;
		cache[i].when = now.tv_sec;
	}
	return cache[i].user;
}

int ms_identity_of_peer(int fd, struct ms_identity *ret)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	const char *user;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	memset(ret, 0, sizeof(*ret));
	ret->uid = cred.uid;
	ret->gid = cred.gid;
	ret->pid = cred.pid;
	snprintf(ret->id, sizeof(ret->id), "uid:%u", cred.uid);
	user = user_name(cred.uid);
	if (user[0])
		snprintf(ret->user, sizeof(ret->user), "user:%s", user);
	return 0;
}
