/*
 * check.h - what a single value cannot show: references, overlaps, what a zone or profile
 * asks for. Every mistake is a finding at the place where it is mended.
 */
#ifndef CONF_CHECK_H
#define CONF_CHECK_H
#include "conf/config.h"

void config_check(const struct config *c, struct findings *fs);

#endif
