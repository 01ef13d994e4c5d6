#include "trunk/trunk.h"

/* Peers' quirks as data. What a document does not say stays configurable. */
static const struct trunk_profile rows[] = {
	{ .name = "teams", .teams = true, .plus_e164 = true, .srtp_mandatory = true,
	  .hold_inactive = true, .session_timer = true, .from_host_is_fqdn = true,
	  .never_dial_contact = true, .fill = true, .close_on_503 = true, .first_response_ms = 2500, .ring_by_ms = 8000,
	  .options_s = 60, .source = "Microsoft: Direct Routing, SIP and media protocols",
	  .date = "2023-01; certificates 2026-06" },
	/* PRACK: "Send PRACK for all 1xx messages", which Direct Routing over CUCM asks for. */
	{ .name = "cucm", .session_timer = true, .prack = TRUNK_PRACK_ALL, .update = true,
	  .info = true, .pai = true, .rpid = true, .trust = true, .divert_in = true,
	  .divert_out = true, .guid = true, .options_s = 60,
	  .source = "Cisco: CUCM 15 SIP trunk, Direct Routing with Cisco UCM via CUBE",
	  .date = "2023-06" },
	{ .name = "generic", .session_timer = true, .prack = TRUNK_PRACK_SDP, .update = true,
	  .info = true, .pai = true, .trust = true, .divert_in = true, .divert_out = true,
	  .options_s = 60, .source = "RFC 3261",
	  .date = "2002-06" },
	{ .name = "carrier", .plus_e164 = true, .session_timer = true, .prack = TRUNK_PRACK_SDP,
	  .update = true, .pai = true, .trust = true, .divert_in = true, .divert_out = true,
	  .options_s = 60,
	  .source = "SIPconnect 2.0", .date = "2016-12" },
};

const struct trunk_profile *trunk_profile_at(int i)
{
	return i >= 0 && (size_t)i < sizeof rows / sizeof *rows ? &rows[i] : NULL;
}

const struct trunk_profile *trunk_profile(struct str name)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (str_is(name, rows[i].name))
			return &rows[i];
	return NULL;
}

static const char *either(bool first, bool second, const char *a, const char *b)
{
	return first && second ? "both" : first ? a : second ? b : "none";
}

void trunk_profiles_doc(struct buf *b)
{
	static const char *const prack[] = { [TRUNK_PRACK_OFF] = "off", [TRUNK_PRACK_SDP] = "sdp", [TRUNK_PRACK_ALL] = "all" };

	buf_lit(b, "\n## What a profile sets\n\nA trunk's own setting goes before it.\n\n"
		   "| profile | srtp | media | prack | identity | asserted-identity | diversion | first-response | after |\n"
		   "|---|---|---|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct trunk_profile *p = &rows[i];

		buf_fmt(b, "| `%s` | %s | %s | %s | %s | %s | %s | ", p->name, p->srtp_mandatory ? "mandatory" : "optional",
			p->latch ? "latch" : "sdp", prack[p->prack], either(p->pai, p->rpid, "pai", "rpid"), p->trust ? "trust" : "ignore",
			p->divert_in || p->divert_out ? either(p->divert_in, p->divert_out, "in", "out") : "off");
		if (p->first_response_ms)
			buf_fmt(b, "%u ms", (unsigned)p->first_response_ms);
		else
			buf_lit(b, "32 s (Timer B)");
		buf_fmt(b, " | %s, %s |\n", p->source, p->date);
	}
}

const char *trunk_state_str(enum trunk_state s)
{
	static const char *const name[] = { "unknown", "up", "partial", "down", "disabled" };

	return name[s];
}
