/* t_api.h - the groups of this program, and a bed: a small site without a daemon. */
#ifndef T_API_H
#define T_API_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "api/cmd.h"
#include "sim/sim_loop.h"

int run_cmd(void);
int run_day(void);
int run_dial(void);
int run_query(void);
int run_site(void);
int run_story(void);
int run_view(void);

struct bed {
	struct loop *loop;
	struct config *config;
	struct directory *directory;
	struct trunk *trunk[CONFIG_TRUNKS];
	struct map *map;
	struct store *store;
	struct registrar *registrar;
	struct route *route;
	struct calls *calls;
	struct tap *tap;
	struct api_env env;
	char *site;			/* what `apply` was given, NULL: nothing */
	int stops;
};

/* Time is 2026-11-23T12:00:00Z. Phone SEPB is registered, SEPA is not. */
struct bed *bed_new(void);
void bed_free(struct bed *b);
/* One record in the database: who called whom, how it ended. Its id. */
uint64_t bed_record(struct bed *b, const char *calling, const char *called, const char *reason);
/* Runs an action with name, value, ..., NULL; CMD_LATER is waited for. The caller closes c. */
enum cmd_result bed_run(struct bed *b, struct cmd_call *c, const char *name, ...);
/* The only string, number or boolean at "a.0.b" of JSON; "?" when it is not there. */
const char *at(const json_t *j, const char *path);

#endif
