#include "t_store.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void text(const struct row_field *f, void *row, unsigned n)
{
	char s[512];

	if (f->type == ROW_TEXT)
		row_set_text(f, row, (struct str){ s, (size_t)snprintf(s, sizeof s, "%s %u", f->name,
								       n) });
	else
		row_set_uint(f, row, n);
}

void t_record(struct call_record *r, uint64_t id, unsigned nleg)
{
	struct reason why = REASON(TOO_LATE, STR("Teams"), STR("19000"));

	record_init(r, id);
	for (int i = 1; i < record_row.nfield; i++)
		text(&record_row.field[i], r, (unsigned)i);
	r->nleg = r->nnote = r->legs_lost = r->notes_lost = 0;
	r->answered_by = 0;
	r->start_wall = 1700000000000;
	r->answer_wall = r->start_wall + 5000;
	r->end_wall = 0;
	for (unsigned k = 0; k < nleg; k++) {
		struct record_leg *l = record_add_leg(r);

		for (int i = 2; i < record_leg_row.nfield; i++)
			text(&record_leg_row.field[i], l, (unsigned)i + 100 * k);
		l->kind = (uint8_t)(k % RECORD_NKIND);
		l->start_wall = r->start_wall;
		l->end_wall = 0;
	}
	record_add_note(r, 10, &why);
	record_add_note(r, 20, &why);
}

static void same_rows(const struct row_kind *k, const void *a, const void *b)
{
	for (int i = 0; i < k->nfield; i++) {
		if (k->field[i].type != ROW_TEXT)
			assert_int_equal(row_uint(&k->field[i], a), row_uint(&k->field[i], b));
		else
			assert_true(str_eq(row_text(&k->field[i], a), row_text(&k->field[i], b)));
	}
}

void t_same(const struct call_record *a, const struct call_record *b)
{
	same_rows(&record_row, a, b);
	for (unsigned i = 0; i < a->nleg; i++)
		same_rows(&record_leg_row, &a->leg[i], &b->leg[i]);
	for (unsigned i = 0; i < a->nnote; i++)
		same_rows(&record_note_row, &a->note[i], &b->note[i]);
}

void t_dir(char dir[256])
{
	const char *tmp = getenv("TMPDIR");

	snprintf(dir, 256, "%s/ut_store.XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(dir));
}

void t_dir_gone(const char *dir)
{
	char path[600];
	struct dirent *e;
	DIR *d = opendir(dir);

	while (d && (e = readdir(d))) {
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		if (e->d_name[0] != '.')
			unlink(path);
	}
	if (d)
		closedir(d);
	rmdir(dir);
}

int main(void)
{
	return (run_row() + run_ring() + run_db() + run_store() + run_text() + run_torn()) != 0;
}
