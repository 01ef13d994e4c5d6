/*
 * hub.h - the Direct Routing simulator: three proxies that ask of a border controller what
 * Microsoft's documents ask, ring scripted users, place calls, and write down what they saw.
 *
 * Does: TLS 1.2 with the four suites and a required client certificate, OPTIONS both ways,
 *   the rules of hub/rules.h, forked answers, SRTP with its own tone, missed-call list.
 * Does not: read trunk/, share state with the daemon, run the real Teams' media features.
 * Owner: the process that made it. Threads: the loop's. Feed: hub_turn() in the loop's turn.
 */
#ifndef HUB_HUB_H
#define HUB_HUB_H
#include "hub/rules.h"
#include "hub/zone.h"
#include "io/dns.h"
#include "sip/stack.h"

struct hub;

enum { HUB_HOSTS = 3, HUB_STEP_MAX = 8 };

enum hub_do {
	HUB_DO_RING, HUB_DO_PROGRESS,	/* 180; 183 with SDP                      */
	HUB_DO_ANSWER,			/* 200 with SDP                           */
	HUB_DO_FINAL,			/* `status`                               */
	HUB_DO_HANGUP, HUB_DO_HOLD, HUB_DO_RESUME,
};

struct hub_step {
	ms_t at;			/* after the INVITE; HANGUP, HOLD, RESUME: after the answer */
	enum hub_do what;
	int tag;			/* which To tag: 0 = A, 1 = B, 2 = C      */
	unsigned status, q850;
};

struct hub_script {			/* what a user's clients do with a call   */
	char number[HUB_NUMBER_MAX];
	bool voice_enabled, offline, blocked, silent;	/* silent: not even 100   */
	struct hub_step step[HUB_STEP_MAX];
	int nstep;
	uint32_t retry_after_s;		/* with 503                               */
	unsigned tone_hz;
};

struct hub_config {
	struct addr bind[HUB_HOSTS];	/* port 0 picks one                       */
	const char *host_name[HUB_HOSTS];
	struct tls_ctx *server, *client;
	const char *sbc_fqdn;
	struct addr sbc;		/* where the FQDN is                      */
	const char *const *tenants;
	struct addr media;		/* where our media ends are bound; port 0 */
	struct addr dns;		/* family NONE: no DNS server             */
	ms_t options_every;		/* 60 s; tests may be faster              */
	ms_t late_host1;		/* host 1 answers this late; 0            */
	const char *region;		/* "EUWE" */
	/* Every message, decrypted; may be NULL. */
	void (*tap)(void *ctx, uint64_t owner, bool out, enum sip_transport,
		    const struct addr *local, const struct addr *peer, struct str bytes);
	void *tap_ctx;
};

struct hub *hub_new(struct loop *l, const struct hub_config *c, struct buf *why);
void hub_free(struct hub *h);
void hub_turn(struct hub *h);		/* drains the queues; after every input   */
enum err hub_user(struct hub *h, const struct hub_script *s);	/* adds or replaces */
void hub_deny(struct hub *h, int host, unsigned status, uint32_t retry_after_s); /* 0: normal again */

struct hub_place {
	int host;
	const char *from, *to;		/* +E.164 */
	ms_t hold_at, resume_at, hangup_at;	/* after the answer; 0: never     */
	ms_t give_up_at;		/* CANCEL after the INVITE; 0: never      */
	unsigned tone_hz;
};
/* A user of the tenant calls. Call number in the report; 0: no session. */
uint32_t hub_call(struct hub *h, const struct hub_place *p);
struct addr hub_host_addr(const struct hub *h, int host);
struct zone *hub_zone(struct hub *h);
bool hub_border_up(const struct hub *h, int host);	/* has sent OPTIONS, and answers ours */
/* All that was seen, as one JSON object (hub/report.c). Freed by the caller with mem_free(). */
char *hub_report(struct hub *h);

#endif
