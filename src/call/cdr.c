#include "call/cdr.h"

#include <string.h>

_Static_assert(RECORD_PACK_MAX <= UINT16_MAX, "cdr.packed_n");

static void set(char *dst, size_t cap, struct str s)
{
	struct buf b;

	if (!s.n || !memchr(s.p, 0, s.n)) {
		(void)str_copy(dst, cap, str_sub(s, 0, cap - 1));	/* cut, never refused */
		return;
	}
	/* Text here ends with NUL: "4711%00" must not be kept as if it were 4711. */
	buf_init(&b, dst, cap - 1);
	for (size_t i = 0; i < s.n && buf_ok(&b); i++) {
		if (s.p[i])
			buf_ch(&b, s.p[i]);
		else
			buf_lit(&b, "\\x00");
	}
	dst[b.n] = 0;
}

#define SET(field, s) set((field), sizeof(field), (s))

/* Session-ID: <uuid>;remote=<uuid> (RFC 7989 5). */
static void session_id(struct call_record *r, const struct sip_msg *m)
{
	struct str id, params, v = sip_hdr(m, SIP_H_SESSION_ID);

	(void)str_cut(v, ';', &id, &params);
	SET(r->session_local, str_trim(id));
	SET(r->session_remote, sip_param(params, "remote"));
}

struct call_record *cdr_open(struct cdr *d)
{
	struct call_record *r = d->open;

	if (!r) {
		r = mem_new(sizeof *r);
		cdr_copy(d, r);
		mem_free(d->packed);
		d->packed = NULL;
		d->open = r;
	}
	return r;
}

void cdr_copy(const struct cdr *d, struct call_record *out)
{
	if (d->open) {
		*out = *d->open;
		return;
	}
	/* What we packed ourselves comes back; a record that did not would still have its id. */
	if (record_unpack((struct str){ d->packed, d->packed_n }, out))
		record_init(out, d->id);
	out->slot = d->slot;
}

void cdr_close(struct cdr *d)
{
	char mem[RECORD_PACK_MAX];
	struct buf b;

	if (!d->open)
		return;
	buf_init(&b, mem, sizeof mem);
	record_pack(&b, d->open, RECORD_ALL);
	d->packed = mem_dup(mem, b.n);
	d->packed_n = (uint16_t)b.n;
	d->slot = d->open->slot;
	mem_free(d->open);
	d->open = NULL;
}

void cdr_forget(struct cdr *d)
{
	mem_free(d->open);
	mem_free(d->packed);
	*d = (struct cdr){ 0 };
}

void cdr_begin(struct cdr *d, struct map *m, const struct loop *l,
	       const struct route_caller *who, const struct sip_event *ev)
{
	struct call_record *r = mem_new(sizeof *r);
	char text[ADDR_TEXT];

	record_init(r, map_id(m, l->wall));
	*d = (struct cdr){ .id = r->id, .open = r };
	r->boot = map_boot(m);
	SET(r->calling, who->number);
	SET(r->calling_name, who->display);
	SET(r->caller_user, who->user);
	SET(r->caller, who->name);
	SET(r->caller_host, str_of(addr_text(&ev->peer, text)));
	SET(r->caller_call_id, ev->msg->call_id);
	r->caller_phone = who->phone;
	r->start_wall = l->wall;
	r->start_mono = l->now;
	r->calling_hidden = who->id.hidden;
	if (who->id.ndivert)
		SET(r->redirected_by, who->id.divert[0].number);
	SET(r->cisco_guid, who->id.guid);
	session_id(r, ev->msg);
	if (!r->session_local[0])	/* the caller has none: ours goes on every leg */
		SET(r->session_local, who->session_id);
}

void cdr_called(struct call_record *r, struct str number)
{
	SET(r->called, number);
	SET(r->original_called, number);
	SET(r->final_called, number);
}

void cdr_note(struct call_record *r, const struct loop *l, const struct reason *why)
{
	record_add_note(r, (uint32_t)(l->now - r->start_mono), why);
}

void cdr_plan(struct call_record *r, const struct loop *l, const struct route_plan *p)
{
	if (p->line.n && !r->line[0]) {
		SET(r->line, p->line);
		SET(r->line_user, p->line_user);
	}
	r->emergency |= p->emergency;
	for (int i = 0; i < p->nnote; i++)
		cdr_note(r, l, &p->note[i]);
}

void cdr_forward(struct call_record *r, struct str target)
{
	r->hops++;
	SET(r->forwarded_to, target);
	SET(r->final_called, target);
}

static struct record_leg *leg_at(struct call_record *r, int i)
{
	return i >= 0 && i < r->nleg ? &r->leg[i] : NULL;
}

int cdr_leg(struct call_record *r, const struct loop *l, const struct route_branch *b)
{
	static const enum record_kind kind[ROUTE_NKIND] = {
		[ROUTE_PHONE] = RECORD_PHONE, [ROUTE_ENDPOINT] = RECORD_ENDPOINT,
		[ROUTE_REMOTE] = RECORD_REMOTE, [ROUTE_TRUNK] = RECORD_TRUNK,
	};
	struct record_leg *k = record_add_leg(r);

	if (!k)
		return -1;
	k->kind = (uint8_t)kind[b->kind];
	SET(k->name, b->name);
	SET(k->number, b->number);
	SET(k->trunk, b->trunk_name);
	SET(k->host, str_of(b->dest.host));
	k->start_wall = l->wall;
	k->start_mono = l->now;
	k->attempts = 1;
	return (int)(k - r->leg);
}

void cdr_leg_call_id(struct call_record *r, int leg, struct str call_id)
{
	struct record_leg *k = leg_at(r, leg);

	if (k)
		SET(k->call_id, call_id);
}

static uint32_t since(const struct record_leg *k, const struct loop *l)
{
	ms_t d = l->now - k->start_mono;

	return d ? (uint32_t)d : 1;	/* 0 means never */
}

void cdr_leg_ring(struct call_record *r, int leg, const struct loop *l)
{
	struct record_leg *k = leg_at(r, leg);

	if (!k || k->ring_wall)
		return;
	k->ring_wall = l->wall;
	k->ring_after_ms = since(k, l);
}

void cdr_leg_retry(struct call_record *r, int leg, const struct loop *l, struct str host, const struct reason *why)
{
	struct record_leg *k = leg_at(r, leg);

	if (k) {
		k->attempts++;
		SET(k->host, host);
	}
	cdr_note(r, l, why);
}

void cdr_leg_end(struct call_record *r, int leg, const struct loop *l, unsigned status,
		 const struct reason *why)
{
	struct record_leg *k = leg_at(r, leg);

	if (!k || k->end_wall)
		return;
	k->end_wall = l->wall;
	k->end_after_ms = since(k, l);
	k->status = (uint16_t)status;
	k->cause = record_q850(status);
	record_set_reason(k->reason, k->text, why);
}

void cdr_leg_over(struct call_record *r, int leg, const struct loop *l, const struct reason *why)
{
	const struct record_leg *k = leg_at(r, leg);

	if (k)
		cdr_leg_end(r, leg, l, k->answer_wall ? 200 : 0, why);
}

static void media_of(struct record_media *m, const struct media_stats *s)
{
	char from[ADDR_TEXT];

	m->rx_packets = s->rx_packets;
	m->tx_packets = s->tx_packets;
	m->lost = s->lost;
	m->jitter_us = s->jitter_us;
	m->rtt_us = s->rtt_us;
	m->auth_failed = (uint32_t)s->auth_failed;
	m->refused = s->refused;
	m->replayed = s->replayed;
	if (s->stranger.family != ADDR_NONE)
		SET(m->stranger, str_of(addr_text(&s->stranger, from)));
	SET(m->codec, str_of(s->codec));
	SET(m->srtp, str_of(s->srtp));
}

void cdr_leg_gone(struct call_record *r, int leg, const struct loop *l, const struct reason *why,
		  const struct media_stats *stats)
{
	struct record_leg *k = leg_at(r, leg);

	if (!k)
		return;
	cdr_leg_over(r, leg, l, why);
	media_of(&k->media, stats);
}

void cdr_caller_gone(struct call_record *r, const struct media_stats *stats)
{
	media_of(&r->media, stats);
}

void cdr_answer(struct call_record *r, int leg, const struct loop *l)
{
	struct record_leg *k = leg_at(r, leg);

	r->answer_wall = l->wall;
	r->ring_ms = (uint32_t)(l->now - r->start_mono);
	if (!k)
		return;
	r->answered_by = (uint8_t)leg;
	k->answer_wall = l->wall;
	k->answer_after_ms = since(k, l);
	k->status = 200;
}

void cdr_session(struct call_record *r, struct str remote)
{
	if (remote.n)
		SET(r->session_remote, remote);
}

/* While somebody holds, the start is kept as its negative: a record that is found after a crash tells it. */
void cdr_hold(struct cdr *d, const struct loop *l, bool by_caller, bool holds)
{
	struct call_record *r = cdr_open(d);
	uint32_t now = (uint32_t)(l->now - r->start_mono);
	bool was = d->caller_holds || d->called_holds;

	if (!r->answer_wall || r->end_wall)
		return;
	if (by_caller)
		d->caller_holds = holds;
	else
		d->called_holds = holds;
	holds = d->caller_holds || d->called_holds;
	if (holds != was)
		r->held_ms = holds ? r->held_ms - now : r->held_ms + now;
}

void cdr_ended_by(struct call_record *r, enum record_side side)
{
	if (r->ended_by == RECORD_SIDE_NONE)
		r->ended_by = (uint8_t)side;
}

void cdr_over(struct cdr *d, const struct loop *l)
{
	struct call_record *r = cdr_open(d);
	uint32_t total = (uint32_t)(l->now - r->start_mono);

	if (r->end_wall)
		return;
	cdr_hold(d, l, true, false);
	cdr_hold(d, l, false, false);
	r->end_wall = l->wall;
	if (!r->answer_wall)
		r->ring_ms = total;
	else
		r->talk_ms = total - r->ring_ms;
}

void cdr_end(struct cdr *d, const struct loop *l, unsigned status, const struct reason *why)
{
	struct call_record *r = cdr_open(d);

	cdr_over(d, l);
	r->status = (uint16_t)status;
	r->cause = r->answer_wall ? 16 : record_q850(status);
	record_set_reason(r->reason, r->text, why);
}

void cdr_live(struct map *m, struct sip *s, struct legs *ls, struct call_record *r,
	      uint64_t caller, uint64_t winner)
{
	uint8_t saved[MAP_SAVED_MAX];
	const uint64_t leg[2] = { caller, winner };
	struct leg_view v;
	size_t n = 0;

	/* Each dialog behind its length, two bytes. */
	for (int i = 0; i < 2; i++) {
		size_t k = 0;

		if (leg_look(ls, leg[i], &v) == OK)
			k = sip_dialog_save(s, v.session, saved + n + 2, sizeof saved / 2 - 2);
		saved[n] = (uint8_t)(k >> 8);
		saved[n + 1] = (uint8_t)k;
		n += k + 2;
	}
	/* A full map costs only the crash safety of this one call; the operator sees it. */
	(void)map_live_put(m, r, (struct str){ (char *)saved, n });
}

void cdr_store(struct map *m, struct cdr *d)
{
	map_finish(m, cdr_open(d));
	cdr_forget(d);
}
