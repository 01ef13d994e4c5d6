/*
 * option.h - settings as tables: name, type, range, default, unit and help in one row. The
 * walker fills structs from YAML by the rows and collects every mistake with its place and
 * mend; the documentation is made from the same rows.
 */
#ifndef CONF_OPTION_H
#define CONF_OPTION_H
#include "conf/yaml.h"

enum opt_type {
	OPT_STR,		/* struct str                                        */
	OPT_U32,		/* uint32_t within min..max                          */
	OPT_U16,
	OPT_I64,		/* int64_t; -1 when not given                        */
	OPT_BOOL,
	OPT_ENUM,		/* int; choices "a|b|c" give 0, 1, 2                 */
	OPT_ADDR,		/* struct addr, no port                              */
	OPT_ADDRPORT,		/* struct addr with port                             */
	OPT_REF,		/* int index of a named thing; kind in `choices`     */
	OPT_STRS,		/* list (or one) of struct str; count at count_at    */
	OPT_NETS,		/* list of struct config_net                         */
	OPT_PORTS,		/* "16384-32767": two uint16_t in a row              */
	OPT_NTYPE
};

struct option {
	const char *name;
	enum opt_type type;
	size_t at;
	int64_t min, max;		/* OPT_STRS, OPT_NETS: max entries */
	const char *dflt;		/* text as it would be written; NULL: none */
	const char *choices, *unit;
	size_t count_at, set_at;	/* set_at: bool that says it was written down; 0: none */
	bool required;
	const char *help;
};

struct option_walk {
	struct findings *fs;
	struct arena *a;
	/* Index of the thing `name` of that kind; -1: none. May be NULL. */
	int (*find)(void *ctx, const char *kind, struct str name);
	/* The i-th name of that kind, for suggestions; false: end. */
	bool (*names)(void *ctx, const char *kind, int i, struct str *name);
	void *ctx;
};

/* Fills `base` from the map. `what`: "a trunk"; used in findings. */
void option_fill(const struct option_walk *w, const struct yaml_node *map, const char *what,
		 const struct option *table, size_t n, void *base);
/* Keys of a map that no row and none of `sections` knows are findings with a suggestion. */
void option_unknown(const struct option_walk *w, const struct yaml_node *map, const char *what,
		    const struct option *table, size_t n, const char *const *sections);
void option_doc(struct buf *b, const char *title, const struct option *table, size_t n);
/* The candidate nearest to `word`, when it is near; absent: none is. */
struct str option_nearest(struct str word, const struct str *candidates, int n);

#endif
