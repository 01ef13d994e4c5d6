#include "bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { PORT_MIN = 20000, CALL = 7, TEXTS = 16, PT_USUAL = 255 };

/* --- turns ------------------------------------------------------------------- */

static void took(struct bed *b, const struct sip_event *ev)
{
	unsigned status = 0;

	if (leg_take(b->legs, CALL, ev, &b->caller_is, &b->caller, &status, &b->took_why) == OK)
		return;
	b->took_status = status;
	b->took_why.arg[0] = b->took_why.arg[1] = STR_NONE;	/* they end with the turn */
	(void)sip_reject(b->sip, ev->session, status, NULL, &leg_accept, status == 415);
}

static bool legs_turn(struct bed *b)
{
	struct leg_event e;
	bool any = false;

	while (leg_next(b->legs, &e)) {
		assert_true(b->nev < BED_EVENTS);
		b->ev[b->nev++] = (struct bed_leg){ e.kind, e.leg, e.status, e.reason.code, false };
		any = true;
	}
	return any;
}

static const struct sip_opts plain = { 0 };

static bool far_turn(struct bed *b)
{
	struct sip_event e;
	bool any = false;

	while (sip_next(b->far, &e)) {
		struct bed_far *f = &b->got[b->ngot];

		any = true;
		if (e.kind == SIP_EV_FLOW)
			continue;
		assert_true(b->ngot++ < BED_EVENTS);
		*f = (struct bed_far){ .kind = e.kind, .session = e.session, .status = e.status };
		(void)str_copy(f->body, sizeof f->body, e.body.bytes);
		if (e.kind == SIP_EV_INVITE) {
			b->far_winner = e.session;
			(void)sip_own(b->far, e.session, 1, &plain);
		}
	}
	return any;
}

static void turn(void *ctx)
{
	struct bed *b = ctx;
	struct sip_event e;
	struct media_event m;
	bool more = true;

	while (more) {
		more = far_turn(b);
		while (sip_next(b->sip, &e)) {
			if (e.kind == SIP_EV_INVITE)
				took(b, &e);
			else
				legs_on_sip(b->legs, &e);
			more = true;
		}
		while (media_next(b->media, &m)) {
			legs_on_media(b->legs, &m);
			more = true;
		}
		more |= legs_turn(b);
	}
	legs_turn_end(b->legs);
	sip_turn_end(b->sip);
	sip_turn_end(b->far);
}

/* --- life ----------------------------------------------------------------------- */

static struct sip *stack(struct bed *b, const char *at)
{
	struct sip_listener l = { .transport = SIP_UDP, .zone = SIP_ZONE_PBX };
	struct sip *s = sip_new(b->loop, b->dns, &(struct sip_config){ 0 });
	uint32_t index;
	int err_no;

	assert_int_equal(addr_parse(str_of(at), 5060, &l.bind), OK);
	assert_int_equal(sip_listen(s, &l, &index, &err_no), OK);
	return s;
}

struct bed *bed_sized(uint32_t legs, int pairs)
{
	struct bed *b = mem_new(sizeof *b);
	struct media_config m = { .npools = 1, .inside = true };
	struct legs_config c = { .max = legs };

	b->loop = sim_new(1);
	b->dns = dns_new(b->loop, &(struct dns_config){ 0 });
	b->sip = stack(b, "10.0.0.1");
	b->far = stack(b, "10.0.0.2");
	assert_int_equal(addr_parse_ip(STR("10.0.0.1"), &m.pool[0].bind), OK);
	m.pool[0].advertised = m.pool[0].bind;
	m.pool[0].port_min = PORT_MIN;
	m.pool[0].port_max = (uint16_t)(PORT_MIN + 2 * pairs - 1);
	m.loop = c.loop = b->loop;
	b->media = media_new(&m, &(struct buf){ 0 });
	assert_non_null(b->media);
	c.sip = b->sip;
	c.media = b->media;
	b->legs = legs_new(&c);
	b->caller_is = (struct leg_peer){
		.sdp = { .srtp = SDP_SRTP_OPTIONAL, .nsuite = 3, .ptime = 20,
			 .suite = { SDP_AES_CM_80, SDP_AES_CM_32, SDP_AES_GCM } },
	};
	b->winner_is = b->caller_is;
	loop_on_turn(b->loop, turn, b);
	return b;
}

struct bed *bed_new(void)
{
	return bed_sized(20, 20);
}

void bed_free(struct bed *b)
{
	loop_on_turn(b->loop, NULL, NULL);
	legs_free(b->legs);
	media_free(b->media);
	sip_free(b->sip);
	sip_free(b->far);
	dns_free(b->dns);
	sim_free(b->loop);
	mem_free(b);
}

void bed_run(struct bed *b, ms_t ms)
{
	turn(b);
	sim_for(b->loop, ms);
}

/* --- SDP of the far side ------------------------------------------------------------ */

static bool word(const char *words, const char *name, char *value, size_t cap)
{
	size_t n = strlen(name);

	for (const char *p = words; *p; p += strspn(p, " ")) {
		size_t w = strcspn(p, " ");

		if (w >= n && !strncmp(p, name, n) && (p[n] == '=' || w == n)) {
			(void)snprintf(value, cap, "%.*s", w > n ? (int)(w - n - 1) : 0,
				       w > n ? p + n + 1 : "");
			return true;
		}
		p += w;
	}
	return false;
}

static const struct { const char *name, *map; uint32_t pt; } codec[] = {
	{ "pcmu", "PCMU/8000", 0 }, { "pcma", "PCMA/8000", 8 }, { "g722", "G722/8000", 9 },
	{ "g729", "G729/8000", 18 }, { "opus", "opus/48000/2", 111 }, { "silk", "SILK/8000", 104 },
	{ "events", "telephone-event/8000", 101 }, { "cn", "CN/8000", 13 },
};

static void add_codec(const char *name, uint32_t pt, struct buf *line, struct buf *maps)
{
	for (size_t i = 0; i < sizeof codec / sizeof *codec; i++) {
		if (strcmp(codec[i].name, name) != 0)
			continue;
		if (pt == PT_USUAL)
			pt = codec[i].pt;
		buf_fmt(line, " %u", pt);
		buf_fmt(maps, "a=rtpmap:%u %s\r\n", pt, codec[i].map);
	}
}

static void formats(const char *words, struct buf *line, struct buf *maps)
{
	char list[100] = "pcmu", one[20];

	(void)word(words, "codecs", list, sizeof list);
	for (const char *p = list; *p; p += *p == ',') {
		size_t n = strcspn(p, ",@");
		uint32_t pt = PT_USUAL;

		(void)snprintf(one, sizeof one, "%.*s", (int)n, p);
		p += n;
		if (*p == '@') {
			n = strcspn(++p, ",");
			assert_int_equal(str_u32(str_sub(str_of(p), 0, n), 127, &pt), OK);
			p += n;
		}
		add_codec(one, pt, line, maps);
	}
	if (word(words, "events", one, sizeof one))
		add_codec("events", PT_USUAL, line, maps);
	if (word(words, "cn", one, sizeof one))
		add_codec("cn", PT_USUAL, line, maps);
}

static void crypto(const char *words, const char *suite, struct buf *b)
{
	static const char key[2][41] = { "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj",
					 "NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj" };
	char k[8] = "0";
	bool gcm = !strcmp(suite, "gcm");

	(void)word(words, "key", k, sizeof k);
	buf_fmt(b, "a=crypto:4 %s inline:%.*s%s\r\n", gcm ? "AEAD_AES_128_GCM" : !strcmp(suite, "32")
		? "AES_CM_128_HMAC_SHA1_32" : "AES_CM_128_HMAC_SHA1_80", gcm ? 36 : 40,
		key[!strcmp(k, "1")], gcm ? "AA==" : "");
}

const char *bed_sdp(const char *words)
{
	static char text[TEXTS][BED_BODY];
	static unsigned turn_of;
	char ip[50] = "10.0.0.2", v[30] = "1", port[8] = "9000", suite[8] = "", maps[600], line[100];
	char *out = text[turn_of++ % TEXTS];
	struct buf b, m, l;

	buf_init(&b, out, BED_BODY);
	buf_init(&m, maps, sizeof maps);
	buf_init(&l, line, sizeof line);
	(void)word(words, "version", v, sizeof v);
	(void)word(words, "ip", ip, sizeof ip);
	(void)word(words, "port", port, sizeof port);
	if (word(words, "zero", maps, sizeof maps))
		(void)snprintf(ip, sizeof ip, "0.0.0.0");
	formats(words, &l, &m);
	buf_fmt(&b, "v=0\r\no=far 1 %s IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP%c %s\r\nt=0 0\r\n", v,
		strchr(ip, ':') ? '6' : '4', ip);
	if (word(words, "video", v, sizeof v))
		buf_lit(&b, "m=video 0 RTP/AVP 96\r\n");
	if (word(words, "refused", v, sizeof v))
		(void)snprintf(port, sizeof port, "0");
	buf_fmt(&b, "m=audio %s RTP/%s%s\r\n", port, word(words, "srtp", suite, sizeof suite) ? "SAVP" : "AVP",
		buf_z(&l));
	if (suite[0])
		crypto(words, suite, &b);
	buf_fmt(&b, "%s", buf_z(&m));
	(void)snprintf(v, sizeof v, "sendrecv");
	(void)word(words, "dir", v, sizeof v);
	buf_fmt(&b, "a=%s\r\n", v);
	return buf_z(&b);
}

struct sip_body bed_body(const char *sdp)
{
	return sdp[0] ? (struct sip_body){ STR("application/sdp"), str_of(sdp) }
		      : (struct sip_body){ STR_NONE, STR_NONE };
}

uint64_t bed_version(const char *sdp)
{
	const char *p = strstr(sdp, "o=tandem ");
	struct str id, version, rest;
	uint64_t v = 0;

	assert_non_null(p);
	(void)str_cut(str_of(p + strlen("o=tandem ")), ' ', &id, &rest);
	(void)str_cut(rest, ' ', &version, &rest);
	assert_int_equal(str_u64(version, UINT64_MAX, &v), OK);
	return v;
}

const char *bed_dir(const char *sdp)
{
	static const char *const name[] = { "sendrecv", "sendonly", "recvonly", "inactive" };
	char want[20];

	for (int i = 0; i < 4; i++) {
		(void)snprintf(want, sizeof want, "a=%s\r\n", name[i]);
		if (strstr(sdp, want))
			return name[i];
	}
	return "none";
}

/* --- looking -------------------------------------------------------------------------- */

struct bed_leg *bed_want(struct bed *b, enum leg_ev_kind k)
{
	for (int i = 0; i < b->nev; i++)
		if (!b->ev[i].seen && b->ev[i].kind == k) {
			b->ev[i].seen = true;
			return &b->ev[i];
		}
	fail_msg("no leg event %d", k);
	return NULL;
}

bool bed_has(const struct bed *b, enum leg_ev_kind k)
{
	for (int i = 0; i < b->nev; i++)
		if (!b->ev[i].seen && b->ev[i].kind == k)
			return true;
	return false;
}

struct bed_far *bed_got(struct bed *b, enum sip_ev_kind k)
{
	for (int i = 0; i < b->ngot; i++)
		if (!b->got[i].seen && b->got[i].kind == k) {
			b->got[i].seen = true;
			return &b->got[i];
		}
	fail_msg("far got no event %d", k);
	return NULL;
}

bool bed_far_has(const struct bed *b, enum sip_ev_kind k)
{
	for (int i = 0; i < b->ngot; i++)
		if (!b->got[i].seen && b->got[i].kind == k)
			return true;
	return false;
}

void bed_forget(struct bed *b)
{
	b->ngot = b->nev = 0;
}

struct leg_view bed_look(struct bed *b, uint64_t leg)
{
	struct leg_view v;

	assert_int_equal(leg_look(b->legs, leg, &v), OK);
	return v;
}

/* --- a call ----------------------------------------------------------------------------- */

static struct sip_dest to(const char *at)
{
	struct sip_dest d = { .transport = SIP_UDP, .port = 5060 };

	(void)str_copy(d.host, sizeof d.host, str_of(at));
	assert_int_equal(addr_parse(str_of(at), 5060, &d.addr), OK);
	return d;
}

void bed_invite(struct bed *b, const char *sdp)
{
	struct sip_invite i = { .owner = 2, .dest = to("10.0.0.1"), .ruri = STR("sip:us@10.0.0.1"),
				.from_uri = STR("sip:far@10.0.0.2"), .body = bed_body(sdp) };

	b->far_caller = sip_invite(b->far, &i);
	assert_true(b->far_caller != 0);
	bed_run(b, 20);
}

enum err bed_dial(struct bed *b)
{
	struct leg_dial d = { .call = CALL, .role = LEG_BRANCH, .peer = &b->winner_is,
			      .dest = to("10.0.0.2"), .ruri = STR("sip:far@10.0.0.2"),
			      .from_uri = STR("sip:us@10.0.0.1"), .caller = b->caller };
	struct reason why;
	enum err e = leg_dial(b->legs, &d, &b->winner, &why);

	bed_run(b, 20);
	return e;
}

void bed_answer(struct bed *b, const char *sdp)
{
	struct sip_body body = bed_body(sdp);

	assert_int_equal(sip_answer(b->far, b->far_winner, &body, NULL, 0), OK);
	bed_run(b, 20);
}

void bed_join(struct bed *b)
{
	struct reason why;

	assert_int_equal(leg_join(b->legs, b->caller, b->winner, NULL, 0, &why), OK);
	bed_run(b, 20);
}

void bed_talk(struct bed *b, const char *caller, const char *winner)
{
	bed_invite(b, bed_sdp(caller));
	assert_int_equal(bed_dial(b), OK);
	bed_answer(b, bed_sdp(winner));
	bed_join(b);
	(void)bed_want(b, LEG_EV_CONFIRMED);
	bed_forget(b);
}
