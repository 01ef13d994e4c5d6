/* t_slot.c - objects by id, and the list. */
#include "t_base.h"

#include "base/list.h"
#include "base/slot.h"

static void a_stale_id_leads_nowhere(void **state)
{
	struct slots s;
	uint64_t a, b;
	int *p;

	(void)state;
	slots_init(&s, sizeof(int), 4);
	p = slot_new(&s, &a);
	*p = 5;
	assert_true(a != 0);
	assert_ptr_equal(slot_get(&s, a), p);
	slot_free(&s, a);
	assert_null(slot_get(&s, a));
	slot_free(&s, a);				/* gone: no-op */
	p = slot_new(&s, &b);
	assert_int_equal(*p, 0);			/* zeroed again */
	assert_true(a != b);
	assert_null(slot_get(&s, a));
	assert_null(slot_get(&s, 0));
	assert_null(slot_get(&s, UINT64_MAX));
	slots_close(&s);
}

static void a_full_table_says_so_and_takes_again_after_a_free(void **state)
{
	struct slots s;
	uint64_t id[3], more;

	(void)state;
	slots_init(&s, 24, 3);
	for (int i = 0; i < 3; i++)
		assert_non_null(slot_new(&s, &id[i]));
	assert_null(slot_new(&s, &more));
	assert_int_equal(s.live, 3);
	slot_free(&s, id[1]);
	assert_non_null(slot_new(&s, &more));
	slots_close(&s);
}

static void objects_never_move_and_a_walk_sees_each_once(void **state)
{
	struct slots s;
	uint64_t id[500], got;
	int *p[500], *q, n = 0;
	uint32_t i = 0;

	(void)state;
	slots_init(&s, sizeof(int), 500);
	for (int k = 0; k < 500; k++) {
		p[k] = slot_new(&s, &id[k]);
		*p[k] = k;
	}
	for (int k = 0; k < 500; k += 3)
		slot_free(&s, id[k]);
	for (int k = 0; k < 500; k++)
		assert_ptr_equal(slot_get(&s, id[k]), k % 3 ? (void *)p[k] : NULL);
	while ((q = slot_next(&s, &i, &got))) {
		assert_int_not_equal(*q % 3, 0);
		assert_true(got == id[*q]);
		slot_free(&s, got);			/* allowed while walking */
		n++;
	}
	assert_int_equal(n, 333);
	assert_int_equal(s.live, 0);
	slots_close(&s);
}

struct item { int v; struct list link; };

static void a_list_keeps_order_and_removal_is_safe_twice(void **state)
{
	struct item a = { .v = 1 }, b = { .v = 2 }, c = { .v = 3 };
	struct list l;
	int seen = 0;

	(void)state;
	list_init(&l);
	assert_true(list_empty(&l));
	list_append(&l, &a.link);
	list_append(&l, &b.link);
	list_append(&l, &c.link);
	list_remove(&b.link);
	list_remove(&b.link);
	for (struct list *x = l.next; x != &l; x = x->next)
		seen = seen * 10 + LIST_ENTRY(x, struct item, link)->v;
	assert_int_equal(seen, 13);
	list_remove(&a.link);
	list_remove(&c.link);
	assert_true(list_empty(&l));
}

static void a_trimmed_table_keeps_what_lives_and_takes_again(void **state)
{
	struct slots s;
	uint64_t id[300], again;
	int *p[300], *q;

	(void)state;
	slots_init(&s, sizeof(int), 300);
	for (int k = 0; k < 300; k++) {
		p[k] = slot_new(&s, &id[k]);
		*p[k] = k;
	}
	for (int k = 0; k < 300; k++)
		if (k != 100)
			slot_free(&s, id[k]);
	slots_trim(&s);
	slots_trim(&s);
	assert_ptr_equal(slot_get(&s, id[100]), p[100]);
	assert_int_equal(*p[100], 100);
	for (int k = 0; k < 300; k++)
		assert_int_equal(slot_get(&s, id[k]) != NULL, k == 100);
	for (int k = 0; k < 299; k++) {
		q = slot_new(&s, &again);
		assert_non_null(q);
		assert_int_equal(*q, 0);
		*q = 1;
		for (int j = 0; j < 300; j++)
			assert_true(again != id[j]);
	}
	assert_int_equal(*p[100], 100);
	assert_null(slot_new(&s, &again));
	slots_close(&s);
}

int run_slot(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stale_id_leads_nowhere),
		cmocka_unit_test(a_full_table_says_so_and_takes_again_after_a_free),
		cmocka_unit_test(objects_never_move_and_a_walk_sees_each_once),
		cmocka_unit_test(a_trimmed_table_keeps_what_lives_and_takes_again),
		cmocka_unit_test(a_list_keeps_order_and_removal_is_safe_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
