/* hub_int.h - the hub's inside, for the files of hub/ only. */
#ifndef HUB_HUB_INT_H
#define HUB_HUB_INT_H
#include "base/list.h"
#include "base/slot.h"
#include "hub/ear.h"
#include "hub/hub.h"

enum { HUB_USER_MAX = 64, HUB_CALL_MAX = 8192, HUB_KEPT_MAX = 2000, HUB_FINDING_MAX = 256, HUB_TEXT = 160 };

#define HUB_ALLOW "INVITE,ACK,OPTIONS,CANCEL,BYE,NOTIFY"

struct hub_finding {			/* a broken rule or lint */
	enum hub_rule_id rule;
	int host;
	wall_t wall;
	char what[HUB_TEXT];
};

enum hub_call_state { HUB_RINGING, HUB_ANSWERED, HUB_ENDED };

struct hub_call {
	struct list age;			/* in hub.ended */
	uint64_t id;
	uint32_t number;		/* in the report, from 1 */
	struct hub *hub;
	int host;
	bool placed;			/* by us; else it came from the border */
	enum hub_call_state state;
	uint64_t session;
	struct hub_script script;
	struct hub_place place;
	char from[HUB_NUMBER_MAX], to[HUB_NUMBER_MAX], call_id[128];
	char contact[200];		/* ours: leads to port 443, which nobody must dial */
	struct sip_opts opts;		/* of its session */
	int next;			/* step to be done */
	struct timer step, hangup, hold, resume, give_up;
	ms_t invited, answered, ended;
	wall_t wall;
	struct ear *ear;
	bool ear_on, hold_shown;
	uint32_t sdp_version;
	int pt, crypto_tag;
	unsigned final;			/* status of the end; 0: BYE */
	bool cancelled, missed, completed_elsewhere, bye_from_border, held_by_border;
	char reason[HUB_TEXT];		/* Reason header of CANCEL or BYE */
	char ring_status[64];		/* "180 180 183 200" as sent or received */
	struct ear_heard heard[EAR_TONES];
	int nheard;
	struct ear_counts counts;
};

struct hub_totals {			/* of all calls, also those no longer told one by one */
	uint64_t ended, answered, cancelled, completed_elsewhere, missed, packets, clear, bad_auth,
		lost;
};

struct hub_host {
	struct hub *hub;
	int index;
	struct sip *sip;
	uint32_t listener;
	char server[96];
	struct addr at;
	bool awake;			/* the border's OPTIONS came; its Contact is known */
	bool border_ok;			/* it answered ours with 200 */
	char contact_host[256];
	uint16_t contact_port;
	ms_t last_options;
	uint32_t resumed;		/* TLS sessions; the border must refuse to */
	uint32_t options_in, options_out, options_ok, options_bad;
	ms_t gap_min, gap_max;
	struct timer ping;
	unsigned deny_status;
	uint32_t deny_retry_after;
	uint32_t connections;
};

struct hub {
	struct loop *loop;
	struct hub_config cfg;
	struct dns *dns;
	struct zone *zone;
	struct hub_host host[HUB_HOSTS];
	struct hub_script user[HUB_USER_MAX];
	int nuser;
	struct slots calls;
	uint32_t ncalls;
	struct list ended;		/* the latest HUB_KEPT_MAX, the oldest first */
	uint32_t nended;
	struct hub_totals totals;
	struct hub_finding finding[HUB_FINDING_MAX];
	int nfinding;
	const char *sbc_names[TLS_NAMES_MAX + 1];	/* of the last handshake */
	char sbc_name[TLS_NAMES_MAX][128];
	struct hub_answered {		/* finals given, to catch retries (DR-S13) */
		char number[HUB_NUMBER_MAX];
		ms_t at;
	} finals[HUB_USER_MAX];
	int nfinals;
};

/* hub.c */
void hub_find(struct hub *h, enum hub_rule_id id, int host, struct str what);
struct hub_script *hub_user_of(struct hub *h, struct str number);
/* "<guid>" into text. */
void hub_guid(struct hub *h, char text[37]);
/* Reason: Q.850;cause=..;text="<guid>;phrase" */
void hub_reason(struct hub *h, struct buf *b, unsigned q850, const char *phrase);

/* What the rules need to know of this host's border. */
struct hub_facts hub_facts_of(struct hub *h, const struct hub_user *u);
/* Answers a request that broke a rule; false when the rule asks for no SIP answer. */
void hub_reply(struct hub *h, int host, const struct sip_event *ev, enum hub_rule_id id);
void hub_host_identity(struct hub *h, int host, struct sip_opts *o);

/* talk.c: calls both ways */
void hub_on_invite(struct hub *h, int host, const struct sip_event *ev);
void hub_on_session(struct hub *h, const struct sip_event *ev);
void hub_calls_free(struct hub *h);

/* hubsdp.c */
void hub_sdp_write(struct hub_call *c, struct buf *b, bool offer, const char *direction);
/* Takes address, key and payload type of the border from its SDP. */
enum err hub_sdp_read(struct hub_call *c, struct str sdp);

#endif
