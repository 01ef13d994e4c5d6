/* registrar_int.h - one contact of a phone, for registrar.c and the budget of test/bench. */
#ifndef SERVICE_REGISTRAR_INT_H
#define SERVICE_REGISTRAR_INT_H
#include "base/hash.h"
#include "service/registrar.h"

struct binding {
	struct hash_node node;		/* by phone */
	struct reg_row row;
	struct addr source;
	enum sip_transport transport;
	uint32_t listener;
	net_id flow;			/* a stream that may still be open */
	struct timer expiry;
	struct registrar *reg;
};

#endif
