#include "t_directory.h"

int main(void)
{
	return (run_index() + run_digits() + run_plan()) != 0;
}
