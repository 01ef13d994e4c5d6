/* dir_int.h - the snapshot's inside, for the files of directory/ only. */
#ifndef DIRECTORY_DIR_INT_H
#define DIRECTORY_DIR_INT_H
#include "directory/digits.h"
#include "directory/directory.h"
#include "directory/index.h"

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
	DIR_LIST(digits_pattern) digits;	/* of each pattern, in its order */
	uint32_t *urgent, nurgent;	/* the patterns of emergency numbers */
	/* who bears a name; the keys of the last four are numbers */
	struct dir_index by_user, by_phone, by_auth, by_partition, by_space, by_profile, by_remote,
			 by_trunk, by_pattern, phone_line, line_profile, profile_remote;
	struct dir_index by_number, by_e164, remote_number;
	bool sealed;
};

const struct dir_space *dir_space(const struct directory *d, struct str name);
const struct dir_line *dir_line(const struct directory *d, struct str number, struct str partition);
bool dir_trunk_is_teams(const struct directory *d, struct str name);
/* "1001/internal" or "1001" */
bool dir_line_named(const struct dir_line *l, struct str name);
/* Without the '+' in front: numbers compare with and without it. */
struct str dir_bare(struct str number);

#endif
