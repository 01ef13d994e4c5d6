/*
 * yaml.h - a YAML text as a tree whose every node knows its line and column.
 * libyaml does the syntax; its tree is copied into an arena, capped in size and depth.
 * Errors: NULL and one finding with the place and the mend.
 */
#ifndef CONF_YAML_H
#define CONF_YAML_H
#include "conf/config.h"

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };
enum { YAML_BYTES_MAX = 32 << 20, YAML_DEPTH_MAX = 12, YAML_NODES_MAX = 4000000 };

struct yaml_node {
	enum yaml_kind kind;
	struct mark at;
	struct str text;		/* scalar; NUL-ended            */
	struct yaml_pair { struct yaml_node *key, *value; } *pair;	/* map; list: key NULL */
	uint32_t n;
};

struct yaml_node *yaml_read(struct str bytes, const char *file, struct arena *a,
			    struct findings *fs);
/* Value of a key of a map; NULL: not there. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

#endif
