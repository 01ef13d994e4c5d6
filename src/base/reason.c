#include "base/reason.h"

#include "base/shown.h"

static const char *const words[REASON_N] = {
#define X(name, word, text) [REASON_##name] = word,
	REASONS(X)
#undef X
};

static const char *const sentences[REASON_N] = {
#define X(name, word, text) [REASON_##name] = text,
	REASONS(X)
#undef X
};

const char *reason_word(enum reason_code c)
{
	return (unsigned)c < REASON_N ? words[c] : "unknown";
}

void reason_write(struct buf *b, const struct reason *r)
{
	const char *s = (unsigned)r->code < REASON_N ? sentences[r->code] : "Unknown reason.";

	for (; *s; s++) {
		if (s[0] == '%' && s[1] >= '1' && s[1] <= '4')
			buf_shown(b, r->arg[*++s - '1']);	/* some were made safe when read */
		else
			buf_ch(b, *s);
	}
}

void reasons_doc(struct buf *b)
{
	buf_lit(b, "# Reasons\n\nMade from the table of reasons; do not edit. The word stands in JSON, in the\n"
		"record and in searches (`tandem cdr --reason no-answer`); people get the sentence, with\n"
		"names and figures in place of %1 to %4.\n\n| word | sentence |\n|---|---|\n");
	for (int c = REASON_NONE + 1; c < REASON_N; c++)
		buf_fmt(b, "| `%s` | %s |\n", words[c], sentences[c]);
}

struct reason reason_keep(struct arena *a, const struct reason *r)
{
	struct reason k = { .code = r->code };

	for (int i = 0; i < 4; i++)
		k.arg[i] = str_dup(a, r->arg[i]);
	return k;
}
