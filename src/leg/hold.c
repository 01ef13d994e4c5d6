#include "leg/hold.h"

/* A direction as two bits, from the side of who says it. */
enum { SENDS = 1, RECEIVES = 2 };

static unsigned bits_of(enum sdp_dir d)
{
	static const unsigned bits[SDP_NDIR] = {
		[SDP_SENDRECV] = SENDS | RECEIVES, [SDP_SENDONLY] = SENDS, [SDP_RECVONLY] = RECEIVES,
	};

	return bits[d];
}

static enum sdp_dir dir_of(unsigned bits)
{
	static const enum sdp_dir dir[] = { SDP_INACTIVE, SDP_SENDONLY, SDP_RECVONLY, SDP_SENDRECV };

	return dir[bits];
}

/* The same seen from the other side. */
static unsigned mirrored(unsigned bits)
{
	return (bits & SENDS ? RECEIVES : 0u) | (bits & RECEIVES ? SENDS : 0u);
}

/* What it really wants: nobody can send to 0.0.0.0 (RFC 3264 8.4, hold of old). */
static unsigned wants(const struct sdp_remote *r)
{
	return r->zero ? bits_of(r->dir) & SENDS : bits_of(r->dir);
}

bool hold_said(const struct sdp_remote *r)
{
	return !(wants(r) & RECEIVES);
}

bool hold_answered(bool it_holds, enum sdp_dir offered, const struct sdp_remote *answer)
{
	unsigned w = wants(answer);

	if (!(bits_of(offered) & SENDS))
		return it_holds;
	if (w & RECEIVES)
		return false;
	/* To "sendonly" many say "inactive" who only want no music. */
	return offered == SDP_SENDRECV || it_holds;
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

enum sdp_dir hold_asked(bool we_hold, enum hold_style style)
{
	return shown[style][0][we_hold];
}

enum sdp_dir hold_answer(const struct sdp_remote *offer, bool we_hold, enum hold_style style)
{
	/* Its hold is in the offer itself; only our own fact narrows the answer (6.1). */
	return dir_of(bits_of(shown[style][0][we_hold]) & mirrored(wants(offer)));
}

struct hold_flow hold_flow(enum sdp_dir ours, const struct sdp_remote *theirs, bool it_holds,
			   bool we_hold)
{
	unsigned both = bits_of(ours) & mirrored(wants(theirs));

	return (struct hold_flow){ .send = both & SENDS,
				   .expect = (both & RECEIVES) && !it_holds && !we_hold };
}
