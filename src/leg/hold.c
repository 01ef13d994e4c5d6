#include "leg/hold.h"

bool hold_said(const struct sdp_remote *r)
{
	return r->zero || r->dir == SDP_SENDONLY || r->dir == SDP_INACTIVE;
}

/* [style][it holds us][we hold it] */
static const enum sdp_dir shown[HOLD_NSTYLE][2][2] = {
	[HOLD_SENDONLY] = { { SDP_SENDRECV, SDP_SENDONLY }, { SDP_RECVONLY, SDP_INACTIVE } },
	[HOLD_INACTIVE] = { { SDP_SENDRECV, SDP_INACTIVE }, { SDP_INACTIVE, SDP_INACTIVE } },
	[HOLD_MUSIC] = { { SDP_SENDRECV, SDP_SENDRECV }, { SDP_RECVONLY, SDP_RECVONLY } },
};

enum sdp_dir hold_shown(bool it_holds, bool we_hold, enum hold_style style)
{
	return shown[style][it_holds][we_hold];
}

/* [offered]: the most an answer may say (RFC 3264 6.1), as bits 1 = we send, 2 = we receive. */
static const unsigned most[] = {
	[SDP_SENDRECV] = 3, [SDP_SENDONLY] = 2, [SDP_RECVONLY] = 1, [SDP_INACTIVE] = 0,
};

static const enum sdp_dir of_bits[] = { SDP_INACTIVE, SDP_SENDONLY, SDP_RECVONLY, SDP_SENDRECV };

static unsigned bits_of(enum sdp_dir d)
{
	return d == SDP_SENDRECV ? 3u : d == SDP_SENDONLY ? 1u : d == SDP_RECVONLY ? 2u : 0u;
}

enum sdp_dir hold_answer(enum sdp_dir offered, bool we_hold, enum hold_style style)
{
	/* What it holds is in the offer itself; only our own fact narrows the answer. */
	unsigned own = bits_of(shown[style][0][we_hold]);

	return of_bits[own & most[offered]];
}

bool hold_may_send(bool it_holds, bool we_hold, enum hold_style style)
{
	return !it_holds && (!we_hold || style == HOLD_MUSIC);
}

bool hold_expects(bool it_holds, bool we_hold)
{
	return !it_holds && !we_hold;
}
