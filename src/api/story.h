/*
 * story.h - one call, told: its record, and its ladder with the decisions between the
 * messages. For live calls and for those that ended, as long as the tap still has them.
 * The caller owns the result. Test: test/unit/api/t_story.c
 */
#ifndef API_STORY_H
#define API_STORY_H
#include "api/env.h"
#include "api/json.h"

enum { STORY_LINES = 600 };

/* The live call whose record this is. NULL: there is none. */
json_t *story_live(const struct api_env *e, uint64_t record);
/* The same of a record, with a word for its state. */
json_t *story_of(const struct api_env *e, const struct call_record *r, const char *state);

#endif
