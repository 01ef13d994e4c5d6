/*
 * sub_bed.h - subscriptions in the bed: a twin at the other end, or a script at 10.0.0.9 that says
 * what the twin would not.
 */
#ifndef SUB_BED_H
#define SUB_BED_H
#include "script.h"
#include "sip/subscription.h"

#define TYPE "application/simple-message-summary"
#define ON "Messages-Waiting: yes\r\n"
#define OFF "Messages-Waiting: no\r\n"

extern const struct sip_body sub_state_on, sub_state_off;
extern uint64_t sub_given;		/* the last subscription side A accepted */

unsigned sub_count(struct bed_side *s);
void subs_are_gone(struct bed *b);	/* after 140 s nothing of either role is left; frees the bed */

/* Side A accepts each SUBSCRIBE with OFF; pending when its `status` is 202. */
struct bed *sub_twins(void);
void sub_taking(struct bed_side *s, const struct sip_event *ev);	/* ... with this `on` */
struct bed *sub_script(void);		/* side A alone with the script */

/* Side B subscribes at side A; side A at the script. */
uint64_t sub_twin(struct bed *b, uint32_t expires);
uint64_t sub_out(struct bed *b, uint32_t expires);

struct sub_said { const char *method, *tag, *extra, *body; int cseq, serial; };
void sub_say(struct bed *b, struct sub_said q, const char *to_tag, const char *call_id, const char *event);
/* The script's first SUBSCRIBE, and one in the dialog that a NOTIFY showed. */
void sub_in_new(struct bed *b, const char *extra);
void sub_in_again(struct bed *b, int cseq, const char *extra);
/* The tag side A gave in its last such request. */
const char *sub_tag(struct bed *b, const char *method, char out[300]);
void sub_ok(struct bed *b, const char *to, int nth);	/* the script's 200 */
/* A NOTIFY of the script; and sub_out() with its answer and one NOTIFY. */
void sub_tell(struct bed *b, int cseq, const char *tag, const char *state, const char *body);
uint64_t sub_held(struct bed *b, uint32_t expires);
/* Does the last message that begins so have this in it? */
bool last_has(struct bed *b, const char *prefix, const char *what);

#endif
