#include "t_io.h"

int main(void)
{
	return (run_timer() + run_crypto() + run_tls_name() + run_tls() + run_tls_sni() + run_dns() +
		run_sim() + run_keepalive() + run_logsink() + run_edge()) != 0;
}
