#include "sip/overload.h"

#include "base/mem.h"

/* The PI controller's gains, thousandths of the rate for 10 ms a window: of what the wait is too long or
 * too short, and of what it grew. A short wait is time that is not used, so it counts for more. */
enum { GAIN_LONG = 2, GAIN_SHORT = 12, GAIN_GROWTH = 30, FALL_MOST = 500, RISE_MOST = 100, CALL = 1000000,
       MEAN_OF = 32,	/* windows */
       BUSY = 4 };	/* a quarter: the media process and the disk thread may share our core */

void overload_close(struct overload *o)
{
	mem_free(o->keys);
	o->keys = NULL;
}

/* --- the requests that were refused --- */

/* The low bits of a key say its WAYS places; its other bits stand in one of them, beside the second of
 * the refusal. */
enum { WAYS = 4, LOW = OVERLOAD_KEYS - 1 };

static uint64_t *places(const struct overload *o, uint64_t key)
{
	return &o->keys[key & LOW & ~(uint64_t)(WAYS - 1)];
}

static uint64_t age_s(uint64_t entry, ms_t now)
{
	return entry ? (now / 1000 - entry) & LOW : LOW;
}

bool overload_knows(const struct overload *o, ms_t now, uint64_t key)
{
	const uint64_t *e = o->keys ? places(o, key) : NULL;

	for (int i = 0; e && i < WAYS; i++)
		if ((e[i] ^ key) < OVERLOAD_KEYS && age_s(e[i], now) <= OVERLOAD_REPEAT_MS / 1000)
			return true;
	return false;
}

static void remember(struct overload *o, ms_t now, uint64_t key)
{
	uint64_t *e, *oldest;

	if (!o->keys)
		o->keys = mem_array(OVERLOAD_KEYS, sizeof *o->keys);
	oldest = e = places(o, key);
	for (int i = 1; i < WAYS; i++)
		if (age_s(e[i], now) > age_s(*oldest, now))
			oldest = &e[i];
	*oldest = (key & ~(uint64_t)LOW) | (now / 1000 & LOW);
}

/* --- the rate --- */

static uint32_t per_s(uint32_t calls, ms_t took)
{
	return (uint32_t)((uint64_t)calls * CALL / (took ? took : 1));
}

/* Half of what was let in lately: a moment in which nothing moves must not cost the seconds behind it. */
static uint32_t least(const struct overload *o)
{
	return o->mean / 2 > OVERLOAD_RATE_MIN ? o->mean / 2 : OVERLOAD_RATE_MIN;
}

/* What is being worked off is no overload, and neither is one wait, unless it is a long one and ours. */
static bool begins(const struct overload *o, uint32_t delay, uint32_t before)
{
	return delay > OVERLOAD_DELAY_MS && delay >= before &&
	       (before > OVERLOAD_DELAY_MS || (o->busy && delay > 2 * OVERLOAD_DELAY_MS));
}

/* A wait that grew by g in a window means that only 1 - g/window of what was let in could be done. */
static void begin(struct overload *o, ms_t now, uint32_t growth)
{
	ms_t took = now - o->window;
	uint32_t rate = per_s(o->admitted, took);

	rate = rate > o->before ? rate : o->before;
	growth = growth < took / 4 * 3 ? growth : (uint32_t)(took / 4 * 3);
	rate -= (uint32_t)((uint64_t)rate * growth / took);
	o->v.rate = rate > least(o) ? rate : least(o);
	o->v.since = o->last_refusal = now;
	o->v.refused_now = 0;
	o->v.lost = false;
	o->tokens = CALL;
	o->filled = now;
}

static void follow(struct overload *o, int64_t delay, int64_t before)
{
	int64_t level = delay > OVERLOAD_DELAY_MS ? GAIN_LONG : GAIN_SHORT;
	int64_t by = -(level * (delay - OVERLOAD_DELAY_MS) + GAIN_GROWTH * (delay - before)) / 10;
	int64_t rate = o->v.rate;

	by = by < -FALL_MOST ? -FALL_MOST : by > RISE_MOST ? RISE_MOST : by;
	rate += rate * by / 1000;
	o->v.rate = rate < least(o) ? least(o) : rate > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)rate;
}

static enum overload_news news(struct overload *o, ms_t now)
{
	if (o->v.rate && !o->said && (!o->told_began || now - o->told_began >= OVERLOAD_TELL_MS)) {
		o->told_began = now;
		o->said = true;
		return OVERLOAD_BEGAN;
	}
	if (!o->v.rate && o->said && (!o->told_ended || now - o->told_ended >= OVERLOAD_TELL_MS)) {
		o->told_ended = now;
		o->said = false;
		return OVERLOAD_ENDED;
	}
	return OVERLOAD_NO_NEWS;
}

/* What waited while we had no processor is worked off: the first of it ends the window, the others wait less and less.
 * It is over when they wait no longer, or no less. */
static uint32_t drain(struct overload *o, uint32_t delay, uint32_t before)
{
	bool stood = !o->v.rate && !o->busy && before <= OVERLOAD_DELAY_MS && o->worst / 2 > OVERLOAD_DELAY_MS;

	if (stood)
		o->drains = true;
	else if (delay <= OVERLOAD_DELAY_MS || delay >= before)
		o->drains = false;
	return stood && o->worst > delay ? (uint32_t)o->worst : delay;
}

static void end_window(struct overload *o, ms_t now, uint64_t lost, ms_t spent)
{
	uint32_t before = o->signal, delay;

	o->v.delay_ms = delay = o->n ? (uint32_t)(o->sum / o->n) : 0;
	if (lost != o->seen_lost && delay < OVERLOAD_LOST_MS)
		delay = OVERLOAD_LOST_MS;
	o->busy = BUSY * (spent - o->spent) >= now - o->window;
	delay = drain(o, delay, before);
	if (o->v.rate)
		follow(o, delay, before);
	else if (!o->drains && begins(o, delay, before))
		begin(o, now, delay > before ? delay - before : 0);
	if (o->v.rate && now - o->last_refusal >= OVERLOAD_CALM_MS && delay <= OVERLOAD_DELAY_MS)
		o->v.rate = 0;
	o->v.lost |= lost != o->seen_lost;
	o->signal = delay;
	o->seen_lost = lost;
	o->before = per_s(o->admitted, now - o->window);
	o->mean = (uint32_t)(((uint64_t)o->mean * (MEAN_OF - 1) + o->before) / MEAN_OF);
	o->window = now;
	o->spent = spent;
	o->sum = o->worst = 0;
	o->n = o->admitted = 0;
}

enum overload_news overload_note(struct overload *o, ms_t now, ms_t delay, uint64_t lost, ms_t spent)
{
	if (!o->born) {
		o->born = o->window = now;
		o->spent = spent;
		o->seen_lost = lost;
	}
	if (now - o->born >= delay) {
		o->sum += delay;
		o->worst = delay > o->worst ? delay : o->worst;
		o->n++;
	} else {
		o->seen_lost = lost;
	}
	if (now - o->window < OVERLOAD_EVERY_MS)
		return OVERLOAD_NO_NEWS;
	end_window(o, now, lost, spent);
	return news(o, now);
}

/* --- one new call --- */

static bool token(struct overload *o, ms_t now)
{
	uint64_t most = (uint64_t)o->v.rate * OVERLOAD_EVERY_MS;

	o->tokens += (now - o->filled) * o->v.rate;
	o->filled = now;
	most = most > CALL ? most : CALL;
	if (o->tokens > most)
		o->tokens = most;
	if (o->tokens < CALL)
		return false;
	o->tokens -= CALL;
	return true;
}

unsigned overload_retry_s(uint64_t key)
{
	return OVERLOAD_RETRY_MIN_S +
	       (unsigned)((key / OVERLOAD_KEYS) % (OVERLOAD_RETRY_MAX_S - OVERLOAD_RETRY_MIN_S + 1));
}

static bool stale_input(const struct overload *o, ms_t now, ms_t delay)
{
	return o->busy && !o->drains && delay > OVERLOAD_STALE_MS && now - o->born >= delay;
}

bool overload_busy(const struct overload *o, ms_t now, ms_t delay)
{
	return o->v.rate || stale_input(o, now, delay) || (o->keys && now - o->last_refusal <= OVERLOAD_REPEAT_MS);
}

bool overload_refuses(struct overload *o, ms_t now, uint64_t key, ms_t delay, unsigned *retry_s)
{
	bool stale = stale_input(o, now, delay), again = overload_knows(o, now, key);

	if (!again && o->let_in == key)
		return false;
	if (!again && !stale && (!o->v.rate || token(o, now))) {
		o->let_in = key;
		o->admitted++;
		return false;
	}
	*retry_s = overload_retry_s(key);
	if (again)
		return true;
	remember(o, now, key);
	o->v.refused++;
	o->v.refused_now++;
	o->v.stale += stale;
	o->last_refusal = now;
	return true;
}
