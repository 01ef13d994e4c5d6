#include "cli/table.h"

#include <string.h>

#include "base/mem.h"
#include "base/shown.h"

enum { CELL_MAX = 1200 };

void table_safe(struct buf *b, const char *z)
{
	buf_shown(b, str_of(z));
}

void table_say(FILE *to, const char *z)
{
	size_t cap = 4 * strlen(z) + 1;
	char *mem = mem_new(cap);
	struct buf b;

	buf_init(&b, mem, cap);
	table_safe(&b, z);
	fputs(buf_z(&b), to);
	mem_free(mem);
}

/* Beyond ASCII such characters stand in JSON's strings only, where \uNNNN is the same. */
void table_json(FILE *to, struct str s)
{
	size_t len;

	for (size_t i = 0; i < s.n; i += len) {
		uint32_t c = 0;

		len = shown_utf8(str_sub(s, i, s.n - i), &c);
		if (!len || shown_as_is(c) || c == '\n') {
			len = len ? len : 1;
			(void)fwrite(s.p + i, 1, len, to);	/* a closed pipe is told when it ends */
		} else if (c < 0x10000) {
			fprintf(to, "\\u%04x", c);
		} else {
			fprintf(to, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + (c & 0x3ff));
		}
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
