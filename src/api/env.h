/*
 * env.h - what operator actions may look at and ask for. app/server fills it; everything is
 * borrowed and belongs to the loop's thread.
 */
#ifndef API_ENV_H
#define API_ENV_H
#include "base/tap.h"
#include "call/call.h"
#include "io/logsink.h"
#include "service/refusals.h"
#include "store/store.h"

struct api_env {
	struct loop *loop;
	const struct config *config;
	struct directory *const *directory;	/* the snapshot of now */
	struct calls *calls;
	struct legs *legs;
	struct sip *sip;
	struct media *media;
	struct registrar *registrar;
	const struct refusals *refusals;
	struct route *route;
	struct trunk *const *trunk;		/* by the configuration's index */
	struct store *store;
	struct map *map;
	struct tap *tap;
	struct tls_ctx *const *tls;		/* identities, by the configuration's index */
	const struct logsink *log;		/* NULL: none */
	wall_t started;
	/* People and numbers replaced by the text of a site file, in three steps: what is needed is
	 * copied in the loop; read, checked and stored by a job of the store; put in force in the
	 * loop, which frees the job. No findings: it is in force. NULL: not possible here. */
	void *(*apply_new)(void *ctx, struct str text, const char *file);
	enum err (*apply_run)(struct db *db, void *job);
	void (*apply_end)(void *ctx, void *job, struct findings *fs);
	/* The site as a file, into a buffer of the caller's. */
	enum err (*export_site)(void *ctx, struct buf *out);
	void (*stop)(void *ctx);		/* orderly end of the daemon */
	void *ctx;
};

#endif
