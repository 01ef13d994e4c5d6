#include "t_hub.h"

int main(void)
{
	return (run_rules() | run_zone()) != 0;
}
