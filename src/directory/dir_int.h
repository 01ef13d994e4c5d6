/* dir_int.h - the snapshot's inside, for the files of directory/ only. */
#ifndef DIRECTORY_DIR_INT_H
#define DIRECTORY_DIR_INT_H
#include "directory/digits.h"
#include "directory/directory.h"

enum { DIR_ARENA_MAX = 256 << 20 };

#define DIR_LIST(type) struct { struct type *v; uint32_t n, cap; }

struct dir_trunk { struct str name; bool teams; };
struct dir_part { struct str name; };

struct directory {
	struct arena a;
	DIR_LIST(dir_user) user;
	DIR_LIST(dir_phone) phone;
	DIR_LIST(dir_part) partition;
	DIR_LIST(dir_space) space;
	DIR_LIST(dir_line) line;
	DIR_LIST(dir_pattern) pattern;
	DIR_LIST(dir_profile) profile;
	DIR_LIST(dir_remote) remote;
	DIR_LIST(dir_trunk) trunk;
	bool sealed;
};

const struct dir_space *dir_space(const struct directory *d, struct str name);
const struct dir_profile *dir_profile(const struct directory *d, struct str name);
const struct dir_line *dir_line(const struct directory *d, struct str number, struct str partition);
bool dir_trunk_is_teams(const struct directory *d, struct str name);
/* "1001/internal" or "1001" */
bool dir_line_named(const struct dir_line *l, struct str name);

#endif
