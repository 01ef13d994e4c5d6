/* registrar_int.h - one contact of a phone, for registrar.c and the budget of test/bench. */
#ifndef SERVICE_REGISTRAR_INT_H
#define SERVICE_REGISTRAR_INT_H
#include "base/hash.h"
#include "service/registrar.h"

enum binding_text { BINDING_PHONE, BINDING_CONTACT, BINDING_CALL_ID, BINDING_AGENT, BINDING_INSTANCE,
		    BINDING_PATH, BINDING_NTEXT };

struct binding {
	struct hash_node node;		/* by phone */
	struct hash_node by_flow, by_source;	/* linked while flow is not 0 */
	char *text;			/* enum binding_text, each with its NUL, one after the other */
	uint32_t text_n, cseq;
	wall_t since, expires;
	struct addr source;
	enum sip_transport transport;
	uint32_t listener;
	net_id flow;			/* a stream that may still be open */
	struct timer expiry;
	struct registrar *reg;
};

#endif
