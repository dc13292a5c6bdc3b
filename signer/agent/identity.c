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

static int uid_of(const char *text, uid_t *ret)
{
	char buf[4096];
	struct passwd pw, *found = NULL;
	uint64_t n = 0;

	if (strncmp(text, "user:", 5) == 0) {
		int r = getpwnam_r(text + 5, &pw, buf, sizeof(buf), &found);

		if (r != 0 && r != ENOENT && r != ESRCH)
			return -r;
		if (!found)
			return -ENOENT;
		*ret = pw.pw_uid;
		return 0;
	}
	if (strncmp(text, "uid:", 4) != 0 || !text[4])
		return -EINVAL;
	for (text += 4; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		n = n * 10 + (uint64_t)(*text - '0');
		if (n >= UINT32_MAX)
			return -EINVAL;
	}
	*ret = (uid_t)n;
	return 0;
}

void ms_identity_put_proof(const struct ms_identity *who, json_t *fields)
{
	const char *proof = who->certificate[0] ? "certificate" : "socket";

	if (!fields)
		return;
	json_object_set_new(fields, "proof", json_string(proof));
	if (!who->certificate[0]) {
		json_object_set_new(fields, "pid", json_integer(who->pid));
		return;
	}
	json_object_set_new(fields, "certificate", json_string(who->certificate));
	json_object_set_new(fields, "address", json_string(who->address));
}

bool ms_identity_text_is_cert(const char *text)
{
	static const char *const kinds[] = {
		"cert:CN=", "cert:SAN=URI:", "cert:SAN=DNS:", "cert:SAN=email:"};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t n = strlen(kinds[i]);

		if (strncmp(text, kinds[i], n) == 0)
			return text[n] && strlen(text) < MS_IDENTITY_MAX;
	}
	return false;
}

int ms_identity_from_text(const char *text, struct ms_identity *ret)
{
	struct ms_identity who = {0};
	int r;

	if (ms_identity_text_is_cert(text)) {
		who.uid = (uid_t)-1;
		who.gid = (gid_t)-1;
		memcpy(who.id, text, strlen(text) + 1);
		*ret = who;
		return 0;
	}
	r = uid_of(text, &who.uid);
	if (r < 0)
		return r;
	snprintf(who.id, sizeof(who.id), "uid:%u", who.uid);
	if (user_name(who.uid)[0])
		snprintf(who.user, sizeof(who.user), "user:%s", user_name(who.uid));
	*ret = who;
	return 0;
}

int ms_identity_uid_of_user(const char *text, char ret[MS_IDENTITY_MAX])
{
	struct ms_identity who;
	int r = ms_identity_from_text(text, &who);

	if (r < 0)
		return r;
	memcpy(ret, who.id, sizeof(who.id));
	return strcmp(who.user, text) == 0 ? 0 : -EEXIST;
}
