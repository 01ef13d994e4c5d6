#include "conf/option.h"

#include <stdio.h>
#include <string.h>

#include "base/shown.h"

/* --- findings ------------------------------------------------------------------- */

void finding_add(struct findings *fs, struct mark at, const char *f, ...)
{
	char text[sizeof ((struct finding *)0)->text];
	struct finding *x;
	struct buf b;
	va_list ap;

	if (fs->n == FINDINGS_MAX) {
		fs->more++;
		return;
	}
	x = &fs->f[fs->n++];
	x->line = at.line;
	x->col = at.col;
	(void)snprintf(x->file, sizeof x->file, "%s", at.file ? at.file : "");	/* cut when longer */
	va_start(ap, f);
	(void)vsnprintf(text, sizeof text, f, ap);	/* cut when longer */
	va_end(ap);
	buf_init(&b, x->text, sizeof x->text - 1);
	buf_shown(&b, str_of(text));	/* it quotes the file; it ends where it is full */
	x->text[b.n] = 0;
}

void findings_write(struct buf *b, const struct findings *fs)
{
	for (int i = 0; i < fs->n; i++) {
		const struct finding *f = &fs->f[i];

		if (f->file[0])
			buf_fmt(b, "%s:%u:%u: ", f->file, f->line, f->col);
		buf_fmt(b, "%s\n", f->text);
	}
	if (fs->more)
		buf_fmt(b, "... and %d more.\n", fs->more);
}

/* --- suggestions ------------------------------------------------------------------- */

static unsigned distance(struct str a, struct str b)
{
	unsigned row[65];

	if (a.n > 64 || b.n > 64)
		return 64;
	for (unsigned j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		unsigned diag = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b.n; j++) {
			unsigned up = row[j], d = diag + (a.p[i - 1] != b.p[j - 1]);

			d = d < row[j - 1] + 1 ? d : row[j - 1] + 1;
			d = d < up + 1 ? d : up + 1;
			diag = up;
			row[j] = d;
		}
	}
	return row[b.n];
}

struct str option_nearest(struct str word, const struct str *c, int n)
{
	unsigned best = (unsigned)word.n / 2 + 1;
	struct str out = STR_NONE;

	for (int i = 0; i < n; i++) {
		unsigned d = distance(word, c[i]);

		if (d < best) {
			best = d;
			out = c[i];
		}
	}
	return out;
}

/* --- values --------------------------------------------------------------------------- */

struct slot { const struct option_walk *w; const struct option *o; void *at, *base; struct mark mark; };

static void wrong(const struct slot *s, struct str v, const char *want)
{
	finding_add(s->w->fs, s->mark, "%s is \"%.*s\"; write %s.", s->o->name, STRF(v), want);
}

static bool number(const struct slot *s, struct str v, int64_t *out)
{
	bool neg = v.n && v.p[0] == '-';
	uint64_t u;

	if (str_u64(neg ? str_sub(v, 1, v.n) : v, INT64_MAX, &u) == OK) {
		*out = neg ? -(int64_t)u : (int64_t)u;
		if (*out >= s->o->min && *out <= s->o->max)
			return true;
	}
	finding_add(s->w->fs, s->mark, "%s is \"%.*s\"; write a number from %lld to %lld%s%s.",
		    s->o->name, STRF(v), (long long)s->o->min, (long long)s->o->max,
		    s->o->unit ? " " : "", s->o->unit ? s->o->unit : "");
	return false;
}

static void set_bool(const struct slot *s, struct str v)
{
	bool yes = str_iis(v, "true") || str_iis(v, "yes") || str_iis(v, "on");

	if (yes || str_iis(v, "false") || str_iis(v, "no") || str_iis(v, "off"))
		*(bool *)s->at = yes;
	else
		wrong(s, v, "yes or no");
}

static void set_enum(const struct slot *s, struct str v)
{
	struct str rest = str_of(s->o->choices), one;

	for (int i = 0; rest.p; i++) {
		(void)str_cut(rest, '|', &one, &rest);
		if (str_eq(one, v)) {
			*(int *)s->at = i;
			return;
		}
	}
	finding_add(s->w->fs, s->mark, "%s is \"%.*s\"; write one of: %s.", s->o->name, STRF(v),
		    s->o->choices);
}

static void set_ref(const struct slot *s, struct str v)
{
	struct str names[64], near;
	int i = s->w->find(s->w->ctx, s->o->choices, v), n = 0;

	if (i >= 0) {
		*(int *)s->at = i;
		return;
	}
	while (n < 64 && s->w->names(s->w->ctx, s->o->choices, n, &names[n]))
		n++;
	near = option_nearest(v, names, n);
	if (near.n)
		finding_add(s->w->fs, s->mark, "There is no %s \"%.*s\"; did you mean \"%.*s\"?",
			    s->o->choices, STRF(v), STRF(near));
	else
		finding_add(s->w->fs, s->mark, "There is no %s \"%.*s\"; define it, or correct the name.",
			    s->o->choices, STRF(v));
}

static void set_ports(const struct slot *s, struct str v)
{
	struct str lo, hi;
	uint32_t a, b;

	if (!str_cut(v, '-', &lo, &hi) || str_u32(str_trim(lo), 65535, &a) ||
	    str_u32(str_trim(hi), 65535, &b) || a < 1024 || b <= a || a % 2) {
		wrong(s, v, "a range of ports as 16384-32767, from an even port above 1023");
		return;
	}
	((uint16_t *)s->at)[0] = (uint16_t)a;
	((uint16_t *)s->at)[1] = (uint16_t)b;
}

static bool net_of(struct str v, struct config_net *out)
{
	struct str ip, bits;
	uint32_t n;

	(void)str_cut(v, '/', &ip, &bits);
	if (addr_parse_ip(ip, &out->net))
		return false;
	n = out->net.family == ADDR_V4 ? 32 : 128;
	if (bits.p && str_u32(bits, n, &n))
		return false;
	out->bits = n;
	return true;
}

static void set_scalar(const struct slot *s, struct str v)
{
	int64_t n;

	switch (s->o->type) {
	case OPT_STR:
		if ((int64_t)v.n > s->o->max && s->o->max)
			finding_add(s->w->fs, s->mark, "%s is %zu bytes long; write at most %lld.", s->o->name, v.n,
				    (long long)s->o->max);	/* not what it is: it may be a password */
		*(struct str *)s->at = str_dup(s->w->a, v);
		break;
	case OPT_U32:
		if (number(s, v, &n))
			*(uint32_t *)s->at = (uint32_t)n;
		break;
	case OPT_U16:
		if (number(s, v, &n))
			*(uint16_t *)s->at = (uint16_t)n;
		break;
	case OPT_I64:
		if (number(s, v, &n))
			*(int64_t *)s->at = n;
		break;
	case OPT_BOOL: set_bool(s, v); break;
	case OPT_ENUM: set_enum(s, v); break;
	case OPT_ADDR:
		if (addr_parse_ip(v, s->at))
			wrong(s, v, "an IP address");
		break;
	case OPT_ADDRPORT:
		if (addr_parse(v, 0, s->at) || !((struct addr *)s->at)->port)
			wrong(s, v, "an address with a port as 192.0.2.1:5060 or [2001:db8::1]:5060");
		break;
	case OPT_REF: set_ref(s, v); break;
	case OPT_PORTS: set_ports(s, v); break;
	case OPT_STRS: case OPT_NETS: case OPT_NTYPE: break;
	}
}

static void add_to_list(const struct slot *s, const struct yaml_node *x, int *n)
{
	struct slot at = *s;

	at.mark = x->at;
	if (x->kind != YAML_SCALAR) {
		finding_add(s->w->fs, x->at, "%s takes a list of plain values.", s->o->name);
		return;
	}
	if (*n == s->o->max) {
		finding_add(s->w->fs, x->at, "%s takes at most %lld values; remove some.", s->o->name,
			    (long long)s->o->max);
		return;
	}
	if (s->o->type == OPT_STRS)
		((struct str *)s->at)[(*n)++] = str_dup(s->w->a, x->text);
	else if (net_of(x->text, &((struct config_net *)s->at)[*n]))
		(*n)++;
	else
		wrong(&at, x->text, "a network as 192.0.2.0/24");
}

static void set_list(const struct slot *s, const struct yaml_node *v)
{
	int *n = (int *)(void *)((char *)s->base + s->o->count_at);

	*n = 0;
	if (v->kind == YAML_SCALAR)
		add_to_list(s, v, n);
	for (uint32_t i = 0; v->kind == YAML_LIST && i < v->n; i++)
		add_to_list(s, v->pair[i].value, n);
	if (v->kind == YAML_MAP)
		finding_add(s->w->fs, v->at, "%s takes a list, not a map.", s->o->name);
}

static void set(const struct option_walk *w, const struct option *o, const struct yaml_node *v,
		void *base)
{
	struct slot s = { w, o, (char *)base + o->at, base, v->at };

	if (o->set_at)
		*(bool *)(void *)((char *)base + o->set_at) = true;
	if (o->type == OPT_STRS || o->type == OPT_NETS)
		set_list(&s, v);
	else if (v->kind == YAML_SCALAR)
		set_scalar(&s, v->text);
	else
		finding_add(w->fs, v->at, "%s takes one value, not a list or map.", o->name);
}

static void set_default(const struct option_walk *w, const struct option *o, void *base)
{
	struct slot s = { w, o, (char *)base + o->at, base, { NULL, 0, 0 } };

	if (o->dflt && o->type != OPT_STRS && o->type != OPT_NETS)
		set_scalar(&s, str_of(o->dflt));
}

void option_fill(const struct option_walk *w, const struct yaml_node *map, const char *what,
		 const struct option *table, size_t n, void *base)
{
	for (size_t i = 0; i < n; i++) {
		const struct yaml_node *v = yaml_get(map, table[i].name);

		set_default(w, &table[i], base);
		if (v)
			set(w, &table[i], v, base);
		else if (table[i].required)
			finding_add(w->fs, map->at, "%s needs \"%s\": %s", what, table[i].name,
				    table[i].help);
	}
}

void option_unknown(const struct option_walk *w, const struct yaml_node *map, const char *what,
		    const struct option *table, size_t n, const char *const *sections)
{
	struct str names[96];
	int k = 0;

	for (size_t i = 0; i < n && k < 80; i++)
		names[k++] = str_of(table[i].name);
	for (; sections && *sections && k < 96; sections++)
		names[k++] = str_of(*sections);
	for (uint32_t i = 0; i < map->n; i++) {
		const struct yaml_node *key = map->pair[i].key;
		struct str near;
		int j = 0;

		while (j < k && !str_eq(names[j], key->text))
			j++;
		for (uint32_t m = 0; m < i; m++)
			if (str_eq(map->pair[m].key->text, key->text))
				finding_add(w->fs, key->at, "\"%.*s\" is written twice; keep one.",
					    STRF(key->text));
		if (j < k)
			continue;
		near = option_nearest(key->text, names, k);
		if (near.n)
			finding_add(w->fs, key->at, "%s has no setting \"%.*s\"; did you mean \"%.*s\"?",
				    what, STRF(key->text), STRF(near));
		else
			finding_add(w->fs, key->at, "%s has no setting \"%.*s\"; remove it.", what,
				    STRF(key->text));
	}
}

static void doc_choices(struct buf *b, const char *choices)
{
	buf_lit(b, ": ");
	for (const char *c = choices; *c; c++)
		if (*c == '|')
			buf_lit(b, ", ");
		else
			buf_ch(b, *c);
}

void option_doc(struct buf *b, const char *title, const struct option *table, size_t n)
{
	static const char *const type[OPT_NTYPE] = { "text", "number", "number", "number", "yes/no",
		"choice", "address", "address:port", "name", "list", "networks", "port range" };

	buf_fmt(b, "## %s\n\n| setting | type | default | meaning |\n|---|---|---|---|\n", title);
	for (size_t i = 0; i < n; i++) {
		const struct option *o = &table[i];

		buf_fmt(b, "| `%s` | %s", o->name, type[o->type]);
		if (o->type == OPT_ENUM)
			doc_choices(b, o->choices);
		if (o->type == OPT_U32 || o->type == OPT_U16 || o->type == OPT_I64)
			buf_fmt(b, " %lld..%lld%s%s", (long long)o->min, (long long)o->max,
				o->unit ? " " : "", o->unit ? o->unit : "");
		buf_fmt(b, " | %s | %s |\n", o->required ? "(needed)" : o->dflt ? o->dflt : "-",
			o->help);
	}
	buf_ch(b, '\n');
}
