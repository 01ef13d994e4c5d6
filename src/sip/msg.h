/*
 * msg.h - one SIP message, parsed once, in one pass, into an arena
 * (RFC 3261 7, 25; leniency and refusals as RFC 4475 asks).
 *
 * Does: start line, all header fields as slices with their id, the structured
 *   ones that routing, transactions and dialogs need parsed eagerly, the rest
 *   on demand by sip_hdr(). Compact forms are the same as long ones.
 * Does not: copy the bytes (slices point into `raw`), do I/O, judge semantics
 *   beyond what makes the message unusable.
 * Errors: sip_msg_parse() returns ERR_PARSE or ERR_LIMIT and fills `refuse`: a status
 *   (400, 505, 513, ...) when enough was understood to answer, 0 to drop. Only in the
 *   first case *out is set too: a request whose top Via is parsed and whose other
 *   header fields are there as far as they were read (From, To may be missing).
 * Strict where leniency is ambiguous: lines end with CRLF, no bare CR or LF, no control
 *   bytes, one Content-Length. A folded header is unfolded into the arena.
 * Test: test/unit/sip/t_msg.c, t_torture.c; test/fuzz/fz_msg.c
 */
#ifndef SIP_MSG_H
#define SIP_MSG_H
#include "base/addr.h"
#include "base/mem.h"
#include "io/net.h"
#include "sip/limits.h"
#include "sip/uri.h"

#define SIP_METHODS(X) \
	X(INVITE) X(ACK) X(BYE) X(CANCEL) X(OPTIONS) X(REGISTER) X(PRACK) X(UPDATE) X(INFO) \
	X(REFER) X(NOTIFY) X(SUBSCRIBE) X(MESSAGE) X(PUBLISH)
enum sip_method {
#define X(m) SIP_##m,
	SIP_METHODS(X)
#undef X
	SIP_METHOD_OTHER, SIP_NMETHOD
};
struct str sip_method_str(enum sip_method m);

/* X(ID, "Canonical-Name", 'compact' or 0) */
#define SIP_HEADERS(X) \
	X(VIA, "Via", 'v') X(FROM, "From", 'f') X(TO, "To", 't') X(CALL_ID, "Call-ID", 'i') \
	X(CSEQ, "CSeq", 0) X(CONTACT, "Contact", 'm') X(MAX_FORWARDS, "Max-Forwards", 0) \
	X(ROUTE, "Route", 0) X(RECORD_ROUTE, "Record-Route", 0) \
	X(CONTENT_LENGTH, "Content-Length", 'l') X(CONTENT_TYPE, "Content-Type", 'c') \
	X(CONTENT_ENCODING, "Content-Encoding", 'e') X(CONTENT_DISPOSITION, "Content-Disposition", 0) \
	X(EXPIRES, "Expires", 0) X(MIN_EXPIRES, "Min-Expires", 0) \
	X(ALLOW, "Allow", 0) X(SUPPORTED, "Supported", 'k') X(REQUIRE, "Require", 0) \
	X(PROXY_REQUIRE, "Proxy-Require", 0) X(UNSUPPORTED, "Unsupported", 0) \
	X(ACCEPT, "Accept", 0) X(REASON, "Reason", 0) X(RETRY_AFTER, "Retry-After", 0) \
	X(SESSION_EXPIRES, "Session-Expires", 'x') X(MIN_SE, "Min-SE", 0) \
	X(AUTHORIZATION, "Authorization", 0) X(PROXY_AUTHORIZATION, "Proxy-Authorization", 0) \
	X(WWW_AUTHENTICATE, "WWW-Authenticate", 0) X(PROXY_AUTHENTICATE, "Proxy-Authenticate", 0) \
	X(REPLACES, "Replaces", 0) X(REFER_TO, "Refer-To", 'r') X(REFERRED_BY, "Referred-By", 'b') \
	X(RACK, "RAck", 0) X(RSEQ, "RSeq", 0) X(EVENT, "Event", 'o') \
	X(SUBSCRIPTION_STATE, "Subscription-State", 0) \
	X(P_ASSERTED_IDENTITY, "P-Asserted-Identity", 0) X(PRIVACY, "Privacy", 0) \
	X(REMOTE_PARTY_ID, "Remote-Party-ID", 0) X(DIVERSION, "Diversion", 0) \
	X(HISTORY_INFO, "History-Info", 0) X(SESSION_ID, "Session-ID", 0) \
	X(CISCO_GUID, "Cisco-Guid", 0) X(USER_AGENT, "User-Agent", 0) X(SERVER, "Server", 0) \
	X(X_MS_SBC, "X-MS-SBC", 0) X(PATH, "Path", 0) X(SERVICE_ROUTE, "Service-Route", 0) \
	X(DATE, "Date", 0) X(WARNING, "Warning", 0) X(MAX_BREADTH, "Max-Breadth", 0) \
	X(GEOLOCATION, "Geolocation", 0) X(MIME_VERSION, "MIME-Version", 0) \
	X(ALERT_INFO, "Alert-Info", 0) X(SUBJECT, "Subject", 's') \
	X(ALLOW_EVENTS, "Allow-Events", 'u')
enum sip_hdr_id {
#define X(id, name, c) SIP_H_##id,
	SIP_HEADERS(X)
#undef X
	SIP_H_OTHER, SIP_NHDR
};
const char *sip_hdr_name(enum sip_hdr_id id);

struct sip_hdr {
	enum sip_hdr_id id;
	uint16_t next;			/* index + 1 of the next with this id; 0: last */
	struct str name, value;		/* value: trimmed, unfolded: never a CR or LF in it.
					 * A NUL only behind a backslash within quotes. */
};

struct sip_via {
	struct str raw, transport, host, branch, received, params;
	uint16_t port;			/* 0: none given */
	bool rport;			/* parameter present */
};

/* One element; *rest as with sip_nameaddr_parse(). ERR_LIMIT: a cap of limits.h. */
enum err sip_via_parse(struct str s, struct sip_via *v, struct str *rest);

enum sip_transport { SIP_UDP, SIP_TCP, SIP_TLS, SIP_NTRANSPORT };

struct sip_body {
	struct str type;		/* Content-Type with its parameters; absent: none */
	struct str bytes;
};

struct sip_msg {
	struct str raw;
	bool request;
	enum sip_method method;		/* responses: from CSeq */
	struct str method_name;		/* as received          */
	struct sip_uri uri;		/* request              */
	unsigned status;		/* response: 100..699   */
	struct str phrase;
	struct sip_via via;		/* topmost              */
	unsigned nvia;
	struct sip_nameaddr from, to;
	struct str from_tag, to_tag;	/* absent when missing  */
	struct str call_id;
	uint32_t cseq;
	enum sip_method cseq_method;
	uint32_t max_forwards;		/* UINT32_MAX: absent   */
	struct sip_body body;
	uint16_t nhdr;
	struct sip_hdr *hdr;
	uint16_t first[SIP_NHDR];	/* index + 1 into hdr; 0: absent */

	/* where it came from; filled by the transport */
	enum sip_transport transport;
	struct addr src, dst;
	uint32_t listener;		/* index; on streams of ours the one they were made for */
	net_id flow;			/* socket or stream it came in on */
	uint8_t heard;			/* enum source_verdict            */
};

struct sip_refuse {
	unsigned status;		/* 0: drop without an answer */
	const char *phrase;
};

enum err sip_msg_parse(struct str bytes, struct arena *a, struct sip_msg **out,
		       struct sip_refuse *refuse);
/* Is the media type this one ("application/sdp"), whatever its parameters? */
bool sip_body_is(const struct sip_body *b, const char *type);
/* First value of a header; absent: p == NULL. */
struct str sip_hdr(const struct sip_msg *m, enum sip_hdr_id id);
/* Walk all: start with NULL. */
const struct sip_hdr *sip_hdr_each(const struct sip_msg *m, enum sip_hdr_id id,
				   const struct sip_hdr *prev);
/* Does a comma separated list header (Allow, Supported, Require) have the token? */
bool sip_hdr_has(const struct sip_msg *m, enum sip_hdr_id id, const char *token);

#endif
