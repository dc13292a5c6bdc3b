/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <cmocka.h>

static int parse(const char *text, struct ms_config *c, struct ms_error *err)
{
	assert_int_equal(ms_config_init(c), 0);
	*err = (struct ms_error){};
	return ms_config_parse("f", text, strlen(text), c, err);
}

static void defaults(void **state)
{
	_cleanup_config_ struct ms_config c = {};
	struct ms_error err;

	assert_int_equal(parse("", &c, &err), 0);
	assert_string_equal(c.socket, MS_RUNDIR "/agent.sock");
	assert_string_equal(c.state, MS_STATEDIR);
	assert_string_equal(c.tcti, "device:/dev/tpmrm0");
	assert_int_equal(c.socket_mode, 0666);
	assert_int_equal(c.admins.n, 1);
	assert_string_equal(c.admins.v[0], "uid:0");
	assert_int_equal(c.max_module, MS_MODULE_MAX);
	assert_int_equal(c.threads, 0);
	assert_int_equal(c.tpm_deadline_ms, 30000);
	assert_int_equal(c.n_rules, 0);
	assert_int_equal(ms_config_check(&c, &err), 0);
}

static const char whole[] = "\xef\xbb\xbf# comment \xe2\x82\xac\r\n"
			    "; another\n"
			    "\n"
			    "[agent]\n"
			    "socket = /tmp/a.sock\t# why\n"
			    "socket-mode=0660\n"
			    "state = /var/lib/x ; why\n"
			    "admins = uid:7, group:release\n"
			    "admins = user:eve\n"
			    "max-module = 64M\n"
			    "threads = 3\n"
			    "[tpm]\n"
			    "tcti = swtpm:path=/tmp/x,y\n"
			    "deadline = 5\n"
			    "[group release]\n"
			    "members = uid:1000 user:ann,,user:DOM\\bob\n"
			    "members = uid:0\n"
			    "  [rule  one]  # indented\n"
			    "  who = group:release\n"
			    "\tkernel = 6.1.*-amd64\n"
			    "  kernel = 6.6.*, 6.7.*\n"
			    "  key = distro-*\n"
			    "  module = snd_*  e1000e\n"
			    "  hash = sha256 SHA512\n"
			    "[rule two]\n"
			    "who=uid:5\n"
			    "key=a\n"
			    "[agent]\n"
			    "auditors = group:release uid:4\n"
			    "auditors = user:max\n"
			    "log-origin = x.example/log\n"
			    "log-interval = 5\n"
			    "[tpm]\n"
			    "nv-counter = 0x0180beef";

static void everything(void **state)
{
	_cleanup_config_ struct ms_config c = {};
	struct ms_error err;

	assert_int_equal(parse(whole, &c, &err), 0);
	assert_string_equal(c.socket, "/tmp/a.sock");
	assert_int_equal(c.socket_mode, 0660);
	assert_string_equal(c.state, "/var/lib/x");
	assert_int_equal(c.admins.n, 3);
	assert_string_equal(c.admins.v[0], "uid:7");
	assert_string_equal(c.admins.v[2], "user:eve");
	assert_int_equal(c.max_module, 64 << 20);
	assert_int_equal(c.threads, 3);
	assert_string_equal(c.tcti, "swtpm:path=/tmp/x,y");
	assert_int_equal(c.tpm_deadline_ms, 5000);
	assert_int_equal(c.nv_counter, 0x0180beef);
	assert_int_equal(c.auditors.n, 3);
	assert_string_equal(c.auditors.v[2], "user:max");
	assert_string_equal(c.log_origin, "x.example/log");
	assert_int_equal(c.log_interval_s, 5);
	assert_int_equal(c.n_groups, 1);
	assert_string_equal(c.groups[0].name, "release");
	assert_int_equal(c.groups[0].members.n, 4);
	assert_string_equal(c.groups[0].members.v[2], "user:DOM\\bob");
	assert_int_equal(c.n_rules, 2);
	assert_string_equal(c.rules[0].name, "one");
	assert_int_equal(c.rules[0].line, 18);
	assert_int_equal(c.rules[0].who.n, 1);
	assert_int_equal(c.rules[0].kernels.n, 3);
	assert_string_equal(c.rules[0].kernels.v[2], "6.7.*");
	assert_int_equal(c.rules[0].modules.n, 2);
	assert_int_equal(c.rules[0].hashes, 1 << MS_HASH_SHA256 | 1 << MS_HASH_SHA512);
	assert_string_equal(c.rules[1].keys.v[0], "a");
	assert_int_equal(c.rules[1].hashes, 0);
	assert_int_equal(ms_config_check(&c, &err), 0);
}

#define RULE "[rule r]\nwho=uid:1\nkey=k\n"
#define LONG50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* What is refused, and what the sentence must contain. */
static const struct {
	const char *text, *says;
} refused[] = {
	{"socket=/x\n", "f:1: setting socket stands before"},
	{"[agent]\nsockt = /x\n",
	 "f:2: unknown setting sockt in [agent]; did you mean socket?"},
	{RULE "kernels = 6.1\n",
	 "f:4: unknown setting kernels in [rule]; did you mean kernel?"},
	{RULE "modul = x\n", "did you mean module?"},
	{RULE "xyzzy = 1\n", "f:4: unknown setting xyzzy in [rule]"},
	{RULE "Key = k\n", "did you mean key?"},
	{"[agnet]\n", "f:1: unknown section [agnet]; did you mean [agent]?"},
	{"[]\n", "unknown section []"},
	{"[tls]\nlisten=8443\n", "f:2: listen: 8443 is not an address and a port"},
	{"[tls]\nlisten=host:8443\n", "f:2: listen: host:8443 is not an address"},
	{"[tls]\nlisten=[::1:8443\n", "f:2: listen: [::1:8443 is not an address"},
	{"[tls]\nlisten=127.0.0.1:65536\n", "f:2: listen: 127.0.0.1:65536 is not"},
	{"[tls]\ncert=a.pem\n", "f:2: cert: a.pem is not an absolute path"},
	{"\n[store]\n", "f:2: section [store] is not supported by this version"},
	{"[key distro]\n", "section [key NAME] is not supported by this version"},
	{RULE "content = some\n", "f:4: content: some is neither required nor digest"},
	{RULE "when = Mon..Fry\n", "f:4: when: Mon..Fry is not understood"},
	{RULE "when = 09:00-09:00\n", "when: 09:00-09:00 is not understood"},
	{RULE "limit = 5/week\n", "limit: 5/week is not NUMBER/hour"},
	{RULE "limit = 0/day\n", "limit: 0/day is not"},
	{RULE "limit = 5/day 6/day\n", "limit: two limits a day"},
	{RULE "approvals = 2 group:x\n", "approvals: 2 group:x is not NUMBER of group"},
	{RULE "approvals = 0 of group:x\n", "approvals: 0 of group:x is not"},
	{RULE "approvals = 2 of user:x\n", "approvals: 2 of user:x is not"},
	{RULE "approvals = 1 of group:x\nbuild = optional\n", "cannot be optional"},
	{RULE "type = sbsign\n", "type: sbsign is none of module, file"},
	{RULE "type = file\nkernel = 6.*\n", "and kernel, which is of modules"},
	{RULE "type = module file\nmodule = x\n", "and module, which is of modules"},
	{RULE "type = file\nmin-version = x 1\n", "and min-version, which is"},
	{RULE "type = file\nbuild = required\n", "and build = required, which is"},
	{RULE "type = file\nlimit = 5/build\n", "and limit NUMBER/build, which is"},
	{RULE "type = raw\n", "has type = raw, of which the agent gets the digest alone"},
	{RULE "type = file fsverity\ncontent = required\n",
	 "has type = fsverity, of which"},
	{RULE "file = *.bin\n", "is about modules, which file does not look at"},
	{RULE "file = *.bin\ntype = module file\n", "is about modules, which file"},
	{RULE "approval-valid = 5s\n", "approval-valid: 5s is not a time"},
	{RULE "build = maybe\n", "build: maybe is neither required nor optional"},
	{RULE "min-version = e1000e\n", "min-version: e1000e is not MODULE VERSION"},
	{"[revocations]\ndenied = x\n", "denied: x is not an absolute path"},
	{"[rule]\n", "needs a name"},
	{"[rule a b]\n", "needs a name"},
	{"[rule a/b]\n", "needs a name"},
	{"[rule " LONG50 "]\n", "needs a name"},
	{"[rule " LONG50 LONG50 "]\n", "needs a name"},
	{"[agent x]\n", "[agent] has no name"},
	{"[agent] x\n", "nothing may follow"},
	{"[agent\n", "a section is written [NAME]"},
	{"[a]gent]\n", "a section is written [NAME]"},
	{"[agent]\nsocket\n", "f:2: not understood"},
	{"[agent]\n= 5\n", "f:2: not understood"},
	{"[agent]\nsocket: /x\n", "f:2: not understood"},
	{"[agent]\nsocket =\n", "has no value"},
	{"[agent]\nsocket = # /x\n", "has no value"},
	{"[agent]\nadmins = , ,\n", "has no value"},
	{"[agent]\nauditors = joe\n", "joe"},
	{"[agent]\nlog-interval = 0\n", "log-interval"},
	{"[agent]\nlog-interval = 60s\n", "log-interval"},
	{"[agent]\nlog-interval = 86401\n", "log-interval"},
	{"[agent]\nlog-origin = a b\n", "log-origin"},
	{"[agent]\nlog-origin = a+b\n", "log-origin"},
	{"[tpm]\nnv-counter = 25185619\n", "nv-counter"},
	{"[tpm]\nnv-counter = 0x01c00002\n", "nv-counter"},
	{"[tpm]\nnv-counter = 0x017fffff\n", "nv-counter"},
	{"[tpm]\nnv-counter = 0x1804d53\n", "nv-counter"},
	{"[agent]\nsocket = /x\nsocket = /y\n", "f:3: setting socket is given twice"},
	{"[agent]\nsocket = x\n", "not an absolute path"},
	{"[agent]\nsocket = /" LONG50 LONG50 LONG50 "\n", "longer than 107 bytes"},
	{"[agent]\nstate = x\n", "not an absolute path"},
	{"[agent]\nsocket-mode = 0888\n", "not an octal mode"},
	{"[agent]\nsocket-mode = 4777\n", "only the bits 0777"},
	{"[agent]\nsocket-mode = 00660\n", "not an octal mode"},
	{"[agent]\nmax-module = 0\n", "max-module: 0 is not a size"},
	{"[agent]\nmax-module = 513M\n", "is not a size from 1 to 512M"},
	{"[agent]\nmax-module = 1T\n", "is not a size"},
	{"[agent]\nmax-module = 1MM\n", "is not a size"},
	{"[agent]\nmax-module = 99999999999999999999999\n", "is not a size"},
	{"[agent]\nmax-module = -1\n", "is not a size"},
	{"[agent]\nthreads = 257\n", "is not a number from 0"},
	{"[agent]\nthreads = two\n", "is not a number from 0"},
	{"[tpm]\ndeadline = 0\n", "is not a time"},
	{"[tpm]\ndeadline = 99ms\n", "is not a time"},
	{"[tpm]\ndeadline = 3601\n", "is not a time"},
	{"[tpm]\ndeadline = 5m\n", "is not a time"},
	{"[tpm]\ntcti = /dev/tpm0\n", "is not NAME:CONF"},
	{"[group g]\n", "f:1: group g has no members"},
	{"[person p]\nis = uid:1\n", "f:1: person p needs two identities"},
	{"[group g]\nmembers = group:h\n", "a group cannot contain a group"},
	{"[group g]\nmembers=uid:1\n[group g]\nmembers=uid:2\n",
	 "f:3: group g is defined twice, first at f:1"},
	{RULE RULE, "f:4: rule r is defined twice, first at f:1"},
	{"[rule r]\nkey=k\n", "f:1: rule r does not say who"},
	{"\n[rule r]\nwho=uid:1\n[agent]\n", "f:2: rule r names no key"},
	{"[rule r]\nwho=uid:01\n", "uid:01 is not a user id"},
	{"[rule r]\nwho=uid:\n", "uid: is not a user id"},
	{"[rule r]\nwho=uid:4294967295\n", "is not a user id"},
	{"[rule r]\nwho=uid:1x\n", "is not a user id"},
	{"[rule r]\nwho=user:\n", "is not a user"},
	{"[rule r]\nwho=group:\n", "is not a group"},
	{"[rule r]\nwho=cert:x\n", "cert:x is not a name of a certificate"},
	{"[rule r]\nwho=cert:CN=\n", "cert:CN= is not a name of a certificate"},
	{"[rule r]\nwho=cert:SAN=IP:1\n", "cert:SAN=IP:1 is not a name of a certificate"},
	{"[rule r]\nwho=ann\n", "did you mean user:ann?"},
	{"[rule r]\nwho=*\n", "is not an identity"},
	{"[rule r]\nwho=uid:1\nkey=\"k\"\n", "a pattern cannot contain '\"'"},
	{"[rule r]\nwho=uid:1\nkey=a/b\n", "a pattern cannot contain '/'"},
	{"[rule r]\nwho=uid:1\nkey=a#b;c\n", "a pattern cannot contain '#'"},
	{RULE "kernel = 6.[1\n", "'[' without ']'"},
	{RULE "kernel = key = 6\n", "a pattern cannot contain '='"},
	{RULE "hash = sha1\n", "sha1 is too weak"},
	{RULE "hash = crc32\n", "crc32 is not a hash"},
	{RULE "hash = " LONG50 "\n", "is not a hash"},
	{RULE "kernel = 6.1.* \\\n  6.6.*\n", "cannot be continued"},
	{RULE "kernel = 6.1.\x01*\n", "f:4: byte 0x01 is not allowed"},
	{RULE "kernel = 6.1.\xc3\xa4\n", "f:4: byte 0xc3 is not allowed"},
	{RULE "kernel = " LONG50 LONG50 LONG50 LONG50 "\n",
	 "f:4: the line is longer than"},
};

static void refusals(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		_cleanup_config_ struct ms_config c = {};
		struct ms_error err;
		int rc = parse(refused[i].text, &c, &err);

		if (rc != -EINVAL || !strstr(err.msg, refused[i].says))
			fail_msg("%zu: %d %s\nexpected: %s", i, rc, err.msg,
				 refused[i].says);
	}
}

/* A line that inih would fold into the one before must not widen the rule. */
static void indented_line_is_a_setting(void **state)
{
	_cleanup_config_ struct ms_config c = {};
	struct ms_error err;

	assert_int_equal(parse(RULE "module = a\n    kernel = 6.1\n", &c, &err), 0);
	assert_int_equal(c.rules[0].modules.n, 1);
	assert_int_equal(c.rules[0].kernels.n, 1);
}

static void nul_byte(void **state)
{
	static const char text[] = RULE "kernel = 6.1\0\n";
	static const char text2[] = RULE "ker\0nel = 6.1\n";
	_cleanup_config_ struct ms_config c = {}, c2 = {};
	struct ms_error err;

	assert_int_equal(ms_config_init(&c), 0);
	assert_int_equal(ms_config_parse("f", text, sizeof(text) - 1, &c, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "f:4: byte 0x00"));
	assert_int_equal(ms_config_init(&c2), 0);
	assert_int_equal(ms_config_parse("f", text2, sizeof(text2) - 1, &c2, &err),
			 -EINVAL);
}

static void second_file_on_top(void **state)
{
	static const char more[] =
		"[agent]\nsocket=/b\nadmins=uid:9\n[rule s]\nwho=uid:2\nkey=k\n";
	_cleanup_config_ struct ms_config c = {};
	struct ms_error err;

	assert_int_equal(parse("[agent]\nsocket=/a\nadmins=uid:8\n" RULE, &c, &err), 0);
	assert_int_equal(ms_config_parse("g", more, strlen(more), &c, &err), 0);
	assert_string_equal(c.socket, "/b");
	assert_int_equal(c.admins.n, 2);
	assert_int_equal(c.n_rules, 2);
	assert_string_equal(c.rules[1].file, "g");
	assert_int_equal(ms_config_parse("h", RULE, strlen(RULE), &c, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "h:1: rule r is defined twice, first at f:4"));
}

static void missing_groups(void **state)
{
	_cleanup_config_ struct ms_config c = {}, c2 = {};
	struct ms_error err;

	assert_int_equal(parse("\n[rule r]\nwho=uid:1 group:g\nkey=k\n", &c, &err), 0);
	assert_int_equal(ms_config_check(&c, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "f:2: rule r names the group g"));
	assert_int_equal(parse("[agent]\nadmins=group:g\n", &c2, &err), 0);
	assert_int_equal(ms_config_check(&c2, &err), -EINVAL);
}

/* ------------------------------------------------------------------ files */

static char dir[] = "/tmp/modseal-test-config-XXXXXX";
static char conf[sizeof(dir) + 16], confd[sizeof(dir) + 16];

static int setup(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	snprintf(conf, sizeof(conf), "%s/a.conf", dir);
	snprintf(confd, sizeof(confd), "%s/a.conf.d", dir);
	return 0;
}

static void put(const char *name, mode_t mode, const char *text)
{
	char path[256];
	_cleanup_close_ int fd = -1;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
}

static void drop(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (unlink(path) < 0)
		(void)rmdir(path);
}

static int teardown(void **state)
{
	static const char *const names[] = {"a.conf.d/10-x.conf",
					    "a.conf.d/20-y.conf",
					    "a.conf.d/30-z.conf.bak",
					    "a.conf.d/.hidden.conf",
					    "a.conf.d",
					    "a.conf",
					    ""};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		drop(names[i]);
	return 0;
}

static void load_files(void **state)
{
	_cleanup_config_ struct ms_config c = {};
	struct ms_error err = {};

	put("a.conf", 0644, "[agent]\nsocket=/a\n[rule r]\nwho=group:g\nkey=k\n");
	assert_int_equal(mkdir(confd, 0755), 0);
	put("a.conf.d/20-y.conf", 0600,
	    "[agent]\nsocket=/c\n[rule s]\nwho=uid:1\nkey=k\n");
	put("a.conf.d/10-x.conf", 0600, "[agent]\nsocket=/b\n[group g]\nmembers=uid:3\n");
	put("a.conf.d/30-z.conf.bak", 0600, "nonsense");
	put("a.conf.d/.hidden.conf", 0600, "nonsense");
	assert_int_equal(ms_config_load(conf, &c, &err), 0);
	assert_string_equal(c.socket, "/c");
	assert_int_equal(c.n_rules, 2);
	assert_int_equal(c.n_groups, 1);
	assert_string_equal(c.rules[0].name, "r");
}

static void load_refusals(void **state)
{
	struct ms_config c = {.socket = conf};
	struct ms_error err = {};

	put("a.conf.d/10-x.conf", 0600, "[group g]\nmembers=uid:x\n");
	assert_int_equal(ms_config_load(conf, &c, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "a.conf.d/10-x.conf:2: uid:x"));

	put("a.conf.d/10-x.conf", 0620, "[group g]\nmembers=uid:3\n");
	assert_int_equal(ms_config_load(conf, &c, &err), -EPERM);
	assert_non_null(strstr(err.msg, "10-x.conf can be written by its group"));
	put("a.conf.d/10-x.conf", 0600, "[group g]\nmembers=uid:3\n");

	assert_int_equal(chmod(conf, 0602), 0);
	assert_int_equal(ms_config_load(conf, &c, &err), -EPERM);
	assert_non_null(strstr(err.msg, "by others"));
	assert_int_equal(chmod(conf, 0600), 0);

	assert_int_equal(chmod(confd, 0777), 0);
	assert_int_equal(ms_config_load(conf, &c, &err), -EPERM);
	assert_int_equal(chmod(confd, 0700), 0);

	if (geteuid() == 0) {
		assert_int_equal(chown(conf, 12345, 0), 0);
		assert_int_equal(ms_config_load(conf, &c, &err), -EPERM);
		assert_non_null(strstr(err.msg, "belongs to uid 12345"));
		assert_int_equal(chown(conf, 0, 0), 0);
	}

	drop("a.conf.d/10-x.conf");
	assert_int_equal(ms_config_load(conf, &c, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "a.conf:3: rule r names the group g"));

	drop("a.conf");
	assert_int_equal(ms_config_load(conf, &c, &err), -ENOENT);
	assert_non_null(strstr(err.msg, conf));
	assert_int_equal(ms_config_load(dir, &c, &err), -EISDIR);
	assert_ptr_equal(c.socket, conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(everything),
		cmocka_unit_test(refusals),
		cmocka_unit_test(indented_line_is_a_setting),
		cmocka_unit_test(nul_byte),
		cmocka_unit_test(second_file_on_top),
		cmocka_unit_test(missing_groups),
		cmocka_unit_test(load_files),
		cmocka_unit_test(load_refusals),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
