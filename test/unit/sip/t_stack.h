/* The groups of the stack's tests, for main.c. Each returns how many failed. */
#ifndef T_STACK_H
#define T_STACK_H

int run_tsx(void);
int run_source(void);
int run_overload(void);
int run_session(void);
int run_transport(void);
int run_ping(void);
int run_peer(void);
int run_dialog(void);
int run_trunk(void);
int run_challenge(void);
int run_rel(void);
int run_update(void);
int run_sid(void);
int run_subscription(void);
int run_subscriber(void);
int run_stack_torture(void);

static inline int run_stack_groups(void)
{
	return run_tsx() + run_source() +
	       run_overload() + run_session() + run_transport() + run_ping() + run_peer() + run_dialog() +
	       run_trunk() + run_challenge() + run_rel() + run_update() + run_sid() + run_subscription() +
	       run_subscriber() + run_stack_torture();
}

#endif
