/*
 * demo_bed.h - the demo's helpers: children that die with us, free ports, the softphones and
 * their ears. Synchronous: the demo is a script, not a server.
 */
#ifndef APP_DEMO_BED_H
#define APP_DEMO_BED_H
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { DEMO_CHILDREN = 8, DEMO_PATH = 512, DEMO_EVENTS = 64 };

struct bed {
	char dir[DEMO_PATH];
	uint16_t next_port;
	pid_t child[DEMO_CHILDREN];
	int nchildren;
	double began;
};

double bed_now(void);				/* seconds, monotonic */
void bed_pause(double s);
void bed_path(const struct bed *b, char out[DEMO_PATH], const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
bool bed_write(const char *path, const char *text);
/* First of `count` neighbouring even ports, free for UDP and TCP on 127.0.0.1-3. */
uint16_t bed_ports(struct bed *b, int count);
/* Starts argv; its output goes to the log file, or stdin/stdout to *in and *out when given. */
pid_t bed_spawn(struct bed *b, const char *log, char *const argv[], int *in, int *out);
void bed_stop(struct bed *b, pid_t pid);
void bed_close(struct bed *b);

/* --- a softphone --- */
struct phone {
	struct bed *bed;
	const char *name;		/* "alice's desk phone" */
	char user[64], dir[DEMO_PATH];
	unsigned hz;
	uint16_t sip;
	int ctl;
	char buf[65536];
	size_t n;
	char event[DEMO_EVENTS][32];
	int nevents;
	int token;
	char answer[4096];
	int answered;
};

struct phone_setup { const char *name, *user; unsigned hz; uint16_t proxy; const char *password; };
bool phone_start(struct phone *p, struct bed *b, const struct phone_setup *s);
bool phone_do(struct phone *p, const char *command, const char *params);
bool phone_registered(struct phone *p, double limit_s);
void phone_forget(struct phone *p);		/* events so far */
bool phone_wait(struct phone *p, const char *event, double limit_s);
bool phone_saw(struct phone *p, const char *event);
/* Milliseconds in which this tone was what the phone received, since it was started. */
unsigned phone_heard(const struct phone *p, unsigned hz);

#endif
