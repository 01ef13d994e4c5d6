#include "t_api.h"

int main(void)
{
	return (run_cmd() + run_day() + run_dial() + run_query() + run_site() + run_story() + run_view()) != 0;
}
