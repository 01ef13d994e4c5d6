/* t_pair.h - two TLS filters wired to each other, and a bed of good and bad certificates. */
#ifndef T_PAIR_H
#define T_PAIR_H
#include "t_io.h"

enum { BED_BAD = 9 };

struct bed {
	struct certs *certs;
	struct cert sbc, hub;			/* "sbc.example.com", "sip.pstnhub.microsoft.com" */
	struct cert bad[BED_BAD];
	const char *hub_names[2];
};

int bed_open(void **state);
int bed_close(void **state);
/* By its stem; "nobody" is NULL: no certificate at all. */
const struct cert *bed_cert(const struct bed *b, const char *who);

struct pair {
	struct tls_ctx *sctx, *cctx;
	struct tls *server, *client;
	size_t portion;				/* most bytes fed at once; 0: all */
	size_t at_server, at_client;		/* plain bytes that arrived       */
	bool server_saw_end;
};

void pair_open(struct pair *p, const struct tls_config *server, const struct tls_config *client,
	       const char *name);
/* With contexts made by the caller, which stay his. */
void pair_join(struct pair *p, struct tls_ctx *server, struct tls_ctx *client, const char *name);
/* Carries bytes to and fro until both are silent; the first error of either side. */
enum err pair_shake(struct pair *p);
/* The client asks for new keys so often, and its bytes go to the server at once; how many bytes
 * it answers is added. */
enum err pair_rekey(struct pair *p, int times, ms_t now, size_t *answered);
/* The same with a TLS 1.2 client that wants to shake hands again. */
enum err pair_rehello(struct pair *p, int times, ms_t now, size_t *answered);
bool pair_client_has_ticket(const struct pair *p);
void pair_close(struct pair *p);

#endif
