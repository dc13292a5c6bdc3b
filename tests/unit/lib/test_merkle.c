/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "lib/hash.h"
#include "lib/merkle.h"

#define LEAVES 700u

/* The eight entries and the roots that RFC 6962's own implementations are tested with. */
static const struct {
	const char *entry;
	size_t len;
	const char *root;
} known[] = {
	{"", 0, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
	{"\0", 1, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
	{"\x10", 1, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
	{"\x20\x21", 2,
	 "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
	{"\x30\x31", 2,
	 "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
	{"\x40\x41\x42\x43", 4,
	 "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
	{"\x50\x51\x52\x53\x54\x55\x56\x57", 8,
	 "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
	{"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16,
	 "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
};

/* A store: leaves, and the complete subtrees of height 8, as the agent keeps them. */
struct store {
	uint64_t size;
	uint8_t level0[LEAVES][32], level1[LEAVES / 256][32];
};

static struct store store;
static uint8_t roots[LEAVES + 1][32];

static int read_store(void *arg, unsigned int level, uint64_t index, size_t n,
		      uint8_t (*ret)[32])
{
	struct store *s = arg;

	if (level > 1 || index + n > (level ? s->size / 256 : s->size))
		return -ENOENT;
	memcpy(ret, level ? s->level1[index] : s->level0[index], n * 32);
	return 0;
}

static int setup(void **state)
{
	struct ms_merkle m = {0}, tile = {0};

	for (uint64_t i = 0; i < LEAVES; i++) {
		if (ms_merkle_root(&m, roots[i]) < 0 ||
		    ms_merkle_leaf(&i, sizeof(i), store.level0[i]) < 0 ||
		    ms_merkle_append(&m, store.level0[i]) < 0)
			return -1;
		if (ms_merkle_append(&tile, store.level0[i]) < 0)
			return -1;
		if (tile.size == 256) {
			memcpy(store.level1[i / 256], tile.edge[8], 32);
			tile.size = 0;
		}
	}
	store.size = LEAVES;
	return ms_merkle_root(&m, roots[LEAVES]);
}

static void test_known_answers(void **state)
{
	struct ms_merkle m = {0};
	uint8_t h[32];
	char hex[65];

	assert_int_equal(ms_merkle_root(&m, h), 0);
	assert_string_equal(ms_hex(h, 32, hex), "e3b0c44298fc1c149afbf4c8996fb924"
						"27ae41e4649b934ca495991b7852b855");
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		assert_int_equal(ms_merkle_leaf(known[i].entry, known[i].len, h), 0);
		assert_int_equal(ms_merkle_append(&m, h), 0);
		assert_int_equal(ms_merkle_root(&m, h), 0);
		assert_string_equal(ms_hex(h, 32, hex), known[i].root);
	}
}

static void test_restore(void **state)
{
	struct ms_merkle m;
	uint8_t h[32];

	for (uint64_t n = 0; n <= LEAVES; n++) {
		store.size = n;
		assert_int_equal(ms_merkle_restore(read_store, &store, n, &m), 0);
		assert_int_equal(ms_merkle_root(&m, h), 0);
		assert_memory_equal(h, roots[n], 32);
	}
	store.size = LEAVES;
	memset(&m, 0xa5, sizeof(m));
	assert_int_equal(ms_merkle_restore(read_store, &store, LEAVES + 1, &m), -ENOENT);
	assert_int_equal(m.size, UINT64_C(0xa5a5a5a5a5a5a5a5));
}

static void test_inclusion(void **state)
{
	static const uint64_t sizes[] = {1, 2, 3, 7, 8, 255, 256, 257, 513, LEAVES};
	uint8_t proof[MS_MERKLE_PROOF_MAX][32];
	size_t n;

	for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
		uint64_t size = sizes[s];

		for (uint64_t i = 0; i < size; i++) {
			const uint8_t *leaf = store.level0[i];

			assert_int_equal(ms_merkle_inclusion(read_store, &store, i, size,
							     proof, &n),
					 0);
			assert_int_equal(ms_merkle_check_inclusion(leaf, i, size,
								   (const void *)proof, n,
								   roots[size]),
					 0);
			/* Another leaf, place, size, root, or a changed or cut proof
			 * fails. */
			assert_int_equal(ms_merkle_check_inclusion(
						 store.level0[(i + 1) % LEAVES], i, size,
						 (const void *)proof, n, roots[size]),
					 -EKEYREJECTED);
			assert_int_equal(ms_merkle_check_inclusion(leaf, i, size,
								   (const void *)proof, n,
								   roots[size - 1]),
					 -EKEYREJECTED);
			if (!n)
				continue;
			assert_int_equal(ms_merkle_check_inclusion(leaf, i, size,
								   (const void *)proof,
								   n - 1, roots[size]),
					 -EKEYREJECTED);
			proof[n / 2][5] ^= 1;
			assert_int_equal(ms_merkle_check_inclusion(leaf, i, size,
								   (const void *)proof, n,
								   roots[size]),
					 -EKEYREJECTED);
		}
	}
	assert_int_equal(ms_merkle_inclusion(read_store, &store, 5, 5, proof, &n),
			 -EINVAL);
}

static void test_consistency(void **state)
{
	static const uint64_t sizes[] = {1,   2,   3,	6,   7,	  8,
					 255, 256, 257, 512, 600, LEAVES};
	uint8_t proof[2 * MS_MERKLE_PROOF_MAX][32];
	size_t n;

	for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
		uint64_t size = sizes[s];

		for (uint64_t old = 1; old <= size; old++) {
			assert_int_equal(ms_merkle_consistency(read_store, &store, old,
							       size, proof, &n),
					 0);
			assert_int_equal(ms_merkle_check_consistency(
						 old, size, roots[old], roots[size],
						 (const void *)proof, n),
					 0);
			assert_int_equal(ms_merkle_check_consistency(
						 old, size, roots[old - 1], roots[size],
						 (const void *)proof, n),
					 -EKEYREJECTED);
			assert_int_equal(ms_merkle_check_consistency(
						 old, size, roots[old], roots[old - 1],
						 (const void *)proof, n),
					 -EKEYREJECTED);
			if (!n)
				continue;
			proof[n - 1][0] ^= 1;
			assert_int_equal(ms_merkle_check_consistency(
						 old, size, roots[old], roots[size],
						 (const void *)proof, n),
					 -EKEYREJECTED);
		}
	}
	assert_int_equal(ms_merkle_consistency(read_store, &store, 0, 5, proof, &n),
			 -EINVAL);
	assert_int_equal(ms_merkle_consistency(read_store, &store, 6, 5, proof, &n),
			 -EINVAL);
	assert_int_equal(ms_merkle_check_consistency(0, 5, roots[0], roots[5], NULL, 0),
			 -EKEYREJECTED);
	assert_int_equal(ms_merkle_check_consistency(6, 5, roots[6], roots[5], NULL, 0),
			 -EKEYREJECTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_answers),
		cmocka_unit_test(test_restore),
		cmocka_unit_test(test_inclusion),
		cmocka_unit_test(test_consistency),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
