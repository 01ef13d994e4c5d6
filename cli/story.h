/* story.h - one call for people: what it was, its legs, and its ladder. */
#ifndef CLI_STORY_H
#define CLI_STORY_H
#include <jansson.h>

void story_print(const json_t *answer);

#endif
