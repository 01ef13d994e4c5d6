#include "t_base.h"

int main(void)
{
	return (run_str() + run_buf() + run_mem() + run_hash() + run_slot() + run_addr() +
		run_rng() + run_words() + run_shown() + run_calm()) != 0;
}
