/*
 * mwi.h - the lamp of a line: message waiting (RFC 3842) between a trunk's voicemail and the phones.
 *
 * Does: a phone that shows its password may subscribe to message-summary of its own (first) line and
 *   is told each change; the state comes out of a trunk's NOTIFYs: unsolicited ones for a number of
 *   ours, as CUCM sends them, or those of our own subscription, held while a phone has one.
 * Does not: keep the state over a restart (it is unknown then, and a NOTIFY says nothing), notify
 *   phones that did not subscribe, count messages itself.
 * Owner: app/server. Threads: the loop's. Test: test/flow/mwi-*.flow, test/live/mwi.py
 */
#ifndef SERVICE_MWI_H
#define SERVICE_MWI_H
#include "service/registrar.h"
#include "sip/subscription.h"

struct mwi;

#define MWI_EVENT "message-summary"
enum { MWI_PER_PHONE = 10 };		/* subscriptions of a phone; the oldest makes way */

struct mwi_config {
	struct loop *loop;
	struct sip *sip;
	struct registrar *registrar;
	struct directory *const *directory;	/* the snapshot of now */
};
struct mwi *mwi_new(const struct mwi_config *c);
void mwi_free(struct mwi *m);

struct mwi_trunk {			/* where we subscribe; none: unsolicited NOTIFYs alone */
	struct sip_dest dest;
	struct sip_opts opts;
	char from_host[256];		/* of From: our FQDN, or our address */
};
void mwi_subscribe_at(struct mwi *m, const struct mwi_trunk *t);	/* copies; the last one counts */

/* SIP_EV_SUBSCRIBE: answered here. */
void mwi_on_subscribe(struct mwi *m, const struct sip_event *ev);
/* SIP_EV_SUB_REFRESHED, SIP_EV_NOTIFY, SIP_EV_SUB_ENDED. */
void mwi_on_news(struct mwi *m, const struct sip_event *ev);
/* A NOTIFY of no subscription from a trunk (SIP_EV_REQUEST): answered here. */
void mwi_on_notify(struct mwi *m, const struct sip_event *ev);
/* Another site is in force: who would not be let in as before is told no more. */
void mwi_on_directory(struct mwi *m, const struct directory *old);
uint32_t mwi_count(const struct mwi *m);	/* phones' subscriptions */

#endif
