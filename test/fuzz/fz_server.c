/*
 * A whole server at virtual time: phones, a PBX and Teams do anything in any order. Two bytes a
 * step: what, and who and when. When all have hung up, no call, leg, session, dialog, transaction
 * or media end may be left.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/flow.h"

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);

enum { STEPS_MAX = 60, TEXT_MAX = 16384 };

static const char *const cast[] = {
	"peer bob 10.0.1.12 via phones auth=1002", "peer alice 10.0.1.11 via phones auth=1001",
	"peer pbx 10.0.2.1 via pbx", "peer teams 52.112.0.1 via teams",
};
static const char *const who[] = { "bob", "alice", "pbx", "teams" };
static const char *const what[] = {
	"INVITE 1001 sdp=rtp:pcmu,pcma,events", "INVITE 1002 sdp=rtp:pcma", "INVITE 1001",
	"INVITE +14255550101 sdp=srtp:pcmu,events", "INVITE 9999 sdp=rtp:pcmu", "INVITE 1004 sdp=rtp:g729",
	"100", "180", "180 tag=b", "183 sdp=rtp:pcmu", "183 sdp=srtp:pcmu tag=b", "181",
	"200 sdp=rtp:pcmu,events", "200 sdp=srtp:pcmu,events", "200 sdp=rtp:pcma tag=c", "200", "200 sdp=rtp:g722",
	"302", "404", "408", "480", "486", "488", "491", "500", "503", "503 Retry-After=5", "603",
	"ACK", "ACK sdp=rtp:pcmu", "BYE", "CANCEL", "CANCEL hdr:\"Reason: SIP;cause=200\"",
	"re-INVITE sdp=rtp:pcmu dir=sendonly", "re-INVITE sdp=rtp:pcmu", "re-INVITE sdp=srtp:pcmu dir=inactive",
	"re-INVITE sdp=srtp:pcmu", "re-INVITE", "re-INVITE sdp=rtp:pcmu same", "UPDATE", "UPDATE sdp=rtp:pcmu",
	"INFO", "REFER", "NOTIFY", "OPTIONS", "PRACK", "MESSAGE", "REGISTER", "SUBSCRIBE",
};
static const unsigned ms[] = { 0, 0, 1, 20, 100, 600, 2600, 4100, 12500, 20500, 33000, 61000, 185000 };
static const char *const world[] = {
	"cut 52.112.0.1", "cut 10.0.2.1", "net loss=300", "net loss=0 dup=300 reorder=300", "net loss=0",
	"option teams mute", "option teams mute off", "option bob noauto", "option bob noauto off",
	"option alice no487", "option pbx mute", "option pbx mute off", "restart", "media bob <> alice",
	"media bob <> teams", "media pbx <> alice",
};
#define N(a) (sizeof(a) / sizeof *(a))

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)
{
	static char why[200000];	/* of one run */
	char text[TEXT_MAX];
	size_t at = 0;

	for (size_t i = 0; i < N(cast); i++)
		at += (size_t)snprintf(text + at, sizeof text - at, "%s\n", cast[i]);
	for (size_t i = 0; i + 1 < n && i < 2 * STEPS_MAX; i += 2) {
		unsigned when = ms[(d[i + 1] >> 2) % N(ms)];

		if (d[i] >= 224)
			at += (size_t)snprintf(text + at, sizeof text - at, "+%u %s\n", when,
					       world[d[i] % N(world)]);
		else
			at += (size_t)snprintf(text + at, sizeof text - at, "+%u %s > %s\n", when,
					       who[d[i + 1] & 3], what[d[i] % N(what)]);
	}
	if (getenv("FZ_SHOW"))
		fputs(text, stderr);
	if (!flow_run_any(text, at, why, sizeof why)) {
		fprintf(stderr, "%s%s", text, why);
		abort();
	}
	return 0;
}
