#include "service/mwi.h"

#include <string.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/slot.h"
#include "service/summary.h"

enum { KEY_MAX = 160, NAME_ROOM = 64, STATE_MAX = 400, BOXES = 200000, WATCHERS = 20000,
       AGAIN_MIN_MS = 2000, AGAIN_MS = 60000, AGAIN_REFUSED_MS = 3600000, PROBATION_S = 600 };

/* Owners of our subscriptions; far from those of the calls and of outreg. */
static const uint64_t WATCHER = 1ull << 61, BOX = 1ull << 60;

struct box {			/* of one line: made when somebody asks or tells */
	struct mwi *m;
	struct hash_node node;
	uint64_t id, remote;	/* remote: our subscription at the trunk; 0: none */
	struct list watchers;	/* oldest first */
	struct timer again;
	char key[KEY_MAX];	/* number/partition */
	char number[NAME_ROOM];
	char state[STATE_MAX];	/* as a body; "": not known */
};

struct watcher {		/* a phone's subscription */
	struct list in;
	struct box *box;
	uint64_t id, sub;
	char phone[NAME_ROOM];
};

struct mwi {
	struct mwi_config cfg;
	struct hash tab;
	struct hash_seed seed;
	struct slots boxes, watchers;
	struct mwi_trunk *trunk;
};

struct mwi *mwi_new(const struct mwi_config *c)
{
	struct mwi *m = mem_new(sizeof *m);

	m->cfg = *c;
	m->seed = rng_hash_seed(&c->loop->rng);
	hash_init(&m->tab);
	slots_init(&m->boxes, sizeof(struct box), BOXES);
	slots_init(&m->watchers, sizeof(struct watcher), WATCHERS);
	return m;
}

void mwi_free(struct mwi *m)
{
	uint32_t i = 0;
	uint64_t id;
	struct box *b;

	if (!m)
		return;
	while ((b = slot_next(&m->boxes, &i, &id)) != NULL)
		timer_stop(&m->cfg.loop->timers, &b->again);
	hash_close(&m->tab);
	slots_close(&m->boxes);
	slots_close(&m->watchers);
	mem_free(m->trunk);
	mem_free(m);
}

void mwi_subscribe_at(struct mwi *m, const struct mwi_trunk *t)
{
	if (!m->trunk)
		m->trunk = mem_new(sizeof *m->trunk);
	*m->trunk = *t;
}

uint32_t mwi_count(const struct mwi *m)
{
	return m->watchers.live;
}

/* --- boxes --- */

static bool key_of(const struct dir_line *l, char key[KEY_MAX])
{
	struct buf b;

	buf_init(&b, key, KEY_MAX);
	buf_put(&b, l->number);
	buf_ch(&b, '/');
	buf_put(&b, l->partition);
	(void)buf_z(&b);
	return buf_ok(&b);
}

/* NULL: there is none (and it shall not be made), or no room. */
static struct box *box_of(struct mwi *m, const struct dir_line *l, bool make)
{
	char key[KEY_MAX];
	struct hash_node *n;
	struct box *b;
	uint64_t h, id;

	if (!key_of(l, key))
		return NULL;
	h = hash_bytes(&m->seed, key, strlen(key));
	for (n = hash_first(&m->tab, h); n; n = hash_next(n))
		if (!strcmp(HASH_ENTRY(n, struct box, node)->key, key))
			return HASH_ENTRY(n, struct box, node);
	b = make && l->number.n < NAME_ROOM ? slot_new(&m->boxes, &id) : NULL;
	if (!b)
		return NULL;
	b->m = m;
	b->id = id;
	list_init(&b->watchers);
	memcpy(b->key, key, sizeof key);
	(void)str_copy(b->number, sizeof b->number, l->number);	/* fits */
	hash_add(&m->tab, &b->node, h);
	return b;
}

static struct sip_body state_of(const struct box *b)
{
	return (struct sip_body){ STR(SUMMARY_TYPE), str_of(b->state) };
}

static void forget_box(struct box *b)
{
	struct mwi *m = b->m;

	timer_stop(&m->cfg.loop->timers, &b->again);
	hash_remove(&m->tab, &b->node);
	slot_free(&m->boxes, b->id);
}

/* --- our subscription at the trunk --- */

static void on_again(void *arg);

static void ask_trunk(struct box *b)
{
	struct mwi *m = b->m;
	struct mwi_trunk *t = m->trunk;
	char uri[2][400];
	struct buf w[2];
	struct sip_subscribe q = { .owner = BOX | b->id, .package = STR(MWI_EVENT), .accept = STR(SUMMARY_TYPE),
				   .contact_user = str_of(b->number) };

	if (!t || b->remote || list_empty(&b->watchers))
		return;
	for (int i = 0; i < 2; i++) {
		buf_init(&w[i], uri[i], sizeof uri[i]);
		buf_lit(&w[i], "sip:");
		sip_number_escaped(&w[i], str_of(b->number));
		buf_ch(&w[i], '@');
		sip_write_host(&w[i], str_of(i ? t->from_host : t->dest.host));
	}
	q.dest = t->dest;
	q.opts = t->opts;
	q.ruri = buf_str(&w[0]);
	q.from_uri = buf_str(&w[1]);
	b->remote = sip_subscribe(m->cfg.sip, &q);
	if (!b->remote)
		timer_start(&m->cfg.loop->timers, &b->again, AGAIN_MS, on_again, b);
}

static void on_again(void *arg)
{
	ask_trunk(arg);
}

static void trunk_ended(struct box *b, const struct sip_event *ev)
{
	ms_t wait = AGAIN_MS;
	bool again = true;

	b->remote = 0;
	if (ev->status >= 400 && ev->status / 100 != 5)
		wait = AGAIN_REFUSED_MS;
	else if (ev->status || ev->fail)
		wait = ev->retry_after_s ? 1000 * (ms_t)ev->retry_after_s : AGAIN_MS;
	else
		again = sip_sub_again(&ev->sub_info, AGAIN_MS, &wait);
	if (again)
		timer_start(&b->m->cfg.loop->timers, &b->again, wait < AGAIN_MIN_MS ? AGAIN_MIN_MS : wait,
			    on_again, b);
}

/* --- the phones --- */

static void forget(struct watcher *w)
{
	struct box *b = w->box;
	struct mwi *m = b->m;

	list_remove(&w->in);
	slot_free(&m->watchers, w->id);
	if (!list_empty(&b->watchers))
		return;
	if (b->remote) {
		(void)sip_unsubscribe(m->cfg.sip, b->remote);	/* gone by itself: as well */
		b->remote = 0;
		b->state[0] = 0;	/* nobody keeps it up to date any more */
	}
	timer_stop(&m->cfg.loop->timers, &b->again);
	if (!b->state[0])
		forget_box(b);
}

static struct str bare(struct str n)
{
	return n.n && n.p[0] == '+' ? str_sub(n, 1, n.n) : n;
}

/* Its (first) line, when it is the one that the request names: by its number, in +E.164, or by the
 * user name of the phone, which phones take for their number. */
static const struct dir_line *own_line(struct mwi *m, const struct dir_phone *p, const struct sip_msg *msg)
{
	const struct dir_line *l = directory_line_of_phone(*m->cfg.directory, p->name);
	char text[128];
	struct buf b;
	struct str user;

	buf_init(&b, text, sizeof text);
	sip_user_plain(&b, msg->uri.user);
	user = buf_str(&b);
	if (!l || !user.n || !buf_ok(&b))
		return NULL;
	return str_eq(user, l->number) || str_eq(user, p->auth_user) ||
	       (l->e164.n && str_eq(bare(user), bare(l->e164))) ? l : NULL;
}

static void make_way(struct mwi *m, struct box *b, struct str phone)
{
	struct watcher *oldest = NULL;
	int n = 0;

	for (struct list *i = b->watchers.next; i != &b->watchers; i = i->next) {
		struct watcher *w = LIST_ENTRY(i, struct watcher, in);

		if (!str_is(phone, w->phone))
			continue;
		n++;
		oldest = oldest ? oldest : w;
	}
	if (n < MWI_PER_PHONE)
		return;
	(void)sip_notify_end(m->cfg.sip, oldest->sub, SIP_SUB_PROBATION, PROBATION_S, NULL);
	list_remove(&oldest->in);
	slot_free(&m->watchers, oldest->id);
}

static void watch(struct mwi *m, const struct sip_event *ev, const struct dir_phone *p, const struct dir_line *l)
{
	struct box *b = p->name.n < NAME_ROOM ? box_of(m, l, true) : NULL;
	struct sip_accept q = { 0 };
	struct watcher *w;
	uint64_t id;

	if (b)
		make_way(m, b, p->name);
	w = b ? slot_new(&m->watchers, &id) : NULL;
	if (!w) {
		(void)sip_sub_refuse(m->cfg.sip, ev->sub, 503, NULL, 0);
		return;
	}
	w->id = id;
	w->box = b;
	w->sub = ev->sub;
	(void)str_copy(w->phone, sizeof w->phone, p->name);	/* fits */
	list_append(&b->watchers, &w->in);
	q.owner = WATCHER | id;
	q.body = state_of(b);
	/* A fetch is over with its one NOTIFY; too brief a one was refused. */
	if (sip_sub_accept(m->cfg.sip, ev->sub, &q) != OK || !ev->expires_s)
		forget(w);
	else
		ask_trunk(b);
}

void mwi_on_subscribe(struct mwi *m, const struct sip_event *ev)
{
	const struct dir_phone *phone;
	const struct dir_line *l;
	struct sip_xhdr x[2];
	struct arena a;

	arena_init(&a, 8192);
	switch (registrar_who(m->cfg.registrar, ev->msg, &a, &phone, x)) {
	case REGISTRAR_OK:
		l = own_line(m, phone, ev->msg);
		if (l)
			watch(m, ev, phone, l);
		else	/* the same for another's line and for none */
			(void)sip_sub_refuse(m->cfg.sip, ev->sub, 403, NULL, 0);
		break;
	case REGISTRAR_CHALLENGE:
		(void)sip_sub_refuse(m->cfg.sip, ev->sub, 401, x, x[1].name.n ? 2 : 1);
		break;
	case REGISTRAR_REFUSE:
		(void)sip_sub_refuse(m->cfg.sip, ev->sub, 400, NULL, 0);
		break;
	}
	arena_close(&a);
}

/* The site may have changed since. */
static void still(struct mwi *m, struct watcher *w)
{
	const struct dir_line *l = directory_line_of_phone(*m->cfg.directory, str_of(w->phone));
	char key[KEY_MAX];

	if (l && key_of(l, key) && !strcmp(key, w->box->key))
		return;
	(void)sip_notify_end(m->cfg.sip, w->sub, SIP_SUB_NORESOURCE, 0, NULL);
	forget(w);
}

void mwi_on_directory(struct mwi *m, const struct directory *old)
{
	uint32_t i = 0;
	uint64_t id;
	struct watcher *w;

	while ((w = slot_next(&m->watchers, &i, &id)) != NULL) {
		if (registrar_lets_in(m->cfg.registrar, str_of(w->phone), old))
			continue;
		(void)sip_notify_end(m->cfg.sip, w->sub, SIP_SUB_DEACTIVATED, 0, NULL);
		forget(w);
	}
}

/* --- the state --- */

static bool set_state(struct box *b, const struct summary *s)
{
	char text[STATE_MAX];
	struct buf w;

	buf_init(&w, text, sizeof text);
	summary_write(&w, s);
	if (!strcmp(buf_z(&w), b->state) || !buf_ok(&w))
		return false;
	memcpy(b->state, text, w.n + 1);
	return true;
}

static void learned(struct box *b, const struct summary *s)
{
	struct sip_body body;

	if (!set_state(b, s))
		return;
	body = state_of(b);
	for (struct list *i = b->watchers.next; i != &b->watchers; i = i->next)
		(void)sip_notify(b->m->cfg.sip, LIST_ENTRY(i, struct watcher, in)->sub, &body);
}

void mwi_on_news(struct mwi *m, const struct sip_event *ev)
{
	struct watcher *w = ev->owner & WATCHER ? slot_get(&m->watchers, ev->owner & ~WATCHER) : NULL;
	struct box *b = ev->owner & BOX ? slot_get(&m->boxes, ev->owner & ~BOX) : NULL;
	struct summary s;

	if (w && w->sub == ev->sub) {
		if (ev->kind == SIP_EV_SUB_ENDED)
			forget(w);
		else if (ev->kind == SIP_EV_SUB_REFRESHED)
			still(m, w);
	}
	if (!b || b->remote != ev->sub)
		return;
	if (ev->kind == SIP_EV_SUB_ENDED)
		trunk_ended(b, ev);
	else if (ev->kind == SIP_EV_NOTIFY && sip_body_is(&ev->body, SUMMARY_TYPE) &&
		 summary_parse(ev->body.bytes, &s) == OK)
		learned(b, &s);
}

static void answer(struct mwi *m, const struct sip_event *ev, unsigned status, struct str name, struct str value)
{
	struct sip_xhdr x = { name, value };

	(void)sip_respond(m->cfg.sip, ev->tsx, status, NULL, NULL, &x, name.n ? 1 : 0);
}

void mwi_on_notify(struct mwi *m, const struct sip_event *ev)
{
	const struct dir_line *l;
	struct sip_package p;
	struct summary s;
	char text[128];
	struct buf b;
	struct box *box;

	buf_init(&b, text, sizeof text);
	sip_user_plain(&b, ev->msg->uri.user);
	l = buf_ok(&b) ? directory_line_of_number(*m->cfg.directory, buf_str(&b)) : NULL;
	if (sip_package_parse(sip_hdr(ev->msg, SIP_H_EVENT), &p) != OK || !str_is(p.name, MWI_EVENT))
		answer(m, ev, 489, STR("Allow-Events"), STR(MWI_EVENT));
	else if (!sip_body_is(&ev->body, SUMMARY_TYPE))
		answer(m, ev, 415, STR("Accept"), STR(SUMMARY_TYPE));
	else if (summary_parse(ev->body.bytes, &s) != OK)
		answer(m, ev, 400, STR_NONE, STR_NONE);
	else if (!l)
		answer(m, ev, 404, STR_NONE, STR_NONE);
	else {
		answer(m, ev, 200, STR_NONE, STR_NONE);
		box = box_of(m, l, true);
		if (box)
			learned(box, &s);
	}
}
