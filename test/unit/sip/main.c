#include "t_stack.h"
#include "t_text.h"

/* One line per group; text and stack each list theirs in a header of their own. */
int main(void)
{
	int failed = run_text_groups() + run_stack_groups();

	return failed != 0;
}
