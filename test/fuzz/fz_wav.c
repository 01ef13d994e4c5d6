/* WAV files: every sample that is promised lies inside the file. */
#include <stdlib.h>

#include "media/wav.h"

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)
{
	char mem[300];
	struct buf why;
	struct wav w;
	int sum = 0;

	buf_init(&why, mem, sizeof mem);
	if (wav_read(d, n, &w, &why)) {
		if (!why.n || !buf_ok(&why))
			abort();
		return 0;
	}
	if (!w.samples)
		abort();
	for (uint32_t i = 0; i < w.samples; i++)
		sum += wav_at(&w, i);
	return sum == 1 ? 0 : 0;	/* the samples were read */
}
