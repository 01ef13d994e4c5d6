/* t_sdp.h - the groups of this program, and what they share. */
#ifndef T_SDP_H
#define T_SDP_H
#include "sdp/sdp.h"

int run_sdp(void);
int run_crypto(void);
int run_negotiate(void);

#define T_HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
#define T_AUDIO T_HEAD "m=audio 4000 RTP/AVP 0\r\n"
#define T_KEY30 "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
#define T_KEY28 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw=="

/* Parses what must be good. */
void t_good(const char *text, struct sdp *s);
#endif
