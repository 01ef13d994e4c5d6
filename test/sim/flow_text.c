#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "sim/flow.h"

/* Words of a line; quotes keep blanks together, \\" is a quote, # begins a remark. */
void flow_split(const char *line, struct flow_args *a)
{
	bool quoted = false, inside = false;
	size_t o = 0;

	a->n = 0;
	for (const char *p = line; *p && *p != '\n' && o + 2 < sizeof a->mem; p++) {
		bool blank = !quoted && (*p == ' ' || *p == '\t'), plain = *p == '\\' && p[1] == '"';

		if (!quoted && *p == '#')
			break;
		p += plain;
		if (*p == '"' && !plain) {
			quoted = !quoted;
			continue;
		}
		if (blank && inside)
			a->mem[o++] = '\0';
		if (!blank && !inside && a->n < FLOW_ARGS)
			a->v[a->n++] = &a->mem[o];
		inside = !blank;
		if (!blank)
			a->mem[o++] = *p;
	}
	a->mem[o] = '\0';
}

void flow_tail(const struct flow_args *a, const char *after, struct flow_args *out)
{
	int from = 0;

	while (from < a->n && strcmp(a->v[from], after) != 0)
		from++;
	out->n = 0;
	for (int i = from + 1; i < a->n; i++)
		out->v[out->n++] = a->v[i];
}

const char *flow_arg(const struct flow_args *a, const char *key)
{
	size_t n = strlen(key);

	for (int i = 0; i < a->n; i++)
		if (!strncmp(a->v[i], key, n) && a->v[i][n] == '=')
			return a->v[i] + n + 1;
	return NULL;
}

bool flow_word(const struct flow_args *a, const char *word)
{
	for (int i = 0; i < a->n; i++)
		if (!strcmp(a->v[i], word))
			return true;
	return false;
}

void flow_put(char *dst, size_t cap, const char *fmt, ...)
{
	struct buf b;
	va_list ap;

	buf_init(&b, dst, cap);
	va_start(ap, fmt);
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	(void)buf_z(&b);
	if (!buf_ok(&b))
		dst[0] = '\0';
}

static const char *short_form(const char *name)
{
	static const char *const pair[][2] = { { "Via", "v" }, { "From", "f" }, { "To", "t" },
		{ "Call-ID", "i" }, { "Contact", "m" }, { "Content-Type", "c" },
		{ "Content-Length", "l" } };

	for (size_t i = 0; i < sizeof pair / sizeof *pair; i++)
		if (!strcasecmp(name, pair[i][0]))
			return pair[i][1];
	return name;
}

/* Is this line the header `name`? Its value then. */
static const char *value_of(const char *line, const char *name)
{
	size_t n = strlen(name);

	if (strncasecmp(line, name, n) != 0)
		return NULL;
	line += n;
	while (*line == ' ')
		line++;
	if (*line != ':')
		return NULL;
	do
		line++;
	while (*line == ' ');
	return line;
}

bool flow_header(const char *msg, const char *name, int i, char *dst, size_t cap)
{
	const char *line = strstr(msg, "\r\n"), *v, *end;

	for (; line && strncmp(line, "\r\n\r\n", 4) != 0; line = strstr(line, "\r\n")) {
		line += 2;
		v = value_of(line, name);
		if (!v)
			v = value_of(line, short_form(name));
		if (!v || i-- > 0)
			continue;
		end = strstr(v, "\r\n");
		flow_put(dst, cap, "%.*s", (int)(end ? (size_t)(end - v) : strlen(v)), v);
		return true;
	}
	dst[0] = '\0';
	return false;
}

const char *flow_body(const char *msg)
{
	const char *p = strstr(msg, "\r\n\r\n");

	return p ? p + 4 : "";
}

bool flow_param(const char *value, const char *name, char *dst, size_t cap)
{
	char key[80];
	const char *p;
	size_t n;

	flow_put(key, sizeof key, ";%s=", name);
	p = strstr(value, key);
	dst[0] = '\0';
	if (!p)
		return false;
	p += strlen(key);
	n = strcspn(p, ";> ,\r\n");
	flow_put(dst, cap, "%.*s", (int)n, p);
	return true;
}

void flow_uri(const char *value, char *dst, size_t cap)
{
	const char *p = strchr(value, '<');
	size_t n = p ? strcspn(p + 1, ">") : strcspn(value, ";");

	flow_put(dst, cap, "%.*s", (int)n, p ? p + 1 : value);
}

bool flow_contains(const char *hay, const char *needle)
{
	size_t n = strlen(needle);

	for (; *hay; hay++)
		if (!strncasecmp(hay, needle, n))
			return true;
	return n == 0;
}

unsigned flow_number(const char *s, unsigned other)
{
	uint32_t v;

	return s && str_u32(str_of(s), UINT32_MAX, &v) == OK ? v : other;
}

bool flow_in_range(const char *want, uint64_t v)
{
	const char *dots = strstr(want, "..");
	char low[24];

	if (!dots)
		return v == flow_number(want, UINT32_MAX);
	flow_put(low, sizeof low, "%.*s", (int)(dots - want), want);
	return v >= flow_number(low, 0) && v <= flow_number(dots + 2, UINT32_MAX);
}
