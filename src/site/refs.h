/*
 * refs.h - what a site's entries name must be there: users, phones, partitions, calling search spaces,
 * lines, trunks and remote destination profiles. Private to site/.
 * Test: test/unit/api/t_site.c
 */
#ifndef SITE_REFS_H
#define SITE_REFS_H
#include "site/site.h"
#include "conf/yaml.h"

/* A finding at each name that is missing, with the one that may have been meant. `d` has all rows, sealed or not. */
void site_refs(const struct directory *d, const struct config *c, const struct yaml_node *root, struct findings *fs);

#endif
