/* view.h - calls, trunks, phones and users as JSON. Reads only. The caller owns the result. */
#ifndef API_VIEW_H
#define API_VIEW_H
#include <jansson.h>

#include "api/env.h"

json_t *view_trunks(const struct api_env *e);
json_t *view_calls(const struct api_env *e);
json_t *view_phones(const struct api_env *e);
json_t *view_users(const struct api_env *e);
json_t *view_status(const struct api_env *e);
/* NULL: no live call has this record id. */
json_t *view_call(const struct api_env *e, uint64_t record);
/* What would ring when `from` (a phone's or trunk's number) dials `to`, and why. */
json_t *view_dial(const struct api_env *e, struct str from, struct str to);

#endif
