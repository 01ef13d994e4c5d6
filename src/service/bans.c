#include "service/bans.h"

#include "base/reason.h"

enum { MS_A_MINUTE = 60000, MINUTES_AN_HOUR = 60, TWO_HOURS = 120 };

void bans_net(struct buf *b, const struct source_view *v)
{
	addr_ip(b, &v->net);
	if (v->net.family == ADDR_V6)
		buf_fmt(b, "/%u", v->bits);
}

static void span(struct buf *b, ms_t ms)
{
	unsigned long long min = (ms + MS_A_MINUTE - 1) / MS_A_MINUTE;

	if (min > TWO_HOURS)
		buf_fmt(b, "%llu hours", (min + MINUTES_AN_HOUR / 2) / MINUTES_AN_HOUR);
	else
		buf_fmt(b, "%llu minutes", min);
}

/* May this line be written? `more`: what to say of those that were not. */
static bool line(struct bans *x, char *more, size_t cap)
{
	ms_t now = x->loop->now;
	struct buf m;

	if (!x->since || now - x->since >= BANS_EVERY_MS) {
		x->since = now ? now : 1;
		x->lines = 0;
	}
	if (x->lines++ >= BANS_LINES) {
		x->silent++;
		return false;
	}
	buf_init(&m, more, cap);
	if (x->silent)
		buf_fmt(&m, " (and %u more like this since the last line)", x->silent);
	(void)buf_z(&m);	/* fits */
	x->silent = 0;
	return true;
}

void bans_refused(struct bans *x, const struct addr *from)
{
	char text[400], at[ADDR_TEXT], more[80];
	struct reason why = REASON(PEER_UNKNOWN, str_of(addr_text(from, at)));
	struct buf b;

	if (!line(x, more, sizeof more))
		return;
	buf_init(&b, text, sizeof text);
	reason_write(&b, &why);
	log_line(&x->loop->log, LOG_WARN, "Call refused with 403: %s%s", buf_z(&b), more);
}

void bans_told(struct bans *x, const struct source_view *v)
{
	char net[64], time[32], more[80];
	struct buf n, t;
	ms_t now = x->loop->now;

	if (v->state != SOURCE_IS_BANNED || !line(x, more, sizeof more))
		return;
	buf_init(&n, net, sizeof net);
	bans_net(&n, v);
	buf_init(&t, time, sizeof time);
	span(&t, v->until > now ? v->until - now : 0);
	log_line(&x->loop->log, LOG_WARN,
		 "%s is banned for %s: %s. `tandem show guard` lists the banned, `tandem unban ADDRESS` lifts a ban.%s",
		 buf_z(&n), buf_z(&t),
		 v->scanner ? "it is a scanner by its own name" : "it asked again and again without a right password",
		 more);
}
