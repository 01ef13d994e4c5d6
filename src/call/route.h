/*
 * route.h - who called, and who rings: joins the directory's plan (pure) with what is
 * registered, which trunks live, and the peers' profiles, into things a call can dial.
 *
 * Does: identify the caller (trunk by address and TLS name, phone by digest), ask the
 *   directory for the plan, turn every destination into a struct route_branch.
 * Does not: send, ring or wait.
 * Owner: all slices of a plan live in the arena given by the call.
 */
#ifndef CALL_ROUTE_H
#define CALL_ROUTE_H
#include "call/fork.h"
#include "call/identity.h"
#include "conf/config.h"
#include "directory/directory.h"
#include "leg/leg.h"
#include "service/outreg.h"
#include "service/registrar.h"
#include "trunk/trunk.h"

enum route_kind { ROUTE_PHONE, ROUTE_ENDPOINT, ROUTE_REMOTE, ROUTE_TRUNK, ROUTE_NKIND };
enum route_elsewhere { ROUTE_ELSEWHERE_ALWAYS, ROUTE_ELSEWHERE_PASS, ROUTE_ELSEWHERE_NEVER };
enum { ROUTE_NO_TRUNK = UINT32_MAX, ROUTE_REASONS_MAX = 32 };

/* The name of a kind for records and views: "phone", "trunk endpoint", ... */
const char *route_kind_str(enum route_kind k);

struct route_caller {
	bool phone;
	uint32_t trunk;			/* index, or ROUTE_NO_TRUNK           */
	struct str name;		/* trunk or phone name                */
	uint32_t max_calls;		/* of its trunk; 0: no limit          */
	struct str user;		/* phone's user, or that of a mapped remote destination */
	struct str number, display;	/* what is shown to the called side   */
	struct str remote;		/* remote destination it calls from; absent: none */
	struct identity id;		/* as the trunk asserted it, and who forwarded */
	struct str session_id;		/* RFC 7989, 32 hex digits; passed on or made */
	struct str received;		/* user part of its Request-URI         */
	uint32_t max_forwards;		/* for the INVITEs made of it; 0: not given (a question of `dial`) */
	uint32_t breadth;		/* RFC 5393: most destinations at a time; 0: not given */
	struct str registered_as;	/* user part of our Contact at its trunk; absent: none */
	struct str css;			/* class of control of this call      */
	bool is_teams;			/* profile asks for an 18x within its time */
	ms_t ring_by;			/* 18x at the latest after this; 0: no rule */
	bool inband;			/* ringback: inband                   */
	const struct leg_peer *peer;
};

struct route_branch {
	enum route_kind kind;
	struct str name;		/* "SEP001", "+1425...@teams"         */
	struct str number;		/* dialled                            */
	struct fork_timing timing;
	uint32_t trunk, host;		/* ROUTE_NO_TRUNK for phones          */
	struct str trunk_name;		/* absent for phones                  */
	uint32_t tried;			/* bits of its hosts                  */
	uint32_t max_calls;		/* of the trunk; 0: no limit          */
	enum route_elsewhere elsewhere;
	const struct leg_peer *peer;
	struct sip_dest dest;
	struct str ruri, to_uri, from_uri, from_name, contact_user;
	struct str route;		/* known before: Service-Route, Path; absent: none */
	struct str session_id;		/* RFC 7989 */
	ms_t first_response;
	struct sip_xhdr *xhdr;
	int nxhdr;
};

struct route_plan {
	struct route_branch *b;		/* n of them, at most FORK_MAX        */
	int n;
	struct str dialled, line, line_name, line_user;	/* line*: absent for a straight route */
	ms_t no_answer;			/* 0: rings on                        */
	struct str forward_to;		/* absent: none                       */
	struct str forward_busy;	/* when all are busy; absent: forward_to */
	struct str forward_css;
	struct sip_xhdr identity[IDENTITY_HEADERS];	/* of the line, for 18x and 200 to the caller */
	int nidentity;
	bool emergency;
	unsigned status;		/* n == 0: what to answer             */
	struct reason why;		/* and why                            */
	struct reason *note;		/* every decision made, nnote of them */
	int nnote;
};

/* The collaborators; everything is borrowed. */
struct route;
struct route_config {
	struct loop *loop;
	const struct config *config;
	struct directory *const *directory;	/* the snapshot of now */
	struct registrar *registrar;
	struct trunk *const *trunk;		/* by the configuration's index */
	const struct outreg *outreg;		/* NULL: no trunk registers     */
	const uint32_t *login;			/* sip_opts.login by the same index; NULL: none */
};
struct route *route_new(const struct route_config *c);
void route_free(struct route *r);
/* The trunk a request on this listener comes from; -1: none of ours. */
int route_trunk_of(const struct route *r, const struct sip_msg *m);
/* Is src one of the addresses that a trunk's requests on this listener come from? Not asked for
 * Direct Routing, where the certificate says it. */
bool route_trusts(const struct route *r, uint32_t listener, const struct addr *src);
/* How trunk i is treated, and where its hosts are; for the monitor too. */
const struct leg_peer *route_trunk_peer(const struct route *r, int i);
void route_trunk_dest(const struct route *r, int i, int host, struct sip_dest *d);

enum route_who { ROUTE_WHO_TRUNK, ROUTE_WHO_PHONE, ROUTE_WHO_CHALLENGE, ROUTE_WHO_REFUSE };
/* Who sent this INVITE? CHALLENGE: *status and the headers x (in the arena) to send; REFUSE:
 * *status and *why. */
/* NOLINTNEXTLINE(readability-function-size): two results for two answers */
enum route_who route_identify(struct route *r, const struct sip_event *invite, struct arena *a,
			      struct route_caller *who, unsigned *status, struct sip_xhdr x[2],
			      struct reason *why);
/* What rings for `number`. `hops`: forwards so far. Never fails: an empty plan carries
 * status and why. */
void route_plan(struct route *r, const struct route_caller *who, struct str number, int hops,
		struct arena *a, struct route_plan *p);
/* Does an emergency pattern of the site have this number? */
bool route_is_emergency(const struct route *r, struct str number);
/* The next host of the branch's trunk after `b->host` failed: updates dest, ruri, to_uri, host.
 * false: none is left. Notes the failure on the trunk. */
bool route_next_host(struct route *r, struct route_branch *b, const struct route_caller *who,
		     const struct leg_event *failed, struct arena *a);
/* Is the connection that a 503 with Retry-After came over to be given up? By the trunk's profile. */
bool route_closes_on_503(const struct route *r, const struct route_branch *b);
/* A response or answer came: the trunk's host lives. */
void route_host_alive(struct route *r, const struct route_branch *b);

#endif
