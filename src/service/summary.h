/*
 * summary.h - application/simple-message-summary (RFC 3842 5): read, and written anew. Pure.
 *
 * Does: Messages-Waiting, and per class new and old messages with how many are urgent.
 * Does not: keep Message-Account or the headers of single messages: those are the mailbox's.
 * Errors: ERR_PARSE: no Messages-Waiting, or a line it cannot be; ERR_LIMIT: more lines than
 *   SUMMARY_LINES. *out is written on success alone.
 * Test: test/unit/service/t_summary.c, test/fuzz/fz_summary.c
 */
#ifndef SERVICE_SUMMARY_H
#define SERVICE_SUMMARY_H
#include "base/buf.h"

enum { SUMMARY_LINES = 64 };

#define SUMMARY_CLASSES(X) \
	X(VOICE, "Voice-Message") X(FAX, "Fax-Message") X(PAGER, "Pager-Message") \
	X(MULTIMEDIA, "Multimedia-Message") X(TEXT, "Text-Message") X(NONE, "None")
enum summary_class {
#define X(id, name) SUMMARY_##id,
	SUMMARY_CLASSES(X)
#undef X
	SUMMARY_NCLASS
};

struct summary_count { bool given, urgent; uint32_t fresh, old, urgent_fresh, urgent_old; };
struct summary {
	bool waiting;
	struct summary_count count[SUMMARY_NCLASS];
};

#define SUMMARY_TYPE "application/simple-message-summary"

enum err summary_parse(struct str body, struct summary *out);
void summary_write(struct buf *b, const struct summary *s);

#endif
