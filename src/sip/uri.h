/*
 * uri.h - SIP and tel URIs (RFC 3261 19.1, RFC 3966), parsed to slices.
 * Pure; nothing is unescaped in place. Owner: the bytes belong to the caller.
 */
#ifndef SIP_URI_H
#define SIP_URI_H
#include "base/buf.h"
#include "base/str.h"

enum sip_scheme { SIP_SCHEME_NONE, SIP_SCHEME_SIP, SIP_SCHEME_SIPS, SIP_SCHEME_TEL, SIP_SCHEME_OTHER };

struct sip_uri {
	enum sip_scheme scheme;
	struct str raw;		/* all of it, byte for byte                   */
	struct str user;	/* escaped as received; tel: the number       */
	struct str password;
	struct str host;	/* without brackets for IPv6                  */
	uint16_t port;		/* 0: none given                              */
	struct str params;	/* behind the first ';', without it           */
	struct str headers;	/* behind '?', without it                     */
};

/* ERR_PARSE: not a URI. A scheme we do not know gives SIP_SCHEME_OTHER, OK. */
enum err sip_uri_parse(struct str s, struct sip_uri *u);
/* Value of a parameter; absent (p == NULL) when missing, empty (n == 0) when without value.
 * The quotes of a quoted value are left out, its backslashes kept. */
struct str sip_param(struct str params, const char *name);
/* Walks "a=b;c;d" from *rest, which becomes what follows (absent after the last). false:
 * no more. `value` as sip_param() gives it; name may be empty (";;"). */
bool sip_param_next(struct str *rest, struct str *name, struct str *value);
/* RFC 3261 19.1.4 equality, %-escapes resolved. */
bool sip_uri_eq(const struct sip_uri *a, const struct sip_uri *b);
/* The user part with %-escapes resolved, user parameters (;ext=) kept. */
void sip_user_plain(struct buf *b, struct str user);
/* The user part with what needs it %-escaped. */
void sip_user_escaped(struct buf *b, struct str plain);
/* The same for a number that has no parameters: a ';' in it is escaped, too, so that it reads as none. */
void sip_number_escaped(struct buf *b, struct str plain);
/* A host as a URI and a Via want it: an IPv6 address in brackets (RFC 3261 25.1), all else as it is. */
void sip_write_host(struct buf *b, struct str host);

struct sip_nameaddr {		/* From, To, Contact, Route, PAI, Refer-To */
	struct str raw;
	struct str display;	/* unquoted slice, backslashes kept           */
	struct sip_uri uri;
	struct str params;	/* header parameters                          */
};
/* One element; *rest is what follows a top-level comma (absent: none). ERR_PARSE also for
 * the "*" of a Contact, which is no address. */
enum err sip_nameaddr_parse(struct str s, struct sip_nameaddr *na, struct str *rest);

#endif
