/*
 * opts.h - what a peer is like, as data (design rule 5). leg/ and service/ copy
 * it from a trunk profile row; sip/ obeys it and knows no peer by name.
 */
#ifndef SIP_OPTS_H
#define SIP_OPTS_H
#include "sip/msg.h"

enum sip_prack {			/* reliable provisional responses, RFC 3262 */
	SIP_PRACK_OFF,			/* neither sent nor acknowledged            */
	SIP_PRACK_SDP,			/* ours when they carry SDP; the peer's all */
	SIP_PRACK_ALL,			/* ours all of them                         */
};

struct sip_opts {
	char contact_host[256];		/* "" = the listener's advertised name      */
	char user_agent[128];		/* "" = "Tandem"                            */
	char x_ms_sbc[128];		/* "" = header not sent                     */
	struct str contact_uri;		/* our Contact as it is; absent: made. Outlives its sessions */
	struct str allow_text;		/* our Allow as it is; absent: made         */
	bool from_host_is_contact;	/* From host = contact_host (Direct Routing)*/
	bool user_phone;		/* ;user=phone on Request-URI and To        */
	enum sip_prack prack;
	bool update;			/* UPDATE is taken, RFC 3311                */
	bool info;			/* INFO is taken, RFC 6086                  */
	bool session_timer;		/* offer and accept RFC 4028                */
	bool refresh_update;		/* ... and refresh by UPDATE where the peer takes it, else by INVITE */
	uint32_t session_expires_s;	/* 1800 */
	uint32_t min_se_s;		/* 90   */
	bool session_id;		/* Session-ID (RFC 7989) on every message   */
	uint32_t login;			/* of sip_login_add(); 0: a challenge is final */
	uint32_t allow;			/* bit per sip_method; 0 = what works       */
	bool own_record_route;		/* the Record-Route of our requests is our own (a proxy and its user
					 * in one, as the hub is): it is no route for us           */
	bool never_dial_contact;	/* in-dialog requests only to the route set or the trunk's host:
					 * a Contact with another port is never dialled when a Record-Route exists */
};

#endif
