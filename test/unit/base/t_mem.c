/* t_mem.c - allocation and arenas. */
#include "t_base.h"

#include <stdalign.h>
#include <string.h>

static void small_memory_is_zeroed_and_copies_end_with_nul(void **state)
{
	unsigned char *p = mem_new(16);
	uint32_t *a = mem_array(4, sizeof *a);
	char *d = mem_dup("abc", 2);

	(void)state;
	for (int i = 0; i < 16; i++)
		assert_int_equal(p[i], 0);
	a[3] = 9;
	a = mem_grow(a, 8, sizeof *a);
	assert_int_equal(a[3], 9);
	assert_string_equal(d, "ab");
	mem_wipe(d, 2);
	assert_int_equal(d[0], 0);
	mem_free(p);
	mem_free(a);
	mem_free(d);
	mem_free(NULL);
	mem_free(mem_new(0));
}

static void arena_memory_is_zeroed_and_aligned(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 100000);
	for (size_t n = 1; n < 200; n += 7) {
		unsigned char *p = arena_get(&a, n);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xee, n);
	}
	arena_close(&a);
}

static void an_arena_refuses_past_its_cap_and_stays_usable(void **state)
{
	struct arena a;
	int n = 0;

	(void)state;
	arena_init(&a, 1000);
	assert_null(arena_get(&a, 1001));
	assert_null(arena_get(&a, SIZE_MAX));
	assert_null(arena_array(&a, SIZE_MAX / 2, 3));
	while (arena_get(&a, 100))
		n++;
	assert_in_range(n, 5, 10);
	assert_true(a.used <= a.cap);
	arena_reset(&a);
	assert_int_equal(a.used, 0);
	assert_non_null(arena_get(&a, 100));
	arena_close(&a);
	assert_null(a.head);
}

static void a_big_piece_gets_a_chunk_of_its_own_and_reset_zeroes_again(void **state)
{
	struct arena a;
	unsigned char *p;

	(void)state;
	arena_init(&a, 1 << 20);
	p = arena_get(&a, 10);
	memset(p, 0xff, 10);
	assert_non_null(arena_get(&a, 100000));
	arena_reset(&a);
	p = arena_get(&a, 10);
	for (int i = 0; i < 10; i++)
		assert_int_equal(p[i], 0);
	arena_close(&a);
}

static void the_rest_of_a_chunk_is_used_after_a_big_piece(void **state)
{
	struct arena a;
	unsigned char *p, *big, *q;

	(void)state;
	arena_init_small(&a, 1 << 20);
	p = arena_get(&a, 16);
	big = arena_get(&a, 1020);
	q = arena_get(&a, 16);
	assert_ptr_equal(q, p + 16);
	memset(big, 1, 1020);			/* and they do not overlap */
	for (int i = 0; i < 16; i++)
		assert_int_equal(p[i] | q[i], 0);
	arena_reset(&a);
	assert_ptr_equal(arena_get(&a, 16), p);
	arena_close(&a);
}

int run_mem(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_memory_is_zeroed_and_copies_end_with_nul),
		cmocka_unit_test(arena_memory_is_zeroed_and_aligned),
		cmocka_unit_test(an_arena_refuses_past_its_cap_and_stays_usable),
		cmocka_unit_test(a_big_piece_gets_a_chunk_of_its_own_and_reset_zeroes_again),
		cmocka_unit_test(the_rest_of_a_chunk_is_used_after_a_big_piece),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
