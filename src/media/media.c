#include "media/media.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slot.h"
#include "media/inside.h"
#include "media/packets.h"
#include "media/ports.h"

extern char **environ;

enum { RESPAWN_MS = 200, QUEUE_MIN = 64, SOON_MS = 100, AGAIN_MS = 10, TELL_MS = 60000, OUT_MAX = 65536,
       OUT_KEPT = 1024, SOCKET_BYTES = 4 << 20, BEATS = 4 };

/* When a message must leave. A packet wakes the other process, and that costs more than what is in it. */
enum due {
	DUE_NEVER,			/* nothing comes of it alone: it goes with the next that must */
	DUE_SOON,			/* in SOON_MS */
	DUE_NOW,			/* when the turn ends */
};

struct mend {				/* one open end */
	uint64_t id, owner;
	uint32_t slot, pair;
	int pool;
	bool closing, sends;
	bool used;			/* connected or playing: the engine has work with it */
	bool peered;			/* it may have believed a packet */
};

struct mout {				/* holds keys: wiped when sent */
	struct media_msg *m;
	uint32_t n, cap;
	enum due due;
	bool full;			/* the socket: all waits in order */
	struct timer later;
};

struct mpool {
	struct media_pool cfg;
	struct ports ports;
	uint32_t first;			/* slot of its first pair */
};

struct media {
	struct loop *loop;
	struct media_config cfg;
	struct mpool pool[MEDIA_POOLS];
	uint32_t nslots;
	struct slots ends;
	uint64_t *by_slot;		/* end id; 0: none */
	struct inside *inside;
	int fd;
	pid_t pid;
	uint32_t epoch;
	struct loop_watch *watch;
	struct media_packets in;
	struct mout out;
	struct timer respawn, beat;
	unsigned unheard;		/* beats since it said anything */
	bool given_up;			/* it is being stopped */
	bool served;			/* all ports were ours once */
	ms_t told_port;			/* when it was last said that one is not; 0: they are */
	struct media_event *queue;
	uint32_t head, tail, cap;	/* cap is a power of two */
	int ready;
};

/* --- events ------------------------------------------------------------------ */

static void push(struct media *m, const struct media_event *e)
{
	if (m->tail - m->head == m->cap) {
		struct media_event *q = mem_array((size_t)m->cap * 2, sizeof *q);

		for (uint32_t i = 0; i < m->cap; i++)
			q[i] = m->queue[(m->head + i) & (m->cap - 1)];
		mem_free(m->queue);
		m->queue = q;
		m->head = 0;
		m->tail = m->cap;
		m->cap *= 2;
	}
	m->queue[m->tail++ & (m->cap - 1)] = *e;
}

bool media_next(struct media *m, struct media_event *ev)
{
	if (m->head == m->tail)
		return false;
	*ev = m->queue[m->head++ & (m->cap - 1)];
	return true;
}

static void end_gone(struct media *m, struct mend *e)
{
	ports_give(&m->pool[e->pool].ports, e->pair, m->loop->now, m->cfg.rest);
	m->by_slot[e->slot] = 0;
	slot_free(&m->ends, e->id);
}

static void closed(struct media *m, struct mend *e, const struct media_msg *msg)
{
	const struct media_counts *c = &msg->u.counts;
	struct media_event ev = { .kind = MEDIA_EV_CLOSED, .end = e->id, .owner = e->owner };

	ev.stats = (struct media_stats){ .rx_packets = c->rx_packets, .tx_packets = c->tx_packets,
					 .lost = c->lost, .auth_failed = c->auth_failed,
					 .refused = c->refused, .replayed = c->replayed,
					 .stranger = c->stranger,
					 .jitter_us = c->jitter_us, .rtt_us = c->rtt_us };
	push(m, &ev);
	end_gone(m, e);
}

/* At the start that is a mistake to be mended; later it is a reason to wait: there is more than audio. */
static void port_taken(struct media *m, const struct media_msg *msg)
{
	struct media_event ev = { .kind = MEDIA_EV_FAILED, .at = msg->u.failed.at,
				  .sys_errno = msg->u.failed.sys_errno };
	char text[ADDR_TEXT];

	if (!m->served) {
		push(m, &ev);
		return;
	}
	if (!m->told_port || m->loop->now - m->told_port >= TELL_MS) {
		m->told_port = m->loop->now;
		log_line(&m->loop->log, LOG_ERROR, "The media port %s was taken while the media process was away: %s. "
			 "Calls have no audio until it is free: stop what uses it. It is tried again every few seconds.",
			 addr_text(&ev.at, text), strerror(ev.sys_errno));
	}
	m->given_up = true;
	(void)kill(m->pid, SIGKILL);
}

static void pool_ready(struct media *m)
{
	struct media_event ev = { .kind = MEDIA_EV_READY };

	if (++m->ready < m->cfg.npools)
		return;
	if (m->served && !m->inside)
		log_line(&m->loop->log, LOG_INFO, "The media process is there again, with all its ports.");
	m->served = true;
	m->told_port = 0;
	push(m, &ev);
}

/* News from the engine, of a process or inside. */
static void on_up(void *ctx, const struct media_msg *msg)
{
	struct media *m = ctx;
	struct mend *e;
	struct media_event ev = { 0 };

	if (!media_msg_good(msg, m->nslots))
		return;
	if (msg->op == MEDIA_READY)
		pool_ready(m);
	else if (msg->op == MEDIA_FAILED)
		port_taken(m, msg);
	if (msg->op == MEDIA_READY || msg->op == MEDIA_FAILED || msg->op == MEDIA_PING)
		return;
	e = slot_get(&m->ends, m->by_slot[msg->slot]);
	if (!e || e->owner != msg->owner)
		return;
	ev.end = e->id;
	ev.owner = e->owner;
	if (msg->op == MEDIA_CLOSED) {
		closed(m, e, msg);
		return;
	}
	ev.early = msg->early;
	ev.at = msg->op == MEDIA_LATCHED ? msg->u.latched.from : ev.at;
	ev.kind = msg->op == MEDIA_FIRST_PACKET ? MEDIA_EV_FIRST_PACKET
		: msg->op == MEDIA_LATCHED ? MEDIA_EV_LATCHED : MEDIA_EV_SILENT;
	if (!e->closing)
		push(m, &ev);
}

/* --- the process ---------------------------------------------------------------- */

/* The first n of them are on their way, or nobody wants them any more. */
static void out_done(struct media *m, uint32_t n)
{
	struct mout *o = &m->out;

	if (!n)
		return;
	memmove(o->m, o->m + n, (o->n - n) * sizeof *o->m);
	mem_wipe(o->m + (o->n - n), n * sizeof *o->m);
	o->n -= n;
	if (o->n)
		return;
	o->due = DUE_NEVER;
	o->full = false;
	timer_stop(&m->loop->timers, &o->later);
	if (o->cap <= OUT_KEPT)
		return;
	mem_free(o->m);			/* what a stall needed */
	o->m = NULL;
	o->cap = 0;
}

/* It hangs, and its calls have no audio; that it is gone is noticed by the watch. Nothing that was not sent
 * is missed: all its ends are lost with it. */
static void give_up(struct media *m, const char *what)
{
	if (m->given_up)
		return;
	log_line(&m->loop->log, LOG_ERROR, "The media process %s, so it is stopped and started again. "
		 "If that comes back, the machine is too busy for it.", what);
	(void)kill(m->pid, SIGKILL);
	m->given_up = true;
}

static void send_out(struct media *m);

static void on_later(void *arg)
{
	send_out(arg);
}

static void send_out(struct media *m)
{
	struct mout *o = &m->out;
	uint32_t sent = 0;

	o->full = false;
	while (sent < o->n && !o->full) {
		uint32_t n = o->n - sent < MEDIA_BATCH ? o->n - sent : MEDIA_BATCH;

		if (send(m->fd, o->m + sent, n * sizeof *o->m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			sent += n;
		else if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS)
			o->full = true;
		else
			sent = o->n;		/* it is gone, which the watch tells */
	}
	out_done(m, sent);
	if (o->full && !timer_armed(&o->later))
		timer_start(&m->loop->timers, &o->later, AGAIN_MS, on_later, m);
}

void media_turn_end(struct media *m)
{
	struct mout *o = &m->out;

	if (o->full)
		return;
	if (o->due == DUE_NOW)
		send_out(m);
	else if (o->due == DUE_SOON && !timer_armed(&o->later))
		timer_start(&m->loop->timers, &o->later, SOON_MS, on_later, m);
}

static void out_grow(struct mout *o)
{
	uint32_t cap = o->cap ? 2 * o->cap : MEDIA_BATCH;
	struct media_msg *m = mem_array(cap, sizeof *m);

	if (o->n)
		memcpy(m, o->m, o->n * sizeof *m);
	mem_wipe(o->m, o->n * sizeof *m);
	mem_free(o->m);
	o->m = m;
	o->cap = cap;
}

static void send_down(struct media *m, struct media_msg *msg, enum due due)
{
	struct mout *o = &m->out;

	msg->version = MEDIA_VERSION;
	msg->epoch = m->epoch;
	if (m->inside) {
		inside_msg(m->inside, msg);
		return;
	}
	if (m->fd < 0)
		return;
	if (o->n == OUT_MAX) {
		give_up(m, "does not keep up with what it is told");
		return;
	}
	if (o->n == o->cap)
		out_grow(o);
	o->m[o->n++] = *msg;
	o->due = due > o->due ? due : o->due;
	if (o->n >= MEDIA_BATCH && !o->full)
		send_out(m);
}

/* Counted in beats from the present, which the wheel may be behind: after a pause of the whole machine it still has
 * its time. */
static void on_beat(void *arg)
{
	struct media *m = arg;
	struct media_msg ping = { .op = MEDIA_PING };
	ms_t behind = m->loop->now - m->loop->timers.now;

	timer_start(&m->loop->timers, &m->beat, m->cfg.stuck / BEATS + behind, on_beat, m);
	if (++m->unheard == 1)
		send_down(m, &ping, DUE_NOW);
	else if (m->unheard > BEATS)
		give_up(m, "does not answer");
	media_turn_end(m);
}

static void send_to(struct media *m, const struct mend *e, struct media_msg *msg, enum due due)
{
	msg->slot = e->slot;
	send_down(m, msg, due);
}

static void send_music(struct media *m)
{
	struct media_msg msg = { .op = MEDIA_MUSIC };

	if (m->cfg.music && str_copy(msg.u.music.path, sizeof msg.u.music.path, str_of(m->cfg.music)))
		send_down(m, &msg, DUE_NOW);
}

static void send_pools(struct media *m)
{
	send_music(m);
	for (int i = 0; i < m->cfg.npools; i++) {
		struct media_msg msg = { .op = MEDIA_POOL, .slot = m->pool[i].first };

		msg.u.pool.bind = m->pool[i].cfg.bind;
		msg.u.pool.port_min = m->pool[i].cfg.port_min;
		msg.u.pool.pairs = (uint16_t)m->pool[i].ports.n;
		send_down(m, &msg, DUE_NOW);
	}
}

static bool spawn(struct media *m);

static void on_respawn(void *arg)
{
	struct media *m = arg;

	if (m->pid > 0 && waitpid(m->pid, NULL, WNOHANG) == m->pid)
		m->pid = 0;
	if (!spawn(m))
		timer_start(&m->loop->timers, &m->respawn, RESPAWN_MS, on_respawn, m);
}

/* Its calls have no audio any more, and are told so. */
static void ends_lost(struct media *m)
{
	struct mend *e;
	uint32_t i = 0;
	uint64_t id;

	while ((e = slot_next(&m->ends, &i, &id))) {
		struct media_event ev = { .kind = e->closing ? MEDIA_EV_CLOSED : MEDIA_EV_LOST,
					  .end = id, .owner = e->owner };

		push(m, &ev);
		if (e->closing)
			end_gone(m, e);
	}
}

static void process_lost(struct media *m)
{
	loop_unwatch(m->watch);
	m->watch = NULL;
	timer_stop(&m->loop->timers, &m->beat);
	close(m->fd);
	m->fd = -1;
	out_done(m, m->out.n);
	(void)kill(m->pid, SIGKILL);	/* it has closed its end; it is waited for when the next one starts */
	if (!m->given_up)
		log_line(&m->loop->log, LOG_ERROR,
			 "The media process ended unexpectedly; calls without audio are ended and it is started again.");
	ends_lost(m);
	timer_start(&m->loop->timers, &m->respawn, RESPAWN_MS, on_respawn, m);
}

static void on_fd(void *arg)
{
	struct media *m = arg;

	if (!media_packets_read(m->fd, &m->in)) {
		process_lost(m);
		return;
	}
	m->unheard = 0;
	for (int i = 0; i < m->in.n; i++)
		for (uint32_t k = 0; k < m->in.p[i].n; k++)
			if (m->in.p[i].m[k].epoch == m->epoch)
				on_up(m, &m->in.p[i].m[k]);
	if (m->ready >= m->cfg.npools && !timer_armed(&m->beat))	/* binding its ports may take long */
		timer_start(&m->loop->timers, &m->beat, m->cfg.stuck / BEATS, on_beat, m);
}

static bool spawn(struct media *m)
{
	char *argv[] = { "tandem", "media", "--fd", "3", NULL };
	posix_spawn_file_actions_t fa;
	const char *prog = m->cfg.program ? m->cfg.program : "/proc/self/exe";
	int sv[2], size = m->cfg.socket_bytes ? m->cfg.socket_bytes : SOCKET_BYTES, rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv))
		return false;
	/* Wishes: the kernel cuts them to net.core.wmem_max, for all but the privileged. */
	for (int i = 0; i < 2; i++)
		if (setsockopt(sv[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size))
			(void)setsockopt(sv[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, sv[1], 3);
	rc = posix_spawn(&m->pid, prog, &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	close(sv[1]);
	if (rc) {
		close(sv[0]);
		errno = rc;
		return false;
	}
	m->fd = sv[0];
	m->epoch++;
	m->ready = 0;
	m->unheard = 0;
	m->given_up = false;
	m->watch = loop_watch(m->loop, m->fd, on_fd, m);
	send_pools(m);
	media_turn_end(m);
	return true;
}

/* --- life ----------------------------------------------------------------------- */

static void set_pools(struct media *m, const struct media_config *c)
{
	for (int i = 0; i < c->npools; i++) {
		uint32_t pairs = ((uint32_t)c->pool[i].port_max - c->pool[i].port_min + 1) / 2;

		m->pool[i].cfg = c->pool[i];
		m->pool[i].first = m->nslots;
		ports_init(&m->pool[i].ports, pairs ? pairs : 1);
		m->nslots += m->pool[i].ports.n;
	}
}

struct media *media_new(const struct media_config *c, struct buf *why)
{
	struct media *m = mem_new(sizeof *m);

	m->loop = c->loop;
	m->cfg = *c;
	m->cfg.rest = c->rest ? c->rest : MEDIA_REST_MS;
	m->cfg.stuck = c->stuck ? c->stuck : MEDIA_STUCK_MS;
	m->fd = -1;
	m->cap = QUEUE_MIN;
	m->queue = mem_array(m->cap, sizeof *m->queue);
	set_pools(m, c);
	if (m->nslots > MEDIA_SLOTS_MAX) {
		buf_fmt(why, "The media port ranges hold %u pairs; at most %d are possible.",
			m->nslots, MEDIA_SLOTS_MAX);
		goto fail;
	}
	slots_init(&m->ends, sizeof(struct mend), m->nslots ? m->nslots : 1);
	m->by_slot = mem_array(m->nslots ? m->nslots : 1, sizeof *m->by_slot);
	if (c->inside) {
		m->inside = inside_new(c->loop, m->nslots, on_up, m);
		send_pools(m);
	} else if (!spawn(m)) {
		buf_fmt(why, "The media process cannot be started: %s.", strerror(errno));
		goto fail;
	}
	return m;
fail:
	media_free(m);
	return NULL;
}

/* It sees that its descriptor is closed, and ends; unless it hangs. */
static void process_end(struct media *m)
{
	close(m->fd);
	for (ms_t ms = 0; ms < m->cfg.stuck / 2; ms += AGAIN_MS) {
		if (waitpid(m->pid, NULL, WNOHANG) != 0)
			return;
		(void)poll(NULL, 0, AGAIN_MS);
	}
	(void)kill(m->pid, SIGKILL);
	(void)waitpid(m->pid, NULL, 0);
}

void media_free(struct media *m)
{
	if (!m)
		return;
	timer_stop(&m->loop->timers, &m->respawn);
	timer_stop(&m->loop->timers, &m->beat);
	loop_unwatch(m->watch);
	if (m->fd >= 0) {
		send_out(m);
		process_end(m);
	}
	out_done(m, m->out.n);
	mem_free(m->out.m);
	inside_free(m->inside);
	for (int i = 0; i < m->cfg.npools; i++)
		ports_close(&m->pool[i].ports);
	if (m->ends.cap)
		slots_close(&m->ends);
	mem_free(m->by_slot);
	mem_free(m->queue);
	mem_free(m);
}

void media_lose(struct media *m)
{
	if (!m->inside)
		return;
	inside_free(m->inside);
	ends_lost(m);
	m->inside = inside_new(m->loop, m->nslots, on_up, m);
	m->ready = 0;
	send_pools(m);
}

/* --- ends ------------------------------------------------------------------------- */

enum err media_open(struct media *m, const struct media_want *w, uint64_t *end,
		    struct media_local *local)
{
	struct mpool *p = &m->pool[w->pool < (uint32_t)m->cfg.npools ? w->pool : 0];
	struct media_msg msg = { .op = MEDIA_OPEN };
	struct mend *e;
	uint32_t pair;
	enum err x = m->inside || m->fd >= 0 ? ports_take(&p->ports, &m->loop->rng, m->loop->now, &pair) : ERR_AGAIN;

	if (x)
		return x;
	e = slot_new(&m->ends, end);
	if (!e) {
		ports_give(&p->ports, pair, m->loop->now, 0);
		return ERR_LIMIT;
	}
	*e = (struct mend){ .id = *end, .owner = w->owner, .pair = pair, .slot = p->first + pair,
			    .pool = (int)(p - m->pool) };
	m->by_slot[e->slot] = *end;
	*local = (struct media_local){ 0 };
	for (int s = SRTP_AES_CM_80; s < SRTP_NSUITE; s++)
		rng_bytes(&m->loop->rng, local->key[s], srtp_key_bytes((enum srtp_suite)s));
	local->rtp = p->cfg.advertised;
	local->rtp.port = (uint16_t)(p->cfg.port_min + 2 * pair);
	msg.slot = e->slot;
	msg.owner = w->owner;
	memcpy(msg.u.open.key, local->key, sizeof local->key);
	msg.u.open.no_media_ms = (uint32_t)w->no_media;
	msg.u.open.fill_ms = w->fill;
	send_down(m, &msg, DUE_NEVER);
	mem_wipe(&msg, sizeof msg);
	return OK;
}

static struct mend *open_end(struct media *m, uint64_t id)
{
	struct mend *e = slot_get(&m->ends, id);

	return e && !e->closing ? e : NULL;
}

void media_peer(struct media *m, uint64_t id, int early, const struct media_remote *r)
{
	struct mend *e = open_end(m, id);
	struct media_msg msg = { .op = MEDIA_PEER, .early = (uint16_t)early };

	if (!e)
		return;
	e->peered = true;
	msg.u.peer.rtp = r->rtp;
	msg.u.peer.rtcp = r->rtcp;
	msg.u.peer.near = r->near;
	msg.u.peer.mux = r->mux;
	msg.u.peer.latch = r->latch;
	msg.u.peer.suite = (uint8_t)r->suite;
	msg.u.peer.mki = r->mki;
	memcpy(msg.u.peer.key, r->key, sizeof r->key);
	memcpy(msg.u.peer.rx_pt, r->rx_pt, sizeof r->rx_pt);
	memcpy(msg.u.peer.tx_pt, r->tx_pt, sizeof r->tx_pt);
	send_to(m, e, &msg, DUE_NOW);
	mem_wipe(&msg, sizeof msg);
}

void media_serve(struct media *m, uint64_t id, int early, bool wipe)
{
	struct mend *e = open_end(m, id);
	struct media_msg msg = { .op = MEDIA_SERVE, .early = (uint16_t)early };

	if (!e)
		return;
	msg.u.serve.wipe_others = wipe;
	send_to(m, e, &msg, DUE_NOW);
}

void media_connect(struct media *m, uint64_t a, uint64_t b)
{
	struct mend *x = open_end(m, a), *y = open_end(m, b);
	struct media_msg msg = { .op = MEDIA_CONNECT };

	if (!x)
		return;
	msg.other = y ? y->slot : UINT32_MAX;
	x->used = true;
	if (y)
		y->used = true;
	send_to(m, x, &msg, DUE_NOW);
}

void media_direction(struct media *m, uint64_t id, bool send, bool expect)
{
	struct mend *e = open_end(m, id);
	struct media_msg msg = { .op = MEDIA_DIRECTION };

	if (!e)
		return;
	msg.u.direction.send = send;
	msg.u.direction.expect = expect;
	send_to(m, e, &msg, send == e->sends ? DUE_SOON : DUE_NOW);	/* else no packet cares */
	e->sends = send;
}

void media_play(struct media *m, uint64_t id, enum media_source s, enum media_codec c)
{
	struct mend *e = open_end(m, id);
	struct media_msg msg = { .op = MEDIA_PLAY };
	const char *country = m->cfg.country ? m->cfg.country : "us";

	if (!e)
		return;
	e->used = true;
	msg.u.play.source = (uint8_t)s;
	msg.u.play.codec = (uint8_t)c;
	memcpy(msg.u.play.country, country, strnlen(country, sizeof msg.u.play.country));
	send_to(m, e, &msg, DUE_NOW);
}

/* Where no peer was known, as with all that did not answer of a call that rang in many places, there is nothing
 * to be told: the end is over at once. */
void media_close(struct media *m, uint64_t id)
{
	struct mend *e = open_end(m, id);
	struct media_msg msg = { .op = MEDIA_CLOSE };
	struct media_event ev = { .kind = MEDIA_EV_CLOSED, .end = id };

	if (!e)
		return;
	e->closing = true;
	msg.slot = e->slot;
	msg.owner = ev.owner = e->owner;
	if (e->peered && (m->inside || m->fd >= 0)) {
		send_down(m, &msg, DUE_NOW);
		return;
	}
	msg.u.close.quiet = true;
	send_down(m, &msg, e->used ? DUE_SOON : DUE_NEVER);
	push(m, &ev);
	end_gone(m, e);
}

void media_counts(const struct media *m, uint32_t *open, uint32_t *free_pairs)
{
	*open = m->ends.live;
	*free_pairs = 0;
	for (int i = 0; i < m->cfg.npools; i++)
		*free_pairs += m->pool[i].ports.nfree + m->pool[i].ports.nrest;
}
