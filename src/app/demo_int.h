/*
 * demo_int.h - the demo's inside, for the files of app/demo_*.c only: one struct, the hub as a
 * program, and the scenarios.
 *
 * Whole calls on this machine: alice (1001) calls bob (1002), whose desk phone, or extension
 * 2002 of a PBX, rings together with his Teams. Each endpoint sends its own tone, so what is
 * heard where is measured and not assumed.
 */
#ifndef APP_DEMO_INT_H
#define APP_DEMO_INT_H
#include "app/demo_bed.h"

enum { TONE_ALICE = 440, TONE_BOB = 1000, TONE_PBX = 1175, TONE_TEAMS = 784, HEARD_MS = 2000,
       DEMO_TONES = 4, DEMO_PHONES = 3 };

/* Where the Teams side is: on this machine, or behind address translation. */
struct demo_place {
	const char *border;		/* our address towards it */
	const char *hub_bind;		/* its first address; the others follow */
	const char *dns;		/* line of tandem.yaml; NULL: the hub's own DNS */
	const char *trunk;		/* more lines of the Teams trunk */
	bool inside;			/* the hub moves into a network of its own first */
};

struct demo {
	struct bed bed;
	struct phone alice, bob, pbx;
	const struct demo_place *place;
	int to_hub, from_hub;
	uint16_t hub_sip, hub_dns, sip, tls, pbx_port;
	json_t *scenarios, *one;
	const char *why;		/* why the present scenario fails; NULL: it does not */
	double t0;
	unsigned calls;			/* records seen so far */
	size_t teams_calls;		/* calls of the hub that are of no interest any more */
	unsigned heard[DEMO_PHONES][DEMO_TONES];	/* when the scenario began */
	int failed;
};

struct demo_scenario {
	const char *name, *title;
	void (*run)(struct demo *d);
};

/* demo_teams.c: the hub as a program that is told what Teams does. */
void demo_say(struct demo *d, const char *from, const char *what, const char *to);
bool demo_must(struct demo *d, bool ok, const char *why);	/* false: the scenario fails */
bool teams_line(struct demo *d, char *out, size_t cap);
bool teams_do(struct demo *d, const char *json);
/* What follows tells of the hub's last call; there is none until one comes that is newer than this. */
void teams_forget(struct demo *d);
bool teams_flag(struct demo *d, const char *flag);
unsigned teams_heard(struct demo *d, unsigned hz);
bool teams_number(struct demo *d, const char *object, const char *key, json_int_t *out);
bool teams_wait(struct demo *d, const char *state, double limit_s);
bool teams_will(struct demo *d, int ring, int answer_ms);

/* demo_ears.c: who hears whom, and the record that remains. */
struct ear { struct phone *phone; unsigned hz; };	/* phone NULL: the Teams side */
void ears_begin(struct demo *d);
/* Both directions for 2 s, a hold by the caller and its resume, both directions again; and
 * nobody else in anybody's ear since the scenario began. */
void ears_talk(struct demo *d, struct phone *caller, const struct ear *a, const struct ear *b);
void ears_only_srtp(struct demo *d);		/* what came to Teams in this call */
void record_read(struct demo *d);
bool record_winner(struct demo *d, const char *who);
bool record_reason(struct demo *d, const char *leg, const char *word);

/* demo_calls.c */
const struct demo_scenario *demo_scenario_at(size_t i);	/* NULL: end */
const struct demo_scenario *demo_scenario_behind_nat(void);

/* demo_setup.c: NULL, or why it cannot start. */
const char *demo_set_up(struct demo *d);
extern const struct demo_place demo_here;

/* demo_nat.c */
/* The scenario in networks of its own; its report is added to d. */
void demo_nat(struct demo *d);
bool demo_nat_wire(pid_t hub, const char **why);

/* demo.c */
void demo_run(struct demo *d, const struct demo_scenario *s);

#endif
