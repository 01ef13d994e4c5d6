/* t_call.h - the groups of this program; each returns its number of failures. */
#ifndef T_CALL_H
#define T_CALL_H
int run_fork(void);
int run_limit(void);
int run_states(void);
int run_identity(void);
#endif
