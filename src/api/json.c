#include "api/json.h"

#include "base/when.h"

enum { TEXT_MAX = 400 };

json_t *js_text(struct str s)
{
	char mem[4 * TEXT_MAX + 1];
	struct buf b;

	buf_init(&b, mem, sizeof mem);
	buf_safe(&b, str_sub(s, 0, TEXT_MAX));
	return json_stringn(b.p, b.n);
}

json_t *js_z(const char *z)
{
	return js_text(str_of(z));
}

json_t *js_name(struct str s)
{
	json_t *j = s.n ? json_stringn(s.p, s.n) : NULL;

	return j ? j : js_text(s);
}

json_t *js_sentence(const struct reason *r)
{
	char mem[1600];
	struct buf b;

	buf_init(&b, mem, sizeof mem);
	reason_write(&b, r);
	return json_stringn(b.p, b.n);
}

json_t *js_word(const struct reason *r)
{
	return json_string(reason_word(r->code));
}

json_t *js_when(int64_t wall)
{
	char mem[64];
	struct buf b;

	if (wall <= 0)
		return json_null();
	buf_init(&b, mem, sizeof mem);
	when_iso(&b, wall);
	return json_stringn(b.p, b.n);
}

json_t *js_id(uint64_t id)
{
	return json_sprintf("%llu", (unsigned long long)id);
}

json_t *js_addr(const struct addr *a)
{
	char text[ADDR_TEXT];

	return json_string(a->family == ADDR_NONE ? "" : addr_text(a, text));
}
