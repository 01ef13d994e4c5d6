#include "t_trace.h"

int main(void)
{
	return (run_tap() + run_trace()) != 0;
}
