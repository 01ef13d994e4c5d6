/* The groups of the stack's tests, for main.c. */
#ifndef T_STACK_H
#define T_STACK_H

int run_tsx(void);
int run_session(void);

#endif
