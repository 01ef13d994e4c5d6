/* t_hash.c - the keyed hash against its published vectors, and the table. */
#include "t_base.h"

#include <string.h>

#include "base/hash.h"

static struct hash_seed published(void)
{
	struct hash_seed s;
	unsigned char k[16];

	for (unsigned i = 0; i < 16; i++)
		k[i] = (unsigned char)i;
	memcpy(&s, k, 16);
	return s;
}

/* The vectors of the SipHash paper (appendix A) and its reference code. */
static void the_hash_is_siphash_2_4(void **state)
{
	struct hash_seed s = published();
	unsigned char in[15];

	(void)state;
	for (unsigned i = 0; i < 15; i++)
		in[i] = (unsigned char)i;
	assert_true(hash_bytes(&s, in, 15) == 0xa129ca6149be45e5u);
	assert_true(hash_bytes(&s, in, 0) == 0x726fdb47dd0e0e31u);
	assert_true(hash_bytes(&s, in, 1) == 0x74f839c593dc67fdu);
	assert_true(hash_bytes(&s, in, 8) == 0x93f5f5799a932462u);
}

static void folding_takes_the_26_letters_and_nothing_else(void **state)
{
	struct hash_seed s = published();

	(void)state;
	assert_true(hash_icase(&s, "SBC.Example.COM", 15) == hash_bytes(&s, "sbc.example.com", 15));
	assert_true(hash_icase(&s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 26) ==
		    hash_bytes(&s, "abcdefghijklmnopqrstuvwxyz", 26));
	for (int c = 0; c < 256; c++) {
		char b[8] = { 'x', (char)c, 'y', 'Z', 'z', 0, 0, 0 };
		char want[8];

		memcpy(want, b, 8);
		want[3] = 'z';
		if (c >= 'A' && c <= 'Z')
			want[1] = (char)(c + 32);
		assert_true(hash_icase(&s, b, 8) == hash_bytes(&s, want, 8));
		assert_true(hash_icase(&s, b, 5) == hash_bytes(&s, want, 5));
	}
}

struct thing { int v; struct hash_node node; };

static void the_table_finds_all_through_growth_and_removal(void **state)
{
	enum { N = 1000 };
	struct thing *t = mem_array(N, sizeof *t);
	struct hash h;

	(void)state;
	hash_init(&h);
	for (int i = 0; i < N; i++) {
		t[i].v = i;
		hash_add(&h, &t[i].node, (uint64_t)i * 0x9e3779b97f4a7c15u);
	}
	assert_int_equal(h.count, N);
	for (int i = 0; i < N; i += 2)
		hash_remove(&h, &t[i].node);
	hash_remove(&h, &t[0].node);			/* not linked: no-op */
	assert_int_equal(h.count, N / 2);
	for (int i = 0; i < N; i++) {
		struct hash_node *n = hash_first(&h, (uint64_t)i * 0x9e3779b97f4a7c15u);

		if (i % 2)
			assert_int_equal(HASH_ENTRY(n, struct thing, node)->v, i);
		else
			assert_null(n);
	}
	hash_close(&h);
	mem_free(t);
}

static void equal_hashes_are_walked_one_by_one(void **state)
{
	struct thing t[3] = { { .v = 1 }, { .v = 2 }, { .v = 4 } };
	struct hash h;
	int sum = 0;

	(void)state;
	hash_init(&h);
	for (int i = 0; i < 3; i++)
		hash_add(&h, &t[i].node, i < 2 ? 5 : 5 + 16);	/* the third: same bucket only */
	for (struct hash_node *n = hash_first(&h, 5); n; n = hash_next(n))
		sum += HASH_ENTRY(n, struct thing, node)->v;
	assert_int_equal(sum, 3);
	assert_null(hash_first(&h, 6));
	hash_close(&h);
}

int run_hash(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hash_is_siphash_2_4),
		cmocka_unit_test(folding_takes_the_26_letters_and_nothing_else),
		cmocka_unit_test(the_table_finds_all_through_growth_and_removal),
		cmocka_unit_test(equal_hashes_are_walked_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
