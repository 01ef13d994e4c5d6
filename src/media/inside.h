/*
 * inside.h - the media engine inside the signalling process, on the loop's own datagrams: the
 * simulation steps the same relay code that a media process runs.
 * Owner: struct media. Binds each pair when it is opened.
 */
#ifndef MEDIA_INSIDE_H
#define MEDIA_INSIDE_H
#include "io/loop.h"
#include "media/proto.h"

struct inside;
struct inside *inside_new(struct loop *l, uint32_t slots,
			  void (*up)(void *ctx, const struct media_msg *m), void *ctx);
void inside_free(struct inside *in);		/* NULL is fine */
void inside_msg(struct inside *in, const struct media_msg *m);

#endif
