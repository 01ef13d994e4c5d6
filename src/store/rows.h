/*
 * rows.h - registrations and audit lines as they are stored.
 * Units: *_wall is UTC ms. Owner: plain structs, copy freely.
 */
#ifndef STORE_ROWS_H
#define STORE_ROWS_H
#include <stdint.h>

#include "store/row.h"

struct reg_row {		/* one contact of one phone; key: phone, contact */
	char phone[64];
	char contact[256];	/* the URI as registered                         */
	char source[56];	/* address it came from, "192.0.2.1:5060"        */
	char listener[48];	/* the listener it came in on                    */
	char transport[8];	/* "udp", "tcp", "tls"                           */
	char call_id[128];
	uint32_t cseq;
	int64_t since_wall, expires_wall;
	char user_agent[96];
	char instance[96];	/* +sip.instance, "" when none                   */
	char path[256];		/* RFC 3327: "<sip:edge;lr>, <...>", "" when none */
	char secret[16];	/* of what it was let in by (registrar.c); "": not known */
};

struct audit_row {
	uint64_t id;		/* map_id()                                      */
	int64_t at_wall;
	char who[64], role[16];
	char action[64];	/* "apply", "trunk enable pbx1"                  */
	char what[400];
	char result[64];
};

enum { REG_PACK_MAX = 1280, AUDIT_PACK_MAX = 1024 };

extern const struct row_kind reg_row_kind, audit_row_kind;

#endif
