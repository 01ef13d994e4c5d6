/*
 * view.h - calls, trunks, phones and users as JSON. Reads only. The caller owns the result.
 * Field names are what doc/commands.md lists; a field is never taken away.
 * Test: test/unit/api/t_view.c
 */
#ifndef API_VIEW_H
#define API_VIEW_H
#include "api/env.h"
#include "api/json.h"

json_t *view_trunks(const struct api_env *e);
json_t *view_calls(const struct api_env *e);
json_t *view_phones(const struct api_env *e);
json_t *view_users(const struct api_env *e);
json_t *view_status(const struct api_env *e);

#endif
