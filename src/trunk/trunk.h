/*
 * trunk.h - a trunk's profile, its hosts, what happened to them (facts), and the verdict.
 *
 * One writer: trunk_note(). The verdict is pure; trunk_pick() alone chooses a host.
 * Does not: send, resolve or read a clock.
 * Owner: struct trunks, made from the configuration; app/server owns it.
 */
#ifndef TRUNK_TRUNK_H
#define TRUNK_TRUNK_H
#include "base/log.h"
#include "base/reason.h"

enum { TRUNK_HOSTS = 8, TRUNK_FACTS = 16 };

enum trunk_prack { TRUNK_PRACK_OFF, TRUNK_PRACK_SDP, TRUNK_PRACK_ALL };	/* as sip_prack */

/* A peer's quirks as data (design rule 5), dated and sourced. */
struct trunk_profile {
	const char *name;		/* "teams", "cucm", "generic", "carrier" */
	bool teams;			/* the Direct Routing family: timers, numbers in +E.164 */
	bool plus_e164;			/* numbers in Request-URI and From with + */
	bool srtp_mandatory;
	bool hold_inactive;		/* hold is a=inactive                    */
	bool session_timer;
	enum trunk_prack prack;		/* reliable 18x, RFC 3262                */
	bool update, info;		/* RFC 3311, RFC 6086                    */
	bool pai, rpid;			/* how we show who calls: P-Asserted-Identity, Remote-Party-ID */
	bool trust;			/* what it asserts of callers is believed */
	bool divert_in, divert_out;	/* Diversion                             */
	bool guid;			/* Cisco-Guid is passed on to it         */
	bool latch;
	bool from_host_is_fqdn;
	bool never_dial_contact;
	bool fill;			/* silence when the other side sends none */
	bool close_on_503;		/* with Retry-After: its connection is given up */
	uint32_t first_response_ms;	/* failover time; 0: Timer B             */
	uint32_t ring_by_ms;		/* an 18x at the latest; 0: no rule      */
	uint32_t options_s;		/* default interval                      */
	const char *user_agent;		/* NULL: Tandem's                        */
	const char *source, *date;
};
const struct trunk_profile *trunk_profile(struct str name);	/* NULL: unknown */
const struct trunk_profile *trunk_profile_at(int i);		/* NULL: end     */
void trunk_profiles_doc(struct buf *b);				/* what the profiles set, in Markdown */

enum trunk_state { TRUNK_UNKNOWN, TRUNK_UP, TRUNK_PARTIAL, TRUNK_DOWN, TRUNK_DISABLED };
const char *trunk_state_str(enum trunk_state s);

enum trunk_fact_kind {
	TRUNK_FACT_ANSWERED,		/* OPTIONS or any response: it lives      */
	TRUNK_FACT_FAILED,		/* DNS, TCP, TLS, timeout, bad status     */
	TRUNK_FACT_503,			/* rest for retry_after_ms                */
	TRUNK_FACT_INVITE_FAILED,	/* no response to an INVITE               */
	TRUNK_FACT_VANISHED,		/* its connection died of silence: down without retries */
	TRUNK_FACT_PEER_OPTIONS,	/* the peer pinged us                     */
	TRUNK_FACT_REGISTERED,		/* host -1: the trunk's registration      */
	TRUNK_FACT_REG_FAILED,
};

struct trunk_fact {
	enum trunk_fact_kind kind;
	int host;
	struct reason why;		/* kept by the trunk: arguments are copied */
	uint64_t retry_after_ms;
};

struct trunk_host {
	struct str name;
	uint16_t port;
	enum trunk_state state;		/* UNKNOWN, UP, DOWN */
	uint64_t since;			/* monotonic ms; 0: start */
	int64_t since_wall;
	uint64_t rest_until;		/* 503 with Retry-After */
	struct reason why;
	uint32_t failures;		/* in a row */
};

struct trunk;
struct trunk_setup {
	struct str name;
	const struct trunk_profile *profile;
	struct { struct str name; uint16_t port; } host[TRUNK_HOSTS];
	int nhosts;
	bool enabled;
	bool monitored;			/* false: hosts count as up until a call fails */
	bool registers;			/* not up before it is registered, and partial without */
	uint32_t retries;		/* failures in a row before a host is down; 0: 1 */
};
struct trunk *trunk_new(const struct trunk_setup *s);
void trunk_free(struct trunk *t);
void trunk_note(struct trunk *t, uint64_t now, int64_t wall, const struct trunk_fact *f);
/* The same, and a line in the log when the verdict changed. */
void trunk_report(struct trunk *t, struct log *l, uint64_t now, int64_t wall, const struct trunk_fact *f);
enum trunk_state trunk_verdict(const struct trunk *t);
/* The host to use now: the first that is up and not resting; else one that is unknown; else, for
 * want of better, the first that is down. `skip`: bits of hosts already tried.
 * -1: none; *why says so. */
int trunk_pick(const struct trunk *t, uint64_t now, uint32_t skip, struct reason *why);
struct str trunk_name(const struct trunk *t);
const struct trunk_profile *trunk_profile_of(const struct trunk *t);
int trunk_nhosts(const struct trunk *t);
const struct trunk_host *trunk_host_at(const struct trunk *t, int i);
/* Its registration: UNKNOWN until the first answer; NULL: it does not register. */
const struct trunk_host *trunk_registration(const struct trunk *t);
/* The same in CUCM's words ("Local=1", "Remote=503"); "": CUCM has none. `out` may hold it. */
const char *trunk_cucm_code(const struct reason *why, char out[16]);
/* One sentence why it is not (wholly) up; TRUNK_UP's when it is. */
struct reason trunk_why(const struct trunk *t);

#endif
