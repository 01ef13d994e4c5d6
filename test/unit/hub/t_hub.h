/* t_hub.h - the groups of this program; each returns its number of failures. */
#ifndef T_HUB_H
#define T_HUB_H
int run_rules(void);
int run_zone(void);
#endif
