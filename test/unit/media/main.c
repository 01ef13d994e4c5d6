#include "t_media.h"

#include <string.h>

size_t t_hex(const char *text, uint8_t *out, size_t cap)
{
	static const char digit[] = "0123456789abcdef";
	size_t n = 0;
	int half = 0;

	for (; *text; text++) {
		const char *at = strchr(digit, *text);

		if (!at)
			continue;
		assert_true(n / 2 < cap);
		half = half << 4 | (int)(at - digit);
		if (++n % 2 == 0)
			out[n / 2 - 1] = (uint8_t)half;
		half &= 15;
	}
	return n / 2;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "media"))
		return t_process_media();
	return (run_srtp() + run_rtp() + run_packets() + run_ports() + run_player() + run_process() +
		run_proto() + run_relay() + run_sources() + run_protected() + run_wav()) != 0;
}
