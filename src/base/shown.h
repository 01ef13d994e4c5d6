/*
 * shown.h - which characters may reach a terminal, a log or a page as they are.
 *
 * Does: tells characters that only show themselves from bytes that do something: controls
 *   (C0, DEL, C1), what is no UTF-8, and what moves, hides or turns the text around it
 *   (line and paragraph separators, zero width, bidirectional controls, tags).
 * Does not: judge fonts or look-alikes.
 * RFC:     3629 (UTF-8). UAX 9 for the bidirectional controls.
 * Test:    test/unit/base/t_shown.c
 */
#ifndef BASE_SHOWN_H
#define BASE_SHOWN_H
#include <stdbool.h>

#include "base/buf.h"

/* Bytes of the well-formed UTF-8 character at the front of s and its number; 0: it is none. */
size_t shown_utf8(struct str s, uint32_t *character);
/* May it be shown as it is? */
bool shown_as_is(uint32_t character);
/* Text for people: what may not be shown becomes \xNN, byte by byte; backslashes stay. For text that
 * is made of pieces which were made safe before. */
void buf_shown(struct buf *b, struct str s);
/* The same for values from strangers, so that it can be read back: every \xNN in it stands for one byte,
 * because a backslash before an x becomes \x5c. */
void buf_shown_value(struct buf *b, struct str s);

#endif
