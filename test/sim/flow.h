/*
 * flow.h - whole calls as text: a `.flow` file is read line by line, scripted peers talk to a
 * whole server on the simulated loop, at virtual time.
 *
 * Peers write their SIP from plain templates and read it by looking for header lines; nothing
 * of src/sip is used, so a mistake there is not made twice.
 * Language: doc/flow.md.
 * Owner: struct flow owns everything. A failed step ends its file (flow_fail()).
 */
#ifndef SIM_FLOW_H
#define SIM_FLOW_H
#include "app/server.h"
#include "conf/config.h"
#include "media/srtp.h"
#include "sim/sim_loop.h"
#include "store/record.h"

enum { FLOW_PEERS = 12, FLOW_DIALOGS = 24, FLOW_ARGS = 40, FLOW_INBOX = 400, FLOW_LADDER = 600,
       FLOW_TEXT = 16384, FLOW_STREAMS = 16, FLOW_FMT = 8, FLOW_WAIT_MS = 60 };

struct flow;
struct flow_peer;

struct flow_fmt { char name[16]; int pt; };

struct flow_sdp {			/* what one side said */
	struct addr rtp;
	bool srtp;
	enum srtp_suite suite;
	int tag;
	uint8_t key[SRTP_KEY_MAX];
	struct flow_fmt fmt[FLOW_FMT];
	int nfmt;
};

struct flow_media {			/* one RTP port of a peer's dialog */
	net_id sock;
	struct addr at;
	struct flow_sdp mine, theirs;
	bool moved;			/* their last SDP names another port or key */
	struct srtp *tx, *rx;
	uint8_t rx_key[SRTP_KEY_MAX];
	uint16_t seq;
	uint32_t ts;
	unsigned heard, heard_mark, bad, clear;	/* packets; with the mark listened for */
	int heard_pt;
	uint8_t mark;
	unsigned ssrcs, marks;		/* sources seen; packets with the marker bit */
	uint32_t last_ssrc;
	uint16_t last_seq;
	unsigned jumps;			/* sequence numbers that do not follow */
};

struct flow_dialog {
	struct flow_peer *peer;
	bool uac, answered, reinvite;	/* reinvite: our last INVITE was one in the dialog */
	char call_id[160], local_tag[64], remote_tag[64];
	char local[300], remote[300];	/* URIs of From and To */
	char target[600], route[1200];	/* where requests in the dialog go */
	char branch[80];		/* of our INVITE */
	uint32_t cseq, invite_cseq;
	char rseq[16];			/* of the last reliable response: PRACK names it */
	char *invite;			/* the last INVITE received: what responses copy */
	char *request;			/* the last other request received */
	char *sent;			/* our last INVITE's line: repeated with credentials */
	char ruri[300];
	net_id stream;			/* the INVITE came over it */
	uint32_t sdp_version;
	int said;			/* SDPs sent: a `same` one repeats the version */
	struct flow_media media;
};

struct flow_msg {
	ms_t at;
	char *text;
	struct flow_dialog *d;
	net_id stream;
	char method[16];		/* of the request, or of the response's CSeq */
	unsigned status;		/* 0: a request */
	bool used;
};

struct flow_stream {
	struct flow_peer *peer;
	net_id id;
	bool open, ours;
	char *bytes;
	size_t n;
};

enum flow_transport { FLOW_UDP, FLOW_TCP, FLOW_TLS };

struct flow_peer {
	struct flow *f;
	char name[32], host[80], contact[300], rr[300], auth[64], password[64];
	struct addr at, server;
	enum flow_transport transport;
	bool teams, no487, no100, mute, noauto, sha256, norr, silent_options;
	int options_status;
	unsigned options_seen;
	net_id sock, listener;
	struct flow_stream *stream[FLOW_STREAMS];
	int nstreams;
	unsigned closed;			/* streams of its that ended */
	struct flow_dialog *dialog[FLOW_DIALOGS];
	int ndialogs;
	struct flow_dialog *now;	/* of the last message */
	struct flow_dialog *plain;	/* OPTIONS, REGISTER */
	char *challenge;		/* the last 401 */
	unsigned nc;			/* how often its nonce was used */
	struct flow_msg inbox[FLOW_INBOX];
	int ninbox;
	uint16_t next_port;
};

struct flow_args {
	char mem[2048];
	char *v[FLOW_ARGS];
	int n;
};

struct flow {
	const char *file;
	unsigned line;
	const char *text;		/* the line that is being done */
	char why[4000];			/* "" while it goes well */
	char *config_text, *site_text;
	struct config *config;
	struct loop *loop;
	struct server *server;
	bool started, ended;
	struct flow_peer *peer[FLOW_PEERS];
	int npeers;
	uint32_t serial;
	char *ladder[FLOW_LADDER];
	int nladder;
	ms_t t0;
	struct call_record last;
	uint32_t nrecords;
	bool have_last, verbose;
};

/* flow_script.c */
bool flow_run_file(const char *file, bool verbose, char *why, size_t cap);

/* Any steps, for fuzzing: what a peer cannot do now is left out. Afterwards everybody hangs up, and
 * nothing may be left behind. */
bool flow_run_any(const char *text, size_t n, char *why, size_t cap);

/* flow_text.c: words, and header lines of a message */
void flow_split(const char *line, struct flow_args *a);
/* What stands behind the word `after`; its words still belong to *a. */
void flow_tail(const struct flow_args *a, const char *after, struct flow_args *out);
const char *flow_arg(const struct flow_args *a, const char *key);	/* "key=": its value; NULL */
bool flow_word(const struct flow_args *a, const char *word);
/* The i-th header of that name, without its name; false: no such one. */
bool flow_header(const char *msg, const char *name, int i, char *dst, size_t cap);
const char *flow_body(const char *msg);
bool flow_param(const char *value, const char *name, char *dst, size_t cap);	/* ;name=value */
void flow_uri(const char *value, char *dst, size_t cap);	/* inside <> */
void flow_put(char *dst, size_t cap, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
bool flow_contains(const char *hay, const char *needle);	/* ASCII case ignored */
unsigned flow_number(const char *s, unsigned other);
bool flow_in_range(const char *want, uint64_t v);	/* "5", "5..9", "5.." */

/* flow_log.c */
void flow_fail(struct flow *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void flow_ladder(struct flow *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void flow_ladder_write(const struct flow *f, struct buf *b);

/* flow_bed.c: configuration, site, server */
bool flow_standard_config(struct flow *f);
bool flow_standard_site(struct flow *f);
void flow_standard_names(struct flow *f);
void flow_set(struct flow *f, const char *name, const char *setting);
void flow_add(struct flow *f, const char *section, const char *entry);
bool flow_start(struct flow *f);
void flow_restart(struct flow *f);
void flow_close(struct flow *f);

/* flow_peer.c: sockets and streams of peers, what arrives */
struct flow_peer *flow_peer_new(struct flow *f, const struct flow_args *a);
void flow_peer_free(struct flow_peer *p);
struct flow_peer *flow_peer_of(struct flow *f, const char *name);
void flow_peer_send(struct flow_peer *p, net_id stream, const char *text);
net_id flow_peer_connect(struct flow_peer *p);
struct flow_dialog *flow_dialog_new(struct flow_peer *p);
struct flow_dialog *flow_dialog_by_id(struct flow_peer *p, const char *call_id);
bool flow_run_until(struct flow *f, ms_t at, const struct flow_peer *news);

/* flow_arrive.c: what a peer does with a message by itself */
void flow_arrived(struct flow_peer *p, net_id stream, const char *text, size_t n);

/* flow_sip.c: messages that peers write */
void flow_send(struct flow_peer *p, struct flow_dialog *d, const struct flow_args *a);
void flow_respond(struct flow_dialog *d, const char *request, unsigned status,
		  const struct flow_args *a);
void flow_auto_ack(struct flow_dialog *d, const char *response);
void flow_learn(struct flow_dialog *d, const char *text, bool request);
void flow_register(struct flow_peer *p);

/* flow_request.c */
void flow_request(struct flow_dialog *d, const char *method, const struct flow_args *a);
bool flow_invite_again(struct flow_dialog *d);	/* false: it may not */
/* "Header: value" lines that a message carries besides its own. */
void flow_extra(const struct flow_args *a, struct buf *b);
void flow_contact(const struct flow_dialog *d, struct buf *b);

/* flow_digest.c: "Authorization: ...\r\n" for the peer's last challenge */
bool flow_credentials(struct flow_peer *p, const char *method, const char *uri,
		      char *dst, size_t cap);

/* Do the credentials in this request hold for "USER:PASSWORD"? */
bool flow_auth_holds(const char *request, const char *user_password);

/* flow_sdp.c */
void flow_sdp_write(struct flow_dialog *d, const struct flow_args *a, char *dst, size_t cap);
void flow_sdp_read(struct flow_dialog *d, const char *body);

/* flow_media.c */
bool flow_media_open(struct flow_dialog *d);
void flow_media_close(struct flow_media *m);
void flow_media_keys(struct flow_media *m);
void flow_media_step(struct flow *f, const struct flow_args *a);
void flow_heard(struct flow *f, const struct flow_args *a);

/* flow_check.c */
void flow_expect(struct flow_peer *p, struct flow_dialog *d, const struct flow_args *a);
void flow_expect_rest(struct flow *f);
void flow_saw(struct flow *f, const struct flow_args *a);

/* flow_look.c: records, trunks, counts */
void flow_cdr(struct flow *f, const struct flow_args *a);
void flow_leg(struct flow *f, const struct flow_args *a);
void flow_note(struct flow *f, const struct flow_args *a);
void flow_trunk(struct flow *f, const struct flow_args *a);
void flow_counts(struct flow *f, const struct flow_args *a);
void flow_show(struct flow *f, const struct flow_args *a);

#endif
