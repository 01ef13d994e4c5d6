/*
 * record.h - the call detail record: ONE per call, with every leg, its ring time, its
 * end and the reason.
 *
 * The shape follows what voice engineers know (calling, original called, final called,
 * Q.850 cause, per-leg device), with reasons in words beside the numbers.
 *
 * Units:  *_wall is UTC milliseconds since 1970 (0: did not happen); *_ms and *_mono are
 *         monotonic milliseconds. Durations come from the monotonic clock.
 * Owner:  a plain struct of fixed size without pointers: copy it freely.
 * Limits: RECORD_LEGS legs and RECORD_NOTES notes; what comes after is counted only.
 * RFC:    7989 (Session-ID), 3326 and Q.850 (cause).
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/reason.h"
#include "store/row.h"

enum { RECORD_LEGS = 12, RECORD_NOTES = 16, RECORD_NO_LEG = 255,
       /* the packed form is never longer */
       RECORD_PACK_MAX = 24 * 1024 };

enum record_kind {		/* of a leg's destination */
	RECORD_PHONE, RECORD_ENDPOINT, RECORD_REMOTE, RECORD_TRUNK, RECORD_NKIND
};

struct record_media {		/* of one leg, seen from us */
	uint64_t rx_packets, tx_packets, lost;
	uint32_t jitter_us, rtt_us;
	char codec[16];		/* "PCMU"; "" before an answer */
	char srtp[32];		/* suite name; "" is clear     */
	uint32_t auth_failed;	/* SRTP packets refused        */
	uint64_t refused;	/* not from its source, no RTP, in no common codec, or too many */
	uint64_t replayed;	/* SRTP packets that came before */
	char stranger[56];	/* whence the last of these came; "": none */
};

struct record_leg {
	uint64_t call;			/* the record's id           */
	uint8_t index;
	uint8_t kind;			/* enum record_kind          */
	char name[64];			/* "SEP001122334455", remote destination's name */
	char number[64];		/* dialled                   */
	char trunk[48];			/* "" for a phone            */
	char host[64];			/* of the trunk, or the phone's address */
	char call_id[128];
	int64_t start_wall, ring_wall, answer_wall, end_wall;
	uint64_t start_mono;
	uint32_t ring_after_ms, answer_after_ms, end_after_ms;	/* since the leg's start; 0: never */
	uint16_t status;		/* final SIP code; 0: none   */
	uint16_t cause;			/* Q.850; 0: none            */
	char reason[32];		/* base/reason word          */
	char text[200];			/* its sentence              */
	uint16_t attempts;		/* hosts tried               */
	struct record_media media;
};

struct record_note {			/* a decision on the way, in the order made */
	uint64_t call;
	uint8_t index;
	uint32_t at_ms;			/* since the call's start    */
	char reason[32];
	char text[200];
};

struct call_record {
	uint64_t id;			/* time-ordered, unique: the primary key (map_id()) */
	uint32_t slot;			/* the map's: 0 none. Not stored */
	uint8_t boot;			/* which run of the daemon   */
	char calling[64], calling_name[64];
	char caller_user[64];		/* whom the call counts for  */
	uint8_t caller_phone;		/* 1: a phone, 0: a trunk    */
	char caller[64];		/* its name                  */
	char caller_host[64];
	char caller_call_id[128];
	char called[64];		/* as dialled                */
	char original_called[64];	/* after normalising: the first line or number rung */
	char final_called[64];		/* after forwards            */
	char line[64], line_user[64];	/* "" for a straight route   */
	char session_local[33], session_remote[33];	/* RFC 7989 */
	int64_t start_wall, answer_wall, end_wall;
	uint64_t start_mono;
	uint32_t ring_ms;		/* start to answer, or to the end */
	uint32_t talk_ms;		/* answer to end; 0: never answered */
	uint32_t held_ms;
	uint16_t status;		/* final answer to the caller */
	uint16_t cause;			/* Q.850                     */
	char reason[32];		/* base/reason word          */
	char text[200];			/* its sentence              */
	uint8_t answered_by;		/* index in leg, or RECORD_NO_LEG */
	uint8_t ended_by;		/* enum record_side          */
	uint16_t hops;			/* forwards                  */
	char forwarded_to[64];		/* the last forward's target */
	uint8_t emergency;
	struct record_media media;	/* of the caller's side      */
	uint16_t nleg, legs_lost;	/* legs_lost: past the limit */
	uint16_t nnote, notes_lost;
	uint8_t calling_hidden;		/* asked not to be shown     */
	char redirected_by[64];		/* who forwarded it to us (Diversion) */
	char cisco_guid[64];
	struct record_leg leg[RECORD_LEGS];
	struct record_note note[RECORD_NOTES];
};

enum record_side { RECORD_SIDE_NONE, RECORD_SIDE_CALLER, RECORD_SIDE_CALLED, RECORD_SIDE_US,
		   RECORD_NSIDE };

/* Their fields, for everyone who reads or writes them. Media fields have the prefix media_. */
extern const struct row_kind record_row, record_leg_row, record_note_row;

/* A fresh record: zeroed, answered_by = RECORD_NO_LEG. */
void record_init(struct call_record *r, uint64_t id);
/* Adds a leg and returns it, or NULL past the limit (counted in legs_lost). */
struct record_leg *record_add_leg(struct call_record *r);
void record_add_note(struct call_record *r, uint32_t at_ms, const struct reason *why);
/* The word and sentence of a reason into two fields of any record, leg or note. */
void record_set_reason(char word[32], char text[200], const struct reason *why);
/* Q.850 cause for a SIP status (RFC 3398 8.2.6.1, as ISUP gateways map it); 0: none. */
uint16_t record_q850(unsigned status);

enum record_part { RECORD_ALL, RECORD_NO_NOTES, RECORD_FEW_LEGS };
/* Appends the packed record. Shorter parts are for fixed space only. */
void record_pack(struct buf *b, const struct call_record *r, enum record_part part);
/* OK, or ERR_PARSE and *r is not touched. Bytes behind the record are not looked at. */
enum err record_unpack(struct str in, struct call_record *r);

#endif
