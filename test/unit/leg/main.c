#include "t_leg.h"

int main(void)
{
	return (run_hold() | run_offer() | run_early() | run_life()) != 0;
}
