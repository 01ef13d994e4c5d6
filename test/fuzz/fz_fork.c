/*
 * The fork as a state machine under any order of events and time: at most one winner, every
 * leg that was dialled is ended exactly once, and the fork is empty at most once.
 */
#include <stdlib.h>
#include <string.h>

#include "call/fork.h"

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);

struct model { struct fork f; int dialled[FORK_MAX], ended[FORK_MAX], joined, empty, told; };

static void obey(struct model *m)
{
	struct fork_act a;

	while (fork_take(&m->f, &a)) {
		if (a.kind != FORK_DO_EMPTY && (a.branch >= m->f.n))
			abort();
		switch (a.kind) {
		case FORK_DO_DIAL: m->dialled[a.branch]++; break;
		case FORK_DO_TELL_RINGING: m->told++; break;
		case FORK_DO_JOIN: m->joined++; break;
		case FORK_DO_DROP_TOO_SOON: case FORK_DO_CANCEL_TOO_LATE: case FORK_DO_CANCEL_LOST:
		case FORK_DO_CANCEL_STOP:
			if (!m->dialled[a.branch])
				abort();
			m->ended[a.branch]++;
			break;
		case FORK_DO_NEVER_RANG:
			if (m->dialled[a.branch])
				abort();
			break;
		case FORK_DO_EMPTY: m->empty++; break;
		case FORK_DO_BYE_LATE: case FORK_DO_NOTHING: break;
		}
	}
}

static void check(const struct model *m)
{
	if (m->joined > 1 || m->empty > 1 || m->told > 1 || (m->joined && m->empty))
		abort();
	for (int i = 0; i < m->f.n; i++)
		if (m->dialled[i] > 1 || m->ended[i] > 1)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)
{
	struct model m = { .joined = 0 };
	ms_t now = 1000;
	int branches = n ? 1 + d[0] % FORK_MAX : 1;

	fork_init(&m.f);
	for (int i = 0; i < branches; i++) {
		const uint8_t *b = d + 1 + 3 * i;
		bool have = (size_t)(4 + 3 * i) <= n;
		struct fork_timing t = { .delay = have ? b[0] * 20u : 0, .too_soon = have ? b[1] * 20u : 0,
					 .too_late = have ? b[2] * 40u : 0 };

		(void)fork_add(&m.f, &t);
	}
	fork_start(&m.f, now);
	obey(&m);
	for (size_t i = 1 + 3 * (size_t)branches; i + 1 < n; i += 2) {
		int k = d[i + 1] % branches;

		now += d[i] >> 3;
		switch (d[i] & 7) {
		case 0: case 1: fork_tick(&m.f, now); break;
		case 2: if (m.dialled[k]) fork_ringing(&m.f, k); break;
		case 3: case 4: if (m.dialled[k]) fork_answered(&m.f, k, now > 500 ? now - 500 : 0, now); break;
		case 5: case 6: if (m.dialled[k]) fork_failed(&m.f, k, 400u + d[i + 1]); break;
		default: if (d[i] == 255) fork_stop(&m.f); break;
		}
		obey(&m);
		check(&m);
	}
	for (ms_t t = fork_next(&m.f); t != MS_NEVER; t = fork_next(&m.f)) {
		fork_tick(&m.f, t);
		obey(&m);
		check(&m);
	}
	return 0;
}
