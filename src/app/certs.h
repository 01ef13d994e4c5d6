/*
 * certs.h - the certificates that the configuration names, judged before a peer judges them (pki/verdict.h).
 * Test: test/live/check.py
 */
#ifndef APP_CERTS_H
#define APP_CERTS_H
#include "conf/config.h"
#include "pki/verdict.h"

/* wall: now, UTC ms. What is wrong, unreadable files included, is added to `wrong`, what soon will be to `soon`, each
 * thing once, at the certificate's place. Reads files: at the start, or where no loop runs. */
void certs_judge(const struct config *c, int64_t wall, struct findings *wrong, struct findings *soon);

#endif
