/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pkcs11-threads MODULE LABEL THREADS TIMES: loads a PKCS#11 module as a host program
 * does, and signs with its RSA key LABEL in so many threads at once, so often in each;
 * then a child of fork() starts the module again and signs, and so does the parent once
 * more. All signatures are of the same data and must be the same. Prints how many there
 * were.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/wait.h>
#define CRYPTOKI_GNU 1
#include <p11-kit/pkcs11.h>

static struct ck_function_list *p11;
static const char *label;
static unsigned long times;
static unsigned char want[512];
static unsigned long want_len;
static unsigned long counts[64];

static _noreturn_ void die(const char *what, ck_rv_t rv)
{
	fprintf(stderr, "pkcs11-threads: %s: 0x%lx\n", what, rv);
	_exit(1);
}

static void check(const char *what, ck_rv_t rv)
{
	if (rv != CKR_OK)
		die(what, rv);
}

static ck_object_handle_t find(ck_session_handle_t s)
{
	ck_object_class_t class = CKO_PRIVATE_KEY;
	struct ck_attribute t[] = {
		{CKA_CLASS, &class, sizeof(class)},
		{CKA_LABEL, (void *)(unsigned long)label, strlen(label)}};
	ck_object_handle_t key;
	unsigned long n = 0;

	check("C_FindObjectsInit", p11->C_FindObjectsInit(s, t, 2));
	check("C_FindObjects", p11->C_FindObjects(s, &key, 1, &n));
	check("C_FindObjectsFinal", p11->C_FindObjectsFinal(s));
	if (n != 1)
		die("no such key", n);
	return key;
}

static void sign(ck_session_handle_t s, ck_object_handle_t key, unsigned char *out,
		 unsigned long *len)
{
	struct ck_mechanism m = {CKM_SHA256_RSA_PKCS, NULL, 0};
	unsigned char data[] = "the same for all";

	*len = 512;
	check("C_SignInit", p11->C_SignInit(s, &m, key));
	check("C_Sign", p11->C_Sign(s, data, sizeof(data), out, len));
}

static ck_session_handle_t session(void)
{
	ck_session_handle_t s;

	check("C_OpenSession", p11->C_OpenSession(1, CKF_SERIAL_SESSION, NULL, NULL, &s));
	return s;
}

static void sign_and_compare(void)
{
	unsigned char out[512];
	unsigned long len;
	ck_session_handle_t s = session();

	sign(s, find(s), out, &len);
	if (len != want_len || memcmp(out, want, len) != 0)
		die("another signature", len);
	check("C_CloseSession", p11->C_CloseSession(s));
}

static void *run(void *arg)
{
	for (unsigned long i = 0; i < times; i++) {
		sign_and_compare();
		++*(unsigned long *)arg;
	}
	return NULL;
}

static void in_child(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		alarm(60);
		if (p11->C_CloseSession(1) != CKR_CRYPTOKI_NOT_INITIALIZED)
			die("the child has the parent's library", 0);
		check("C_Initialize in the child", p11->C_Initialize(NULL));
		sign_and_compare();
		check("C_Finalize in the child", p11->C_Finalize(NULL));
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		die("the child failed", 0);
}

int main(int argc, char **argv)
{
	unsigned long n = argc == 5 ? strtoul(argv[3], NULL, 10) : 0, all = 0;
	pthread_t threads[64];
	CK_C_GetFunctionList get = NULL;
	ck_session_handle_t s;
	void *lib;

	if (n < 1 || n > ARRAY_SIZE(threads))
		die("usage: pkcs11-threads MODULE LABEL THREADS TIMES", 0);
	label = argv[2];
	times = strtoul(argv[4], NULL, 10);
	lib = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	if (lib)
		get = (CK_C_GetFunctionList)(uintptr_t)dlsym(lib, "C_GetFunctionList");
	if (!get) {
		fprintf(stderr, "pkcs11-threads: %s\n", dlerror());
		return 1;
	}
	check("C_GetFunctionList", get(&p11));
	check("C_Initialize", p11->C_Initialize(NULL));
	s = session();
	sign(s, find(s), want, &want_len);
	for (unsigned long i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, run, &counts[i]) != 0)
			die("no thread", i);
	in_child();
	for (unsigned long i = 0; i < n; i++) {
		pthread_join(threads[i], NULL);
		all += counts[i];
	}
	in_child();
	sign_and_compare();
	check("C_Finalize", p11->C_Finalize(NULL));
	printf("%lu\n", all);
	return 0;
}
