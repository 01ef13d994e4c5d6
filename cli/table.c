#include "cli/table.h"

#include <string.h>

#include "base/mem.h"

enum { CELL_MAX = 1200 };

/* C1 controls are 0xc2 0x80..0x9f in UTF-8. */
static bool is_c1(const unsigned char *p)
{
	return p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0;
}

void table_safe(struct buf *b, const char *z)
{
	for (const unsigned char *p = (const unsigned char *)z; *p; p++) {
		if (*p < 0x20 || *p == 0x7f)
			buf_fmt(b, "\\x%02x", *p);
		else if (is_c1(p))
			buf_fmt(b, "\\x%02x", *++p);
		else
			buf_ch(b, (char)*p);
	}
}

static size_t width(const char *z)
{
	size_t n = 0;

	for (; *z; z++)
		n += ((unsigned char)*z & 0xc0) != 0x80;
	return n;
}

static char *harmless(const char *z)
{
	char mem[CELL_MAX];
	struct buf b;
	const char *text;

	buf_init(&b, mem, sizeof mem);
	table_safe(&b, z ? z : "");
	text = buf_z(&b);
	return mem_dup(buf_ok(&b) ? text : "(too long)", buf_ok(&b) ? strlen(text) : 10);
}

void table_init(struct table *t, const char *const *title)
{
	*t = (struct table){ 0 };
	while (title[t->ncol] && t->ncol < TABLE_COLUMNS)
		t->ncol++;
	table_row(t, title);
}

void table_row(struct table *t, const char *const *cell)
{
	if (t->nrow == t->caprow) {
		t->caprow = t->caprow ? 2 * t->caprow : 16;
		t->cell = mem_grow(t->cell, (size_t)t->caprow * (size_t)t->ncol, sizeof *t->cell);
	}
	for (int i = 0; i < t->ncol; i++)
		t->cell[t->nrow * t->ncol + i] = harmless(cell[i]);
	t->nrow++;
}

void table_free(struct table *t)
{
	for (int i = 0; i < t->nrow * t->ncol; i++)
		mem_free(t->cell[i]);
	mem_free(t->cell);
	*t = (struct table){ 0 };
}

void table_print(const struct table *t, FILE *to)
{
	size_t w[TABLE_COLUMNS] = { 0 };

	for (int i = 0; i < t->nrow * t->ncol; i++) {
		size_t n = width(t->cell[i]);

		if (n > w[i % t->ncol])
			w[i % t->ncol] = n;
	}
	for (int r = 0; r < t->nrow; r++) {
		char *const *cell = t->cell + (size_t)r * (size_t)t->ncol;
		int last = t->ncol - 1;

		while (last > 0 && !cell[last][0])
			last--;
		for (int i = 0; i <= last; i++)
			fprintf(to, "%s%*s", cell[i],
				i < last ? (int)(w[i] - width(cell[i]) + 2) : 0, "");
		fputc('\n', to);
	}
}
