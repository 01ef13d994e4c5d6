#include "t_service.h"

int main(void)
{
	return run_refusals() + run_outreg() + run_bans() + run_spread() + run_summary() + run_registrar() != 0;
}
