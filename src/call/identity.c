#include "call/identity.h"

#include <string.h>

enum { VALUE_MAX = 512, USER_MAX = 128, GUID_MAX = 63 };

/* --- reading --- */

static struct str user_of(const struct sip_nameaddr *na, struct arena *a)
{
	char text[USER_MAX];
	struct str user, rest;
	struct buf b;

	(void)str_cut(na->uri.user, ';', &user, &rest);
	buf_init(&b, text, sizeof text);
	sip_user_plain(&b, user);
	return str_dup(a, buf_str(&b));
}

/* The first value that is an address with a user; tel: has its number there. */
static bool first_party(const struct sip_msg *m, enum sip_hdr_id id, const char *party,
			struct sip_nameaddr *out)
{
	const struct sip_hdr *h = NULL;
	struct sip_nameaddr na;

	while ((h = sip_hdr_each(m, id, h)) != NULL)
		for (struct str rest = h->value; rest.p;) {
			struct str p;

			if (sip_nameaddr_parse(rest, &na, &rest) != OK)
				break;
			p = sip_param(na.params, "party");
			if (!na.uri.user.n || (party && p.n && !str_iis(p, party)))
				continue;
			*out = na;
			return true;
		}
	return false;
}

/* RFC 3323 4.2 and 3325 9.3: what asks for the number not to be shown. */
static bool privacy_asked(const struct sip_msg *m)
{
	static const char *const hide[] = { "id", "user", "header", "full" };
	const struct sip_hdr *h = NULL;
	struct str one, rest;

	while ((h = sip_hdr_each(m, SIP_H_PRIVACY, h)) != NULL)
		for (rest = h->value; rest.p;) {
			(void)str_cut(rest, ';', &one, &rest);	/* the last has none */
			for (size_t i = 0; i < sizeof hide / sizeof *hide; i++)
				if (str_iis(str_trim(one), hide[i]))
					return true;
		}
	return false;
}

/* However it is escaped, and whatever parameters the user part has. */
static bool is_anonymous(const struct sip_nameaddr *na, struct arena *a)
{
	return str_iis(user_of(na, a), "anonymous") || str_iis(na->uri.host, "anonymous.invalid");
}

static void read_caller(const struct sip_msg *m, const struct identity_opts *o, struct arena *a,
			struct identity *id)
{
	struct sip_nameaddr na = m->from, rpid;
	bool has_rpid = o->trust && first_party(m, SIP_H_REMOTE_PARTY_ID, "calling", &rpid);
	struct str p = has_rpid ? sip_param(rpid.params, "privacy") : STR_NONE;

	id->hidden = privacy_asked(m) || is_anonymous(&m->from, a) || (p.n && !str_iis(p, "off"));
	if (o->trust && !first_party(m, SIP_H_P_ASSERTED_IDENTITY, NULL, &na) && has_rpid)
		na = rpid;
	if (!is_anonymous(&na, a))
		id->number = user_of(&na, a);
	id->display = str_dup(a, na.display);
}

static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] == '-' || (s.p[i] >= 'a' && s.p[i] <= 'z') ||
		      (s.p[i] >= 'A' && s.p[i] <= 'Z')))
			return false;
	return s.n > 0 && s.n < 32;
}

/* The last one first (RFC 5806 4); of more than two the first and the last are kept. */
static void read_diverts(const struct sip_msg *m, struct arena *a, struct identity *id)
{
	const struct sip_hdr *h = NULL;
	struct sip_nameaddr na;

	while ((h = sip_hdr_each(m, SIP_H_DIVERSION, h)) != NULL)
		for (struct str rest = h->value; rest.p;) {
			struct identity_divert *d;
			struct str why;

			if (sip_nameaddr_parse(rest, &na, &rest) != OK)
				break;
			if (!na.uri.user.n)
				continue;
			why = sip_param(na.params, "reason");
			d = &id->divert[id->ndivert < IDENTITY_DIVERTS ? id->ndivert++
								       : IDENTITY_DIVERTS - 1];
			d->number = user_of(&na, a);
			d->reason = is_token(why) ? str_dup(a, why) : STR("unknown");
		}
}

/* Four decimal numbers with '-' between. */
static bool is_guid(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '-' && (s.p[i] < '0' || s.p[i] > '9'))
			return false;
	return s.n > 0 && s.n <= GUID_MAX;
}

void identity_read(const struct sip_msg *m, const struct identity_opts *o, struct arena *a,
		   struct identity *id)
{
	struct str guid = str_trim(sip_hdr(m, SIP_H_CISCO_GUID));

	*id = (struct identity){ 0 };
	read_caller(m, o, a, id);
	if (o->divert_in)
		read_diverts(m, a, id);
	if (is_guid(guid))
		id->guid = str_dup(a, guid);
}

void identity_divert(struct identity *id, struct str number, struct str reason)
{
	if (id->ndivert < IDENTITY_DIVERTS)
		id->ndivert++;
	if (id->ndivert == IDENTITY_DIVERTS && id->divert[1].number.n == 0)
		id->divert[1] = id->divert[0];
	id->divert[0] = (struct identity_divert){ number, reason };
}

/* --- writing --- */

static struct str number_of(const struct identity_peer *p, struct str number, struct arena *a)
{
	return p->number ? p->number(p->ctx, number, a) : number;
}

/* `"Name" <sip:user@host;user=phone>tail`; absent when it does not fit. */
static struct str address(const struct identity_peer *p, struct str number, struct str display,
			  const char *tail, struct arena *a)
{
	char text[VALUE_MAX];
	struct str user = number_of(p, number, a);
	bool digits = user.n && (user.p[0] == '+' || (user.p[0] >= '0' && user.p[0] <= '9'));
	struct buf b;

	buf_init(&b, text, sizeof text);
	if (display.n) {
		buf_ch(&b, '"');
		for (size_t i = 0; i < display.n; i++) {
			char c = display.p[i];

			if (c == '\\' && i + 1 < display.n)
				buf_ch(&b, display.p[i++]);
			else if (c == '"' || c == '\\')
				buf_ch(&b, '\\');
			c = display.p[i];
			buf_ch(&b, (unsigned char)c < ' ' || c == 127 ? ' ' : c);
		}
		buf_lit(&b, "\" ");
	}
	buf_lit(&b, "<sip:");
	sip_number_escaped(&b, user);
	buf_ch(&b, '@');
	buf_put(&b, p->host);
	buf_lit(&b, p->user_phone && digits ? ";user=phone>" : ">");
	buf_lit(&b, tail);
	return buf_ok(&b) ? str_dup(a, buf_str(&b)) : STR_NONE;
}

static void add(struct sip_xhdr *x, int *n, struct str name, struct str value)
{
	if (value.p)
		x[(*n)++] = (struct sip_xhdr){ name, value };
}

struct party { struct str number, display; unsigned shown; const char *rpid; };

static int write_party(const struct party *w, const struct identity_peer *p, struct arena *a,
		       struct sip_xhdr *x)
{
	int n = 0;

	if (!w->number.n)
		return 0;
	if (w->shown & IDENTITY_PAI)
		add(x, &n, STR("P-Asserted-Identity"), address(p, w->number, w->display, "", a));
	if (w->shown & IDENTITY_RPID)
		add(x, &n, STR("Remote-Party-ID"), address(p, w->number, w->display, w->rpid, a));
	return n;
}

static struct str divert_value(const struct identity_divert *d, const struct identity_peer *p,
			       struct arena *a)
{
	char tail[64];
	struct buf b;

	buf_init(&b, tail, sizeof tail);
	buf_fmt(&b, ";privacy=off;reason=%.*s;screen=yes", STRF(d->reason));
	return address(p, d->number, STR_NONE, buf_z(&b), a);
}

int identity_write(const struct identity *id, const struct identity_opts *o,
		   const struct identity_peer *p, struct arena *a, struct sip_xhdr *x)
{
	const struct party w = { id->number, id->display, o->shown,
				 id->hidden ? ";party=calling;screen=yes;privacy=full"
					    : ";party=calling;screen=yes;privacy=off" };
	int n = write_party(&w, p, a, x);

	/* Only who is told the number is told not to show it. */
	if (n && id->hidden && o->shown & IDENTITY_PAI)
		add(x, &n, STR("Privacy"), STR("id"));
	for (int i = 0; i < id->ndivert && o->divert_out; i++)
		add(x, &n, STR("Diversion"), divert_value(&id->divert[i], p, a));
	if (o->guid)
		add(x, &n, STR("Cisco-Guid"), id->guid);
	return n;
}

int identity_write_called(struct str number, struct str display, const struct identity_opts *o,
			  const struct identity_peer *p, struct arena *a, struct sip_xhdr *x)
{
	const struct party w = { number, display, o->shown, ";party=called;screen=yes;privacy=off" };

	return write_party(&w, p, a, x);
}
