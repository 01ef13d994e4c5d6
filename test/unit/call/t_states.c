/* t_states.c - every cell of the call's table is written down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "call/call.h"
#include "t_call.h"

static void every_state_and_event_has_a_decision(void **state)
{
	(void)state;
	for (int s = 0; s < CALL_NSTATE; s++)
		for (int e = 0; e < CALL_NEVENT; e++)
			if (!call_decided((enum call_state)s, (enum call_event)e))
				fail_msg("%s, event %d: nobody decided", call_state_str((enum call_state)s), e);
}

int run_states(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_state_and_event_has_a_decision),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
