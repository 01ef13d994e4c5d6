/* t_leg.h - the groups of this program. */
#ifndef T_LEG_H
#define T_LEG_H
int run_hold(void);
int run_offer(void);
int run_early(void);
int run_life(void);
#endif
