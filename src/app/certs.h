/*
 * certs.h - the certificates that the configuration names, judged before a peer judges them (pki/verdict.h).
 * Test: test/live/commands.py
 */
#ifndef APP_CERTS_H
#define APP_CERTS_H
#include "conf/config.h"
#include "pki/verdict.h"

/* One call for each thing that is wrong or will be; where several trunks show a certificate, for each once. A file
 * that cannot be read is a VERDICT_ERROR, too. */
void certs_judge(const struct config *c, int64_t wall,
		 void (*tell)(void *ctx, struct mark at, enum verdict_level level, const char *text), void *ctx);

#endif
