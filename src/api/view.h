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
enum { GUARD_LIST_MAX = 500 };
/* Of an overload, into an object: overloaded, overload_since, and overload_text for people. */
void view_overload(json_t *o, const struct api_env *e, const struct overload_view *v);
/* Who is held or banned, at most GUARD_LIST_MAX of them, and the guard's counters. */
json_t *view_guard(const struct api_env *e);
json_t *view_status(const struct api_env *e);

#endif
