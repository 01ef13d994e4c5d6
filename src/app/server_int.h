/* server_int.h - the server's inside, for the files of app/ only. */
#ifndef APP_SERVER_INT_H
#define APP_SERVER_INT_H
#include "app/server.h"
#include "base/calm.h"
#include "service/bans.h"
#include "service/monitor.h"
#include "service/mwi.h"
#include "service/outreg.h"
#include "service/refusals.h"

struct rest;

struct server {
	struct loop *loop;
	const struct config *cfg;
	bool inside, ready;
	char failed[256];
	struct directory *dir;
	struct map *map;
	struct store *store;
	struct dns *dns;
	struct tls_ctx *tls_server[CONFIG_CERTS], *tls_client[CONFIG_CERTS];
	struct sip *sip;
	struct media *media;
	struct trunk *trunk[CONFIG_TRUNKS];
	struct registrar *registrar;
	struct monitor *monitor;
	struct mwi *mwi;
	struct outreg *outreg;
	uint32_t login[CONFIG_TRUNKS];	/* sip_opts.login; 0: none */
	struct refusals *refusals;
	struct bans bans;
	struct route *route;
	struct legs *legs;
	struct calls *calls;
	struct tap *tap;
	struct rest *rest;
	struct timer second, drain;
	ms_t drain_until;		/* others are waited for so long, at most */
	struct calm calm_tsx, calm_sessions;
	struct api_env env;
	bool stopping;
};

/* setup.c: each makes one part; *why on failure. */
enum err setup_tls(struct server *s, struct buf *why);
enum err setup_sip(struct server *s, struct buf *why);
enum err setup_media(struct server *s, struct buf *why);
void setup_trunks(struct server *s);
void setup_monitor(struct server *s);
void setup_logins(struct server *s);
void setup_outreg(struct server *s);
void setup_mwi(struct server *s);
enum err setup_store(struct server *s, const struct server_options *o, struct buf *why);
void setup_limits(const struct server *s, struct calls_config *c);
/* The Contact of answers on this listener, "sip:host:port;transport=..". */
struct str setup_contact(const struct server *s, uint32_t listener, int trunk, struct buf *b);

/* The names listener i takes in a peer's certificate, for people. */
struct str setup_peer_names(const struct server *s, uint32_t i, struct buf *b);

/* server.c */
void server_stop(void *ctx);
void loop_stop_if_real(struct server *s);

#endif
