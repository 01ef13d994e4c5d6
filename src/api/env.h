/*
 * env.h - what operator actions may look at and ask for. app/server fills it; everything is
 * borrowed and belongs to the loop's thread.
 */
#ifndef API_ENV_H
#define API_ENV_H
#include "base/tap.h"
#include "call/call.h"
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
	wall_t started;
	/* Replaces people and numbers: text of a site file. Done: 0 findings. Answers through
	 * `done` (in the loop, maybe at once). NULL: not possible here. */
	void (*apply)(void *ctx, struct str text, const char *file,
		      void (*done)(void *arg, const struct findings *fs), void *arg);
	/* The site as a file, into a buffer of the caller's. */
	enum err (*export_site)(void *ctx, struct buf *out);
	void (*stop)(void *ctx);		/* orderly end of the daemon */
	void *ctx;
};

#endif
