#include "leg/leg_int.h"

#include <string.h>

struct leg *leg_of(struct legs *ls, uint64_t id)
{
	return slot_get(&ls->tab, id);
}

/* --- the queue ---------------------------------------------------------------- */

void leg_push(struct leg *g, struct leg_event *ev)
{
	struct legs *ls = g->ls;

	if (ls->tail - ls->head == ls->cap) {
		struct leg_event *q = mem_array((size_t)ls->cap * 2, sizeof *q);

		for (uint32_t i = 0; i < ls->cap; i++)
			q[i] = ls->queue[(ls->head + i) & (ls->cap - 1)];
		mem_free(ls->queue);
		ls->queue = q;
		ls->head = 0;
		ls->tail = ls->cap;
		ls->cap *= 2;
	}
	ev->leg = g->id;
	ev->call = g->call;
	ev->reason = reason_keep(&ls->turn, &ev->reason);
	ls->queue[ls->tail++ & (ls->cap - 1)] = *ev;
}

bool leg_next(struct legs *ls, struct leg_event *ev)
{
	if (ls->head == ls->tail)
		return false;
	*ev = ls->queue[ls->head++ & (ls->cap - 1)];
	if (ev->kind == LEG_EV_GONE)
		slot_free(&ls->tab, ev->leg);
	return true;
}

void legs_turn_end(struct legs *ls)
{
	arena_reset(&ls->turn);
}

void legs_trim(struct legs *ls)
{
	slots_trim(&ls->tab);
}

/* --- life ------------------------------------------------------------------------ */

struct legs *legs_new(const struct legs_config *c)
{
	struct legs *ls = mem_new(sizeof *ls);

	ls->cfg = *c;
	slots_init(&ls->tab, sizeof(struct leg), c->max);
	ls->cap = LEG_QUEUE_MIN;
	ls->queue = mem_array(ls->cap, sizeof *ls->queue);
	arena_init(&ls->turn, 1 << 20);
	return ls;
}

void legs_free(struct legs *ls)
{
	uint32_t i = 0;
	uint64_t id;
	struct leg *g;

	if (!ls)
		return;
	while ((g = slot_next(&ls->tab, &i, &id))) {
		leg_forget_sdp(g);
		arena_close(&g->arena);
	}
	slots_close(&ls->tab);
	arena_close(&ls->turn);
	mem_free(ls->queue);
	mem_free(ls);
}

uint32_t legs_count(const struct legs *ls)
{
	return ls->tab.live;
}

static struct leg *leg_new(struct legs *ls, uint64_t call, const struct leg_peer *peer)
{
	uint64_t id;
	struct leg *g = slot_new(&ls->tab, &id);

	if (!g)
		return NULL;
	g->ls = ls;
	g->id = id;
	g->call = call;
	g->peer = peer;
	g->serve = -1;
	g->sdp_id = rng_u64(&ls->cfg.loop->rng) >> 2;
	arena_init_small(&g->arena, LEG_ARENA_MAX);
	return g;
}

static void forget(struct leg *g)
{
	leg_forget_sdp(g);
	arena_close(&g->arena);
	slot_free(&g->ls->tab, g->id);
}

static enum err open_media(struct leg *g, struct str side, struct reason *why)
{
	struct media_want w = { .pool = g->peer->media.pool, .owner = g->id,
				.no_media = g->peer->media.no_media, .fill = g->peer->media.fill };
	enum err e = media_open(g->ls->cfg.media, &w, &g->end, &g->local);

	if (e == ERR_AGAIN)
		*why = REASON(INTERNAL, STR("the media process is being started again"));
	else if (e)
		*why = REASON(LIMIT_PORTS, side);
	return e;
}

/* The session is over. The counters come from media, then the leg is gone. */
void leg_finish(struct leg *g)
{
	if (g->state == LEG_ENDING)
		return;
	g->state = LEG_ENDING;
	g->session = 0;
	media_close(g->ls->cfg.media, g->end);
	mem_wipe(&g->local, sizeof g->local);
}

static void gone(struct leg *g, const struct media_stats *s)
{
	struct leg_event ev = { .kind = LEG_EV_GONE, .stats = *s };
	const struct sdp_remote *r = g->remote[g->serve < 0 ? 0 : g->serve];
	enum sdp_suite suite = r ? r->crypto.suite : SDP_SUITE_NONE;

	if (g->gone_told)
		return;
	g->gone_told = true;
	(void)str_copy(ev.stats.codec, sizeof ev.stats.codec, str_of(g->codec.name));
	if (g->codec.name[0] && suite != SDP_SUITE_NONE)
		(void)str_copy(ev.stats.srtp, sizeof ev.stats.srtp, str_of(sdp_suite_str(suite)));
	leg_forget_sdp(g);
	arena_close(&g->arena);
	leg_push(g, &ev);
}

void leg_lost(struct leg *g, const struct reason *why)
{
	struct leg_event ev = { .kind = LEG_EV_LOST, .reason = *why };

	leg_push(g, &ev);
	leg_finish(g);
}

/* --- incoming ---------------------------------------------------------------------- */

static enum err take_offer(struct leg *g, const struct sip_event *ev, struct reason *why)
{
	struct reason r;
	enum err e;

	if (!ev->body.bytes.n) {
		g->delayed = true;
		return OK;
	}
	e = leg_read_offer(g, &ev->body, &r);
	if (e) {
		*why = reason_keep(&g->ls->turn, &r);
		return e;
	}
	g->have_offer = true;
	g->it_holds = hold_said(&g->offer->r);
	leg_set_remote(g, 0, &g->offer->r);
	return OK;
}

/* NOLINTNEXTLINE(readability-function-size): status and reason are two results */
enum err leg_take(struct legs *ls, uint64_t call, const struct sip_event *ev,
		  const struct leg_peer *peer, uint64_t *leg, unsigned *status, struct reason *why)
{
	struct leg *g = leg_new(ls, call, peer);
	struct reason unreachable;
	char text[ADDR_TEXT];
	enum err e;

	*status = 503;
	*why = REASON(LIMIT_TOTAL, STR("legs"));
	if (!g)
		return ERR_LIMIT;
	(void)str_copy(g->name, sizeof g->name, str_of(addr_text(&ev->peer, text)));
	g->role = LEG_PARTY;
	g->invited = ls->cfg.loop->now;
	*status = 481;
	*why = REASON(REPLACES_UNSUPPORTED, str_dup(&ls->turn, str_of(g->name)));
	e = sip_hdr(ev->msg, SIP_H_REPLACES).p ? ERR_DENIED : OK;
	if (!e && sip_hdr_has(ev->msg, SIP_H_REQUIRE, "100rel") && peer->sip.prack == SIP_PRACK_OFF) {
		*status = 420;
		*why = REASON(EXTENSION, str_dup(&ls->turn, str_of(g->name)), STR("100rel"));
		e = ERR_DENIED;
	}
	if (!e) {
		e = take_offer(g, ev, why);
		*status = e == ERR_RANGE ? 415 : 488;
	}
	if (!e) {
		*status = 503;
		e = open_media(g, STR("the caller's side"), why);
	}
	if (!e && g->have_offer && leg_reachable(g, &g->offer->r, &unreachable)) {
		*status = 488;
		*why = reason_keep(&ls->turn, &unreachable);
		media_close(ls->cfg.media, g->end);
		e = ERR_DENIED;
	}
	if (e) {
		forget(g);
		return e;
	}
	g->session = ev->session;
	(void)sip_own(ls->cfg.sip, ev->session, g->id, &peer->sip);
	*leg = g->id;
	return OK;
}

/* All that it may use: no answer tells yet what the winner will speak. */
static enum err ring_with_offer(struct leg *g, unsigned status, const struct sip_xhdr *x, int nx)
{
	struct sdp_codecs all;
	struct sip_body b;
	enum err e;

	sdp_codecs_allowed(&g->peer->sdp, &all);
	e = leg_write_offer(g, &all, hold_asked(g->we_hold, leg_style(g)));
	if (e)
		return e;
	b = leg_body(g);
	e = sip_ring(g->ls->cfg.sip, g->session, status, &b, x, nx);
	g->early_sent = g->early_reliable = g->offer_rung = e == OK;
	return e;
}

enum err leg_ring(struct legs *ls, uint64_t id, unsigned status, const struct sip_xhdr *x, int nx)
{
	struct leg *g = leg_of(ls, id);

	if (!g || g->state != LEG_IN)
		return ERR_STATE;
	if (g->delayed && !g->early_sent && sip_ring_owes_offer(ls->cfg.sip, g->session))
		return ring_with_offer(g, status, x, nx);
	return sip_ring(ls->cfg.sip, g->session, status, NULL, x, nx);
}

/* The answer for the caller: one codec, and what goes beside it. */
static enum err answer_with(struct leg *g, const struct sdp_codec *c, const struct leg *source)
{
	const struct sdp_remote *r = &g->offer->r;
	struct sdp_codecs one = leg_one_codec(g, c, &r->side, source);
	enum err e;

	if (sdp_codec_find(&r->side.codecs, c) < 0)
		return ERR_DENIED;
	e = leg_write_answer(g, &one, hold_answer(r, g->we_hold, leg_style(g)));
	if (e)
		return e;
	leg_tell_media(g, 0);
	leg_serve(g, 0, true);
	g->codec = *c;
	return OK;
}

/* One that we encode: of the caller's offer, or of what it may be offered. */
static bool tone_codec(const struct leg *g, struct sdp_codec *out)
{
	struct sdp_codecs list;

	if (g->offer)
		list = g->offer->r.side.codecs;
	else
		sdp_codecs_allowed(&g->peer->sdp, &list);
	for (int i = 0; i < list.n; i++)
		if (leg_codec_id(&list.c[i]) <= MEDIA_PCMA) {
			*out = list.c[i];
			return true;
		}
	return false;
}

/* The caller of a delayed offer gets ours, with one codec. */
static enum err offer_one(struct leg *g, const struct sdp_codec *c, const struct leg *source)
{
	struct sdp_codecs one = leg_one_codec(g, c, NULL, source);

	g->codec = *c;
	return leg_write_offer(g, &one, hold_asked(g->we_hold, leg_style(g)));
}

static void hear(struct leg *g, struct leg *source)
{
	media_connect(g->ls->cfg.media, g->end, source->end);
	media_direction(g->ls->cfg.media, source->end, true, false);
	media_direction(g->ls->cfg.media, g->end, true, false);
}

/* What the first 183 said holds until the answer: another destination is heard when its codec is that one. */
static enum err hear_next(struct leg *g, struct leg *source)
{
	if (!source || !str_ieq(str_of(g->codec.name), str_of(source->codec.name)))
		return ERR_DENIED;
	hear(g, source);
	return OK;
}

enum err leg_early(struct legs *ls, uint64_t id, uint64_t source, const struct sip_xhdr *x, int nx)
{
	struct leg *g = leg_of(ls, id), *s = leg_of(ls, source);
	struct sdp_codec c = { 0 };
	struct sip_body b;
	bool reliable;
	enum err e;

	if (!g || g->state != LEG_IN)
		return ERR_STATE;
	if (g->offer_rung && s) {
		g->offer_rung = false;
		hear(g, s);
		return OK;
	}
	if (g->early_sent)
		return hear_next(g, s);
	reliable = sip_may_ring_reliably(ls->cfg.sip, g->session);
	if (g->delayed && !reliable)
		return ERR_STATE;	/* an offer needs a reliable way, RFC 3262 5 */
	if (s)
		c = s->codec;
	if (s ? !c.name[0] : !tone_codec(g, &c))
		return ERR_DENIED;
	e = g->delayed ? offer_one(g, &c, s) : answer_with(g, &c, s);
	if (e)
		return e;
	g->early_sent = true;
	g->early_reliable = reliable;
	b = leg_body(g);
	e = sip_ring(ls->cfg.sip, g->session, 183, &b, x, nx);
	if (s) {
		hear(g, s);
	} else {
		media_play(ls->cfg.media, g->end, MEDIA_SOURCE_RINGBACK, leg_codec_id(&c));
		media_direction(ls->cfg.media, g->end, true, false);
	}
	return e;
}

static void recode(struct leg *g, const struct sdp_codec *c)
{
	if (!g->recodec)
		g->recodec = mem_new(sizeof *c);
	*g->recodec = *c;
}

static enum err caller_body(struct leg *g, const struct leg *w, struct reason *why)
{
	enum err e;

	if (g->delayed && !g->early_sent)
		return offer_one(g, &w->codec, w);
	if (g->early_sent) {	/* said once: repeated, and corrected after the ACK; delayed: its answer is due */
		if (g->delayed || !str_ieq(str_of(g->codec.name), str_of(w->codec.name)))
			recode(g, &w->codec);
		return OK;
	}
	e = answer_with(g, &w->codec, w);
	if (e)
		*why = REASON(NO_COMMON_CODEC, str_dup(&g->ls->turn, str_of(g->name)),
			      str_dup(&g->ls->turn, str_of(w->codec.name)));
	return e;
}

/* RFC 7989 7: the caller is told the winner's name of the session; one made here when that
 * gave none. */
static void tell_session_id(struct leg *g, const struct leg *w)
{
	struct sip *sip = g->ls->cfg.sip;
	struct sip_info info;
	char made[33];

	if (sip_session_info(sip, w->session, &info))
		return;
	if (!info.session_remote[0]) {
		rng_hex(&g->ls->cfg.loop->rng, made, 16);
		memcpy(info.session_remote, made, sizeof made);
	}
	sip_say_session_id(sip, g->session, str_of(info.session_remote));
}

enum err leg_join(struct legs *ls, uint64_t caller, uint64_t winner, const struct sip_xhdr *x,
		  int nx, struct reason *why)
{
	struct leg *g = leg_of(ls, caller), *w = leg_of(ls, winner);
	struct sip_body b;
	enum err e;

	*why = REASON(INTERNAL, STR("a leg was gone when it was to be joined"));
	if (!g || !w || g->state != LEG_IN || w->state != LEG_UP)
		return ERR_STATE;
	g->we_hold = w->it_holds;
	w->we_hold = g->it_holds;
	e = caller_body(g, w, why);
	if (e)
		return e;
	tell_session_id(g, w);
	media_play(ls->cfg.media, g->end, MEDIA_SOURCE_NONE, MEDIA_PCMU);
	media_connect(ls->cfg.media, g->end, w->end);
	leg_apply_direction(g);
	leg_apply_direction(w);
	b = g->early_reliable ? (struct sip_body){ STR_NONE, STR_NONE } : leg_body(g);
	g->state = LEG_IN_ANSWERED;
	g->have_offer = false;		/* the 200 answers it */
	leg_tidy(g);
	return sip_answer(ls->cfg.sip, g->session, &b, x, nx);
}

/* --- outgoing ------------------------------------------------------------------------- */

static void keep_invite(struct leg *g, const struct leg_dial *d)
{
	struct arena *a = &g->arena;
	struct leg_invite *o = g->out = arena_get(a, sizeof *o);

	o->inv = (struct sip_invite){
		.owner = g->id, .dest = d->dest, .opts = &g->peer->sip,
		.ruri = str_dup(a, d->ruri), .from_uri = str_dup(a, d->from_uri),
		.from_name = str_dup(a, d->from_name), .to_uri = str_dup(a, d->to_uri),
		.to_name = str_dup(a, d->to_name), .route = str_dup(a, d->route),
		.contact_user = str_dup(a, d->contact_user),
		.session_id = str_dup(a, d->session_id), .received = str_dup(a, d->received),
		.first_response = d->first_response, .max_forwards = d->max_forwards,
		.xhdr = o->xhdr,
	};
	for (int i = 0; i < d->nxhdr && i < LEG_XHDR_MAX; i++) {
		o->xhdr[i].name = str_dup(a, d->xhdr[i].name);
		o->xhdr[i].value = str_dup(a, d->xhdr[i].value);
		o->inv.nxhdr = i + 1;
	}
}

/* Only what the caller offered; all that it may use when it has not offered yet. */
static void codecs_for(struct leg *g, uint64_t caller, struct sdp_codecs *out)
{
	struct leg *c = leg_of(g->ls, caller);
	struct sdp_codecs can, theirs;

	sdp_codecs_allowed(&g->peer->sdp, &can);
	*out = can;
	if (!c)
		return;
	sdp_codecs_allowed(&c->peer->sdp, &theirs);
	sdp_common(c->remote[0] ? &c->remote[0]->side.codecs : &theirs, &can, out);
}

static enum err send_invite(struct leg *g)
{
	if (g->peer->delayed_offer)
		g->out->inv.body = (struct sip_body){ STR_NONE, STR_NONE };
	else
		g->out->inv.body = leg_body(g);
	g->invited = g->ls->cfg.loop->now;
	g->session = sip_invite(g->ls->cfg.sip, &g->out->inv);
	return g->session ? OK : ERR_LIMIT;
}

enum err leg_dial(struct legs *ls, const struct leg_dial *d, uint64_t *leg, struct reason *why)
{
	struct leg *g = leg_new(ls, d->call, d->peer);
	struct sdp_codecs codecs;
	enum err e = ERR_LIMIT;

	*why = REASON(LIMIT_TOTAL, STR("legs"));
	if (!g)
		return e;
	(void)str_copy(g->name, sizeof g->name, str_sub(str_of(d->dest.host), 0, sizeof g->name - 1));
	g->role = d->role;
	g->state = LEG_OUT;
	codecs_for(g, d->caller, &codecs);
	g->said.side.codecs = codecs;
	*why = REASON(NO_COMMON_CODEC, STR("The caller"), STR("nothing the destination may use"));
	if (!codecs.n)
		goto fail;
	if (open_media(g, STR("the destination's side"), why))
		goto fail;
	*why = REASON(LIMIT_TOTAL, STR("sessions"));
	keep_invite(g, d);
	if ((!g->peer->delayed_offer && leg_write_offer(g, &codecs, SDP_SENDRECV)) || send_invite(g)) {
		media_close(ls->cfg.media, g->end);
		goto fail;
	}
	*leg = g->id;
	return OK;
fail:
	forget(g);
	return e;
}

enum err leg_retry(struct legs *ls, uint64_t id, const struct sip_dest *dest, struct str ruri,
		   struct str to_uri)
{
	struct leg *g = leg_of(ls, id);

	if (!g || g->state != LEG_OUT)
		return ERR_STATE;
	if (g->session)
		sip_abandon(ls->cfg.sip, g->session);
	g->out->inv.dest = *dest;
	g->out->inv.ruri = str_dup(&g->arena, ruri);
	g->out->inv.to_uri = str_dup(&g->arena, to_uri);
	(void)str_copy(g->name, sizeof g->name, str_sub(str_of(dest->host), 0, sizeof g->name - 1));
	leg_forget_remotes(g, -1);
	g->settled = 0;
	g->serve = -1;
	g->codec = (struct sdp_codec){ 0 };
	return send_invite(g);
}

/* --- the end ----------------------------------------------------------------------------- */

/* In the way its state asks for, RFC 3261 9.1, 15: whoever waits for an answer, rings or talks is told. */
static void end_session(struct leg *g, unsigned status, const struct sip_xhdr *x, int nx)
{
	struct sip *sip = g->ls->cfg.sip;

	if (!g->session || g->state == LEG_ENDING)
		return;
	if (g->state == LEG_IN)
		(void)sip_reject(sip, g->session, status ? status : 480, NULL, x, nx);
	else if (g->state == LEG_OUT)
		(void)sip_cancel(sip, g->session, x, nx);
	else
		(void)sip_bye(sip, g->session, x, nx);
}

enum err leg_end(struct legs *ls, uint64_t id, unsigned status, const struct sip_xhdr *x, int nx)
{
	struct leg *g = leg_of(ls, id);

	if (!g || g->state == LEG_ENDING)
		return ERR_GONE;
	end_session(g, status, x, nx);
	leg_finish(g);
	return OK;
}

/* --- looking ------------------------------------------------------------------------------- */

enum err leg_look(struct legs *ls, uint64_t id, struct leg_view *v)
{
	struct leg *g = leg_of(ls, id);

	if (!g)
		return ERR_GONE;
	*v = (struct leg_view){ .role = g->role, .local_media = g->local.rtp, .codec = g->codec.name,
				.answered = g->state == LEG_UP || g->state == LEG_IN_ANSWERED,
				.it_holds = g->it_holds, .we_hold = g->we_hold, .offer_open = g->offer_open,
				.invited = g->invited, .session = g->session, .media_end = g->end };
	if (g->serve >= 0) {
		v->remote_media = g->remote[g->serve]->rtp;
		v->srtp = g->remote[g->serve]->crypto.suite != SDP_SUITE_NONE;
	}
	if (g->session)
		(void)sip_session_info(ls->cfg.sip, g->session, &v->sip);
	return OK;
}

/* --- media's news ----------------------------------------------------------------------------- */

void legs_on_media(struct legs *ls, const struct media_event *ev)
{
	struct leg *g = leg_of(ls, ev->owner);
	struct leg_event out = { .kind = LEG_EV_EARLY_MEDIA };
	char s[24];
	struct buf b;

	if (!g || g->end != ev->end)
		return;
	switch (ev->kind) {
	case MEDIA_EV_CLOSED:
		gone(g, &ev->stats);
		break;
	case MEDIA_EV_FIRST_PACKET:
		if (g->state != LEG_OUT || ev->early < 0 || ev->early >= MEDIA_EARLY_MAX ||
		    !g->remote[ev->early])
			break;
		if (ev->early != g->serve)	/* this early dialog is the one that speaks */
			leg_serve(g, ev->early, false);
		leg_push(g, &out);
		break;
	case MEDIA_EV_SILENT:
		buf_init(&b, s, sizeof s);
		buf_u64(&b, g->peer->media.no_media / 1000);
		end_session(g, 0, NULL, 0);
		leg_lost(g, &REASON(NO_MEDIA, str_of(g->name), buf_str(&b)));
		break;
	case MEDIA_EV_LOST:
		end_session(g, 503, NULL, 0);
		leg_lost(g, &REASON(INTERNAL, STR("the media process was lost")));
		gone(g, &ev->stats);
		break;
	case MEDIA_EV_READY: case MEDIA_EV_FAILED: case MEDIA_EV_LATCHED:
		break;
	}
}
