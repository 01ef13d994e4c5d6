/*
 * json.h - values of the house as JSON. Text from strangers may be no UTF-8: what is not
 * printable ASCII becomes \xNN, so packing never fails.
 * The caller owns every result.
 */
#ifndef API_JSON_H
#define API_JSON_H
#include <jansson.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/reason.h"

json_t *js_text(struct str s);			/* at most 400 bytes of it    */
json_t *js_z(const char *z);
json_t *js_name(struct str s);			/* UTF-8 kept, when it is that */
json_t *js_sentence(const struct reason *r);
json_t *js_word(const struct reason *r);
json_t *js_when(int64_t wall);			/* ISO 8601; 0: null          */
json_t *js_id(uint64_t id);			/* text: too big for a number */
json_t *js_addr(const struct addr *a);		/* "" when there is none      */

#endif
