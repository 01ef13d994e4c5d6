#include "sip/multipart.h"

#include <string.h>

#include "sip/chars.h"
#include "sip/msg_int.h"

enum { BOUNDARY_MAX = 70 };	/* RFC 2046 5.1.1 */

bool sip_is_multipart(const struct sip_body *b)
{
	return b->type.p && b->type.n > 10 && str_iis(str_sub(b->type, 0, 10), "multipart/");
}

static struct str parameter(struct str type, const char *name)
{
	struct str head, params;

	(void)str_cut(type, ';', &head, &params);	/* none: absent */
	return sip_param(params, name);
}

/* Is there the end of a line at i: CRLF, or the end of the body? *n: its bytes. */
static bool line_end(struct str s, size_t i, size_t *n)
{
	while (i + *n < s.n && ch_blank(s.p[i + *n]))
		++*n;
	if (i + *n == s.n)
		return true;
	if (s.n - i - *n < 2 || s.p[i + *n] != '\r' || s.p[i + *n + 1] != '\n')
		return false;
	*n += 2;
	return true;
}

struct delimiter {
	size_t at, next;	/* its CRLF; what follows its line */
	bool last;		/* "--boundary--" */
};

/* The next line "--boundary" from i on. */
static bool find(struct str s, struct str boundary, size_t i, struct delimiter *d)
{
	while (i < s.n) {
		const char *q = memmem(s.p + i, s.n - i, "--", 2);
		size_t at, n = 0;

		if (!q)
			return false;
		at = (size_t)(q - s.p);
		i = at + 1;
		if (at && (at < 2 || q[-2] != '\r' || q[-1] != '\n'))
			continue;
		if (!str_starts(str_sub(s, at + 2, s.n), boundary))
			continue;
		d->next = at + 2 + boundary.n;
		d->last = str_starts(str_sub(s, d->next, 2), STR("--"));
		if (d->last)
			d->next += 2;
		if (!line_end(s, d->next, &n))
			continue;		/* a longer boundary */
		d->next += n;
		d->at = at ? at - 2 : 0;
		return true;
	}
	return false;
}

/* One header line of a part; folds are not used there by anyone and refused. */
static enum err part_header(struct str line, struct sip_part *p)
{
	size_t i = 0, k;
	struct str value;

	while (i < line.n && ch_is(line.p[i], CH_TOKEN))
		i++;
	for (k = i; k < line.n && ch_blank(line.p[k]); k++)
		;
	if (i == 0 || k == line.n || line.p[k] != ':')
		return ERR_PARSE;
	value = str_trim(str_sub(line, k + 1, line.n));
	line = str_sub(line, 0, i);
	if (str_iis(line, "Content-Type"))
		p->type = value;
	else if (str_iis(line, "Content-Disposition"))
		p->disposition = value;
	else if (str_iis(line, "Content-ID"))
		p->id = value;
	else if (str_iis(line, "Content-Transfer-Encoding") || str_iis(line, "Content-Encoding"))
		p->encoding = value;
	return OK;
}

/* Without an empty line it is all header: the CRLF before the delimiter is the delimiter's. */
static enum err one_part(struct str s, struct sip_part *out)
{
	struct sip_part p = { 0 };

	while (s.n) {
		size_t nl = str_find(s, '\n');
		struct str line = str_sub(s, 0, nl);

		if (nl < s.n) {
			if (nl == 0 || s.p[nl - 1] != '\r')
				return ERR_PARSE;
			line.n--;
			nl++;
		}
		s = str_sub(s, nl, s.n);
		if (line.n == 0)
			break;
		if (part_header(line, &p) != OK)
			return ERR_PARSE;
	}
	p.bytes = s;
	*out = p;
	return OK;
}

enum err sip_parts(const struct sip_body *b, struct sip_part part[SIP_PART_MAX], unsigned *n)
{
	struct str boundary = parameter(b->type, "boundary"), s = b->bytes;
	struct delimiter d, next;
	unsigned count = 0;

	if (!sip_is_multipart(b) || boundary.n == 0 || boundary.n > BOUNDARY_MAX)
		return ERR_PARSE;
	if (!find(s, boundary, 0, &d))
		return ERR_PARSE;
	while (!d.last) {
		/* The CRLF in front of the next delimiter may be the one of this line. */
		size_t from = d.next;
		enum err e;

		if (!find(s, boundary, from >= 2 ? from - 2 : 0, &next))
			return ERR_PARSE;
		if (next.at < from)
			return ERR_PARSE;
		if (count == SIP_PART_MAX)
			return ERR_LIMIT;
		e = one_part(str_sub(s, from, next.at - from), &part[count]);
		if (e)
			return e;
		count++;
		d = next;
	}
	*n = count;
	return OK;
}

static bool readable(const struct sip_part *p)
{
	return !p->encoding.p || str_iis(p->encoding, "binary") || str_iis(p->encoding, "8bit") ||
	       str_iis(p->encoding, "7bit") || str_iis(p->encoding, "identity");
}

enum err sip_body_find(const struct sip_body *b, const char *type, struct sip_body *out)
{
	struct sip_part part[SIP_PART_MAX];
	struct sip_body hit = { 0 };
	unsigned n;
	bool last;
	enum err e;

	if (b->bytes.n == 0)
		return ERR_GONE;
	if (!sip_is_multipart(b)) {
		if (!sip_body_is(b, type))
			return ERR_GONE;
		*out = *b;
		return OK;
	}
	e = sip_parts(b, part, &n);
	if (e)
		return e;
	last = sip_body_is(b, "multipart/alternative");
	for (unsigned i = 0; i < n; i++) {
		struct sip_body one = { part[i].type, part[i].bytes };

		if (sip_body_is(&one, type) && readable(&part[i]) && (last || !hit.type.p))
			hit = one;
	}
	if (!hit.type.p)
		return ERR_GONE;
	*out = hit;
	return OK;
}
