#include "t_call.h"

int main(void)
{
	return (run_fork() | run_limit() | run_states() | run_identity()) != 0;
}
