/*
 * server.h - builds everything in order, runs the turn, closes in reverse.
 *
 * The turn, after every input: sip events -> (calls, legs, registrar, monitor), media events
 * -> legs, leg events -> calls, until all queues are empty; then the stores and the flush.
 * Owner: the process, or a test (two servers may live on one simulated loop).
 * Threads: the loop's.
 */
#ifndef APP_SERVER_H
#define APP_SERVER_H
#include "api/env.h"
#include "conf/config.h"
#include "io/loop.h"

struct server;

struct server_options {
	const struct config *config;	/* borrowed */
	bool inside;			/* simulation: media inside, store in memory, no socket */
	struct directory *directory;	/* given: owned from now on; NULL: from the store */
	const uint8_t *map_image;	/* simulation: the map of a server that died */
	size_t map_image_n;
	const struct logsink *log;	/* borrowed; NULL: lines go elsewhere */
};

/* NULL: *why is a sentence with its mend (port in use, bad certificate, ...). */
struct server *server_new(struct loop *l, const struct server_options *o, struct buf *why);
void server_free(struct server *s);
void server_turn(struct server *s);		/* for loops shared by several servers */
bool server_ready(const struct server *s);	/* media ports are bound */
const char *server_failed(const struct server *s);	/* "" or why it cannot go on */
struct api_env *server_env(struct server *s);
void server_set_directory(struct server *s, struct directory *d);	/* owned from now on */

/* `tandem media`: the media process on this descriptor. Exit code. */
int server_media(int fd);
/* `tandem serve`: reads the configuration, runs until a signal. Exit code. */
int server_main(const char *config_file);

#endif
