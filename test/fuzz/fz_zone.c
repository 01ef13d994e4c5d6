/* Questions to the hub's DNS: an answer repeats the question's id and fits. */
#include <stdlib.h>
#include <string.h>

#include "hub/zone.h"
#include "sim/sim_loop.h"

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)
{
	static const uint8_t loopback[4] = { 127, 0, 0, 1 };
	struct loop *l = sim_new(1);
	struct addr at = { .family = ADDR_V4 }, a = { .family = ADDR_V4, .port = 5061 };
	uint8_t out[512];
	int err_no = 0;
	struct zone *z;
	size_t k;

	memcpy(at.ip, loopback, 4);
	memcpy(a.ip, loopback, 4);
	z = zone_new(l, &at, &err_no);
	if (!z)
		abort();
	zone_set(z, "sip.pstnhub.microsoft.com", &a, 60);
	zone_set_srv(z, "_sips._tcp.example.com", "sip.pstnhub.microsoft.com", 5061, 1, 60);
	k = zone_answer(z, d, n, out, sizeof out);
	if (k > sizeof out || (k && (k < 12 || n < 12 || memcmp(out, d, 2) != 0 || !(out[2] & 0x80))))
		abort();
	zone_free(z);
	sim_free(l);
	return 0;
}
