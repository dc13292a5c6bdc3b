/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The front's end of the key process; this test is the other end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <event2/event.h>
#include <sys/socket.h>

#include "signer/agent/key_link.h"

static struct event_base *base;
static struct ms_key_link *l;
static int peer = -1;

struct seen {
	int calls;
	int rc;
	uint64_t id;
	char code[32];
};

static void on_answer(void *arg, const struct ms_ipc_msg *m, const struct ms_error *err)
{
	struct seen *s = arg;

	s->calls++;
	s->rc = m ? m->signed_.rc : -1;
	s->id = m ? m->id : 0;
	snprintf(s->code, sizeof(s->code), "%s", err ? err->code : "");
}

static int setup(void **state)
{
	base = event_base_new();
	return base && ms_key_link_new(base, &l) == 0 ? 0 : -1;
}

static void connect_peer(void)
{
	int pair[2];

	if (peer >= 0)
		close(peer);
	assert_int_equal(ms_ipc_pair(pair), 0);
	peer = pair[1];
	ms_key_link_set_fd(l, pair[0]);
}

static void turn(void)
{
	assert_true(event_base_loop(base, EVLOOP_NONBLOCK) >= 0);
}

static void ask(struct seen *s)
{
	struct ms_ipc_msg m = {.op = MS_IPC_SIGN,
			       .sign = {.key = "k", .hash = MS_HASH_SHA256}};
	struct ms_error err = {0};

	assert_int_equal(ms_key_link_ask(l, &m, on_answer, s, &err), 0);
}

static void answer(uint64_t id)
{
	struct ms_ipc_msg m = {.op = MS_IPC_SIGNED, .id = id, .signed_.sig_len = 4};

	assert_int_equal(ms_ipc_send(peer, &m, -1), 0);
}

static void test_nobody_there(void **state)
{
	struct ms_ipc_msg m = {.op = MS_IPC_PROBE};
	struct ms_error err = {0};
	struct seen s = {0};

	assert_int_equal(ms_key_link_ask(l, &m, on_answer, &s, &err), -EAGAIN);
	assert_string_equal(err.code, "not-ready");
	assert_int_equal(s.calls, 0);
	assert_false(ms_key_link_loaded(l));
}

static void test_answers_find_their_questions(void **state)
{
	struct seen a = {0}, b = {0}, c = {0};
	struct ms_ipc_msg m;
	uint64_t id[3];

	connect_peer();
	ask(&a);
	ask(&b);
	ask(&c);
	assert_int_equal(ms_key_link_waiting(l), 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ms_ipc_recv(peer, &m, NULL), 0);
		id[i] = m.id;
	}
	/* In another order, one twice, and one that nobody asked for, whose id is a turn
	 * of the table away from that of a question that waits. */
	answer(id[2]);
	answer(id[0]);
	answer(id[0]);
	answer(id[1] + 1024);
	turn();
	assert_int_equal(a.calls, 1);
	assert_int_equal(a.id, id[0]);
	assert_int_equal(b.calls, 0);
	assert_int_equal(c.calls, 1);
	assert_int_equal(ms_key_link_waiting(l), 1);
	answer(id[1]);
	turn();
	assert_int_equal(b.calls, 1);
	assert_int_equal(b.id, id[1]);
	assert_int_equal(ms_key_link_waiting(l), 0);
}

/* Many more than a socket holds: none is refused, none lost, none overtaken. */
static void test_more_than_the_socket_holds(void **state)
{
	enum { MANY = 12000 };
	static struct seen seen[MANY];
	struct ms_ipc_msg m;
	uint64_t last = 0;

	connect_peer();
	for (size_t i = 0; i < MANY; i++)
		ask(&seen[i]);
	for (size_t i = 0; i < MANY; i++) {
		turn();
		assert_int_equal(ms_ipc_recv(peer, &m, NULL), 0);
		assert_true(i == 0 || m.id == last + 1);
		last = m.id;
		answer(m.id);
	}
	while (ms_key_link_waiting(l))
		turn();
	for (size_t i = 0; i < MANY; i++)
		assert_true(seen[i].calls == 1 && seen[i].id);
	/* Those that were not even sent hear of it, too. */
	for (size_t i = 0; i < MANY; i++)
		ask(&seen[i]);
	close(peer);
	peer = -1;
	turn();
	for (size_t i = 0; i < MANY; i++)
		assert_true(seen[i].calls == 2 && !seen[i].id);
}

static void test_key_process_dies(void **state)
{
	struct seen a = {0}, b = {0};

	connect_peer();
	ask(&a);
	ask(&b);
	close(peer);
	peer = -1;
	turn();
	assert_int_equal(a.calls, 1);
	assert_string_equal(a.code, "key-process-restarted");
	assert_int_equal(b.calls, 1);
	assert_int_equal(ms_key_link_waiting(l), 0);
	test_nobody_there(state);
}

static void test_nonsense_ends_the_link(void **state)
{
	struct seen a = {0};

	connect_peer();
	ask(&a);
	assert_int_equal(send(peer, "nonsense", 8, 0), 8);
	turn();
	assert_int_equal(a.calls, 1);
	assert_string_equal(a.code, "key-process-restarted");
}

static void tell_key(const char *name, enum ms_key_state st)
{
	static struct ms_ipc_msg m;

	memset(&m, 0, sizeof(m));
	m.op = MS_IPC_KEY;
	snprintf(m.key.name, sizeof(m.key.name), "%s", name);
	m.key.state = st;
	assert_int_equal(ms_ipc_send(peer, &m, -1), 0);
}

static void test_inventory(void **state)
{
	struct ms_ipc_msg loaded = {.op = MS_IPC_LOADED};

	connect_peer();
	tell_key("b", MS_KEY_LOCKED);
	tell_key("a", MS_KEY_BROKEN);
	turn();
	assert_false(ms_key_link_loaded(l));
	assert_int_equal(ms_ipc_send(peer, &loaded, -1), 0);
	turn();
	assert_true(ms_key_link_loaded(l));
	assert_string_equal(ms_key_link_at(l, 0)->info.name, "a");
	assert_string_equal(ms_key_link_at(l, 1)->info.name, "b");
	assert_null(ms_key_link_at(l, 2));
	assert_null(ms_key_link_find(l, "c"));

	/* A change replaces; a new key process starts from nothing. */
	tell_key("b", MS_KEY_ACTIVE);
	turn();
	assert_int_equal(ms_key_link_find(l, "b")->info.state, MS_KEY_ACTIVE);
	assert_null(ms_key_link_at(l, 2));
	connect_peer();
	assert_false(ms_key_link_loaded(l));
	assert_null(ms_key_link_at(l, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_answers_find_their_questions),
		cmocka_unit_test(test_more_than_the_socket_holds),
		cmocka_unit_test(test_key_process_dies),
		cmocka_unit_test(test_nonsense_ends_the_link),
		cmocka_unit_test(test_inventory),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
