/*
 * rules.h - what the Direct Routing side asks of a border controller, stated here by the
 * hub's own reading of the documents; it never looks at trunk/rules.
 *
 * One row per rule: what is broken, what is answered, Microsoft's sub-code, the document
 * and its date. Rows marked "cfg" have a documented condition but no documented code.
 * Pure: a message and what is known of its connection in, the first broken rule out.
 * Sources: Microsoft Learn, direct-routing-protocols-sip, -protocols-media, -plan,
 *   -monitor-and-troubleshoot, microsoft-sip-response-codes; field traces where marked.
 */
#ifndef HUB_RULES_H
#define HUB_RULES_H
#include "sip/msg.h"

enum { HUB_TENANT_MAX = 8, HUB_NUMBER_MAX = 64 };

enum hub_rule_id {
	DR_NONE,
	DR_T1, DR_T2, DR_T3, DR_T4, DR_T5,
	DR_S1, DR_S2, DR_S3, DR_S4, DR_S5, DR_S6, DR_S7, DR_S8, DR_S9, DR_S10, DR_S11, DR_S12,
	DR_S13, DR_S14, DR_S15, DR_S16, DR_S17, DR_S18,
	DR_M1, DR_M2, DR_M3, DR_M4, DR_M5,
	DR_NRULE
};

struct hub_rule {
	const char *id;			/* "DR-S3"                                     */
	unsigned status;		/* SIP answer; 0: no SIP answer (TLS alert, lint) */
	unsigned q850;			/* cause of the Reason header; 0: none         */
	const char *text;		/* phrase in Reason and report                 */
	unsigned sub;			/* Microsoft's sub-code; 0: none               */
	bool documented;		/* false: "cfg", the code is our default       */
	const char *broken;		/* one sentence: what was wrong and the mend   */
	const char *source, *date;
};

const struct hub_rule *hub_rule(enum hub_rule_id id);

struct hub_user {			/* what the tenant knows of a number */
	struct str number;		/* "+14255550100" */
	bool voice_enabled, offline, blocked;
};

struct hub_facts {			/* of the connection and the tenant */
	const char *const *cert_names;	/* SAN of the border's certificate, NULL-ended */
	const char *const *tenants;	/* FQDNs known to a tenant, NULL-ended         */
	const struct hub_user *user;	/* of the Request-URI's number; NULL: unknown  */
	uint32_t min_se;		/* seconds */
};

/* The first rule a request breaks, DR_NONE when it breaks none. SDP rules are DR_M*. */
enum hub_rule_id hub_check_request(const struct sip_msg *m, const struct hub_facts *f);
enum hub_rule_id hub_check_sdp(struct str sdp);
/* RFC 2818 3.1: one left-most wild card label. */
bool hub_name_covers(const char *pattern, struct str host);

#endif
