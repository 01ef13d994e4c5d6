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

#define CONTACT "Contact: <sip:9@10.0.0.9:5060>\r\n"

#endif
