/*
 * script.h - a scripted far end at 10.0.0.9: what the stack's own twin (bed.h) would not do.
 */
#ifndef SCRIPT_H
#define SCRIPT_H
#include "bed.h"

/* A response of the peer to the nth request with this prefix. */
struct reply {
	const char *to_request;
	int nth;
	const char *line;		/* "180 Ringing" */
	const char *tag, *extra, *body;
};

struct addr peer(void);
void reply(struct bed *b, struct reply r);
/* A request of the peer inside the dialog of the first INVITE sent to it; `tag` is the peer's. */
void ask(struct bed *b, const char *method, int cseq, const char *tag, const char *extra);
struct bed *alone(enum sip_zone_kind zone);
uint64_t call_with(struct bed *b, const struct sip_opts *o);
uint64_t call(struct bed *b);

/* The peer calls side A: "sip:100@10.0.0.1", Call-ID "in", From tag "p". body NULL: no offer. */
void call_in(struct bed *b, const char *extra, const char *body);
/* A request of that caller in the dialog; its To tag is taken from our last response with one. */
void ask_in(struct bed *b, const char *method, int cseq, const char *extra, const char *body);
/* Value of a header of the last message whose text begins so; fails the test when none is. */
const char *value(struct bed *b, const char *prefix, const char *header, char out[300]);

#define CONTACT "Contact: <sip:9@10.0.0.9:5060>\r\n"

#endif
