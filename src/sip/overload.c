#include "sip/overload.h"

void overload_note(struct overload *o, ms_t now, ms_t delay)
{
	uint64_t mean;

	if (!o->born)
		o->born = o->window = now;
	if (now - o->born < delay)
		return;
	o->sum += delay;
	o->n++;
	if (now - o->window < OVERLOAD_EVERY_MS)
		return;
	mean = o->sum / o->n;
	if (mean > OVERLOAD_DELAY_MS)
		o->shed = o->shed + OVERLOAD_STEP < OVERLOAD_MOST ? o->shed + OVERLOAD_STEP : OVERLOAD_MOST;
	else if (mean < OVERLOAD_DELAY_MS / 2)
		o->shed = o->shed > OVERLOAD_STEP / 10 ? o->shed - o->shed / 8 - 1 : 0;
	o->window = now;
	o->sum = 0;
	o->n = 0;
}

bool overload_refuses(struct overload *o, struct rng *r, unsigned *retry_s)
{
	if (!o->shed || rng_u64(r) % 1000 >= o->shed)
		return false;
	o->refused++;
	*retry_s = OVERLOAD_RETRY_MIN_S +
		   (unsigned)(rng_u64(r) % (OVERLOAD_RETRY_MAX_S - OVERLOAD_RETRY_MIN_S + 1));
	return true;
}
