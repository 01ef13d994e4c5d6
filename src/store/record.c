#include "store/record.h"

#include <string.h>

static const char *const kinds[RECORD_NKIND] = {
	[RECORD_PHONE] = "phone", [RECORD_ENDPOINT] = "trunk endpoint",
	[RECORD_REMOTE] = "remote destination", [RECORD_TRUNK] = "trunk",
};
static const char *const sides[RECORD_NSIDE] = {
	[RECORD_SIDE_NONE] = "", [RECORD_SIDE_CALLER] = "caller",
	[RECORD_SIDE_CALLED] = "called", [RECORD_SIDE_US] = "tandem",
};

#define MEDIA(st, m, t) \
	{ .name = "media_" #m, .type = t, .offset = offsetof(st, media.m), \
	  .size = sizeof(((st *)0)->media.m) }
#define MEDIA_FIELDS(st) \
	MEDIA(st, rx_packets, ROW_UINT), MEDIA(st, tx_packets, ROW_UINT), \
	MEDIA(st, lost, ROW_UINT), MEDIA(st, jitter_us, ROW_UINT), \
	MEDIA(st, rtt_us, ROW_UINT), MEDIA(st, codec, ROW_TEXT), \
	MEDIA(st, srtp, ROW_TEXT), MEDIA(st, auth_failed, ROW_UINT)
#define STRANGER_FIELDS(st) \
	MEDIA(st, refused, ROW_UINT), MEDIA(st, replayed, ROW_UINT), MEDIA(st, stranger, ROW_TEXT)

#define R(m, t) ROW_FIELD(struct call_record, m, t)
/* Append only: packed records of older programs are read by position. */
static const struct row_field record_field[] = {
	R(id, ROW_UINT), R(boot, ROW_UINT),
	R(calling, ROW_TEXT), R(calling_name, ROW_TEXT), R(caller_user, ROW_TEXT),
	R(caller_phone, ROW_UINT), R(caller, ROW_TEXT), R(caller_host, ROW_TEXT),
	R(caller_call_id, ROW_TEXT),
	R(called, ROW_TEXT), R(original_called, ROW_TEXT), R(final_called, ROW_TEXT),
	R(line, ROW_TEXT), R(line_user, ROW_TEXT),
	R(session_local, ROW_TEXT), R(session_remote, ROW_TEXT),
	R(start_wall, ROW_INT), R(answer_wall, ROW_INT), R(end_wall, ROW_INT),
	R(start_mono, ROW_UINT), R(ring_ms, ROW_UINT), R(talk_ms, ROW_UINT), R(held_ms, ROW_UINT),
	R(status, ROW_UINT), R(cause, ROW_UINT), R(reason, ROW_TEXT), R(text, ROW_TEXT),
	R(answered_by, ROW_UINT), ROW_ENUM(struct call_record, ended_by, sides, RECORD_NSIDE),
	R(hops, ROW_UINT), R(forwarded_to, ROW_TEXT), R(emergency, ROW_UINT),
	MEDIA_FIELDS(struct call_record),
	R(nleg, ROW_UINT), R(legs_lost, ROW_UINT), R(nnote, ROW_UINT), R(notes_lost, ROW_UINT),
	R(calling_hidden, ROW_UINT), R(redirected_by, ROW_TEXT), R(cisco_guid, ROW_TEXT),
	STRANGER_FIELDS(struct call_record),
};
#undef R

#define L(m, t) ROW_FIELD(struct record_leg, m, t)
static const struct row_field leg_field[] = {
	L(call, ROW_UINT), L(index, ROW_UINT),
	ROW_ENUM(struct record_leg, kind, kinds, RECORD_NKIND),
	L(name, ROW_TEXT), L(number, ROW_TEXT), L(trunk, ROW_TEXT), L(host, ROW_TEXT),
	L(call_id, ROW_TEXT),
	L(start_wall, ROW_INT), L(ring_wall, ROW_INT), L(answer_wall, ROW_INT),
	L(end_wall, ROW_INT), L(start_mono, ROW_UINT),
	L(ring_after_ms, ROW_UINT), L(answer_after_ms, ROW_UINT), L(end_after_ms, ROW_UINT),
	L(status, ROW_UINT), L(cause, ROW_UINT), L(reason, ROW_TEXT), L(text, ROW_TEXT),
	L(attempts, ROW_UINT),
	MEDIA_FIELDS(struct record_leg),
	STRANGER_FIELDS(struct record_leg),
};
#undef L

#define N(m, t) ROW_FIELD(struct record_note, m, t)
static const struct row_field note_field[] = {
	N(call, ROW_UINT), N(index, ROW_UINT), N(at_ms, ROW_UINT), N(reason, ROW_TEXT),
	N(text, ROW_TEXT),
};
#undef N

const struct row_kind record_row = {
	.table = "cdr", .field = record_field, .nfield = sizeof record_field / sizeof *record_field,
	.nkey = 1, .size = sizeof(struct call_record),
};
const struct row_kind record_leg_row = {
	.table = "cdr_leg", .field = leg_field, .nfield = sizeof leg_field / sizeof *leg_field,
	.nkey = 2, .size = sizeof(struct record_leg),
};
const struct row_kind record_note_row = {
	.table = "cdr_note", .field = note_field, .nfield = sizeof note_field / sizeof *note_field,
	.nkey = 2, .size = sizeof(struct record_note),
};

/* Two bytes of length for every field: the packed form fits whatever the texts are. */
_Static_assert(sizeof(struct call_record) + 4096 <= RECORD_PACK_MAX, "packed record has no room");

void record_init(struct call_record *r, uint64_t id)
{
	memset(r, 0, sizeof *r);
	r->id = id;
	r->answered_by = RECORD_NO_LEG;
}

struct record_leg *record_add_leg(struct call_record *r)
{
	struct record_leg *l;

	if (r->nleg >= RECORD_LEGS) {
		if (r->legs_lost < UINT16_MAX)
			r->legs_lost++;
		return NULL;
	}
	l = &r->leg[r->nleg];
	memset(l, 0, sizeof *l);
	l->call = r->id;
	l->index = (uint8_t)r->nleg++;
	return l;
}

void record_set_reason(char word[32], char text[200], const struct reason *why)
{
	static const struct row_field as_word = { .type = ROW_TEXT, .size = 32 };
	static const struct row_field as_text = { .type = ROW_TEXT, .size = 200 };
	char mem[512];
	struct buf b;

	buf_init(&b, mem, sizeof mem);
	reason_write(&b, why);
	row_set_text(&as_word, word, str_of(reason_word(why->code)));
	row_set_text(&as_text, text, buf_str(&b));
}

void record_add_note(struct call_record *r, uint32_t at_ms, const struct reason *why)
{
	struct record_note *n;

	if (r->nnote >= RECORD_NOTES) {
		if (r->notes_lost < UINT16_MAX)
			r->notes_lost++;
		return;
	}
	n = &r->note[r->nnote];
	n->call = r->id;
	n->index = (uint8_t)r->nnote++;
	n->at_ms = at_ms;
	record_set_reason(n->reason, n->text, why);
}

uint16_t record_q850(unsigned status)
{
	static const struct { uint16_t status, cause; } map[] = {
		/* RFC 3398 8.2.6.1; 200 and 487 are normal clearing */
		{ 200, 16 }, { 400, 41 }, { 401, 21 }, { 402, 21 }, { 403, 21 }, { 404, 1 },
		{ 405, 63 }, { 406, 79 }, { 407, 21 }, { 408, 102 }, { 410, 22 }, { 413, 127 },
		{ 414, 127 }, { 415, 79 }, { 416, 127 }, { 420, 127 }, { 421, 127 }, { 423, 127 },
		{ 480, 18 }, { 481, 41 }, { 482, 25 }, { 483, 25 }, { 484, 28 }, { 485, 1 },
		{ 486, 17 }, { 487, 16 }, { 488, 79 }, { 500, 41 }, { 501, 79 }, { 502, 38 },
		{ 503, 41 }, { 504, 102 }, { 505, 127 }, { 513, 127 }, { 600, 17 }, { 603, 21 },
		{ 604, 1 }, { 606, 79 },
	};

	for (size_t i = 0; i < sizeof map / sizeof *map; i++) {
		if (map[i].status == status)
			return map[i].cause;
	}
	return status >= 400 ? 127 : 0;
}

void record_pack(struct buf *b, const struct call_record *r, enum record_part part)
{
	unsigned nleg = part == RECORD_FEW_LEGS && r->nleg > 4 ? 4 : r->nleg;
	unsigned nnote = part == RECORD_ALL ? r->nnote : 0;
	unsigned char n[2];

	row_pack(b, &record_row, r);
	n[0] = (unsigned char)nleg;
	n[1] = (unsigned char)nnote;
	buf_bytes(b, n, 2);
	for (unsigned i = 0; i < nleg; i++)
		row_pack(b, &record_leg_row, &r->leg[i]);
	for (unsigned i = 0; i < nnote; i++)
		row_pack(b, &record_note_row, &r->note[i]);
}

enum err record_unpack(struct str in, struct call_record *out)
{
	struct call_record r;
	unsigned nleg, nnote;

	if (row_unpack(&in, &record_row, &r) || in.n < 2)
		return ERR_PARSE;
	nleg = (unsigned char)in.p[0];
	nnote = (unsigned char)in.p[1];
	in = str_sub(in, 2, in.n - 2);
	if (nleg > RECORD_LEGS || nnote > RECORD_NOTES)
		return ERR_PARSE;
	for (unsigned i = 0; i < nleg; i++) {
		if (row_unpack(&in, &record_leg_row, &r.leg[i]))
			return ERR_PARSE;
	}
	for (unsigned i = 0; i < nnote; i++) {
		if (row_unpack(&in, &record_note_row, &r.note[i]))
			return ERR_PARSE;
	}
	/* what a shorter pack left out is said to be lost */
	r.legs_lost = (uint16_t)(r.legs_lost + (r.nleg > nleg ? r.nleg - nleg : 0));
	r.notes_lost = (uint16_t)(r.notes_lost + (r.nnote > nnote ? r.nnote - nnote : 0));
	r.nleg = (uint16_t)nleg;
	r.nnote = (uint16_t)nnote;
	if (r.answered_by >= nleg)
		r.answered_by = RECORD_NO_LEG;
	*out = r;
	return OK;
}
