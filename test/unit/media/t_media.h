/* t_media.h - the groups of this program. */
#ifndef T_MEDIA_H
#define T_MEDIA_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

int run_srtp(void);
int run_rtp(void);
int run_packets(void);
int run_ports(void);
int run_player(void);
int run_process(void);
int t_process_media(void);	/* this program as the media process */
int run_proto(void);
int run_relay(void);
int run_sources(void);
int run_protected(void);
int run_wav(void);

/* "d0 2f ..." into bytes; the count. */
size_t t_hex(const char *text, uint8_t *out, size_t cap);

#endif
