/*
 * registrar.h - REGISTER and who a phone is (RFC 3261 10, 22).
 *
 * Does: digest (SHA-256 and MD5), several contacts a phone with their expiry (spread.h), NAT (a binding
 *   remembers where it came from), the Path of edge proxies (RFC 3327), limits, bindings that
 *   survive a restart (UDP phones are reachable at once), authentication of a phone's INVITE.
 * Does not: route. Answers each REGISTER itself.
 * Owner: app/server. Threads: the loop's. Test: test/unit/service/t_registrar.c
 */
#ifndef SERVICE_REGISTRAR_H
#define SERVICE_REGISTRAR_H
#include "directory/directory.h"
#include "sip/auth.h"
#include "sip/stack.h"
#include "store/store.h"

struct registrar;

enum { REG_CONTACTS_MAX = 10 };

struct registrar_config {
	struct loop *loop;
	struct sip *sip;			/* NULL: nothing is answered    */
	struct store *store;			/* NULL: bindings are not kept  */
	struct directory *const *directory;	/* the snapshot of now          */
	const char *realm;
	uint32_t min_s, max_s, contacts;	/* 60, 3600, 10                 */
	bool md5_only;				/* for phones that stumble over a SHA-256 challenge */
	const char *(*listener_name)(void *ctx, uint32_t index);
	int (*listener_index)(void *ctx, const char *name);	/* -1: gone */
	void *ctx;
};

struct registrar *registrar_new(const struct registrar_config *c);
void registrar_free(struct registrar *r);
/* Bindings of the last run that a phone of now made with its password of now, also those it had no
 * time to write into the database; before the loop runs. With a store only. */
void registrar_load(struct registrar *r);
/* The snapshot of now has taken the place of `old`, which is still there: phones that are gone, or whose
 * user or password is another one, are not registered any more. */
void registrar_on_directory(struct registrar *r, const struct directory *old);
/* Is the phone let in as it was with the old site: is it there, with the same user and password? */
bool registrar_lets_in(const struct registrar *r, struct str name, const struct directory *old);
/* A REGISTER (SIP_EV_REQUEST). */
void registrar_on_register(struct registrar *r, const struct sip_event *ev);
/* A stream closed: bindings over it cannot be reached by it any more. */
void registrar_on_flow(struct registrar *r, net_id flow);

/* The stream of the binding that has this contact, came from this address to this listener; 0: none. */
net_id registrar_flow(const struct registrar *r, const struct sip_seek *k);

enum registrar_verdict { REGISTRAR_OK, REGISTRAR_CHALLENGE, REGISTRAR_REFUSE };
/* Whose request is this? CHALLENGE: x[0..1] are the headers to answer 401 with (in the arena);
 * x[1].name is absent when there is one only. */
enum registrar_verdict registrar_who(struct registrar *r, const struct sip_msg *m, struct arena *a,
				     const struct dir_phone **phone, struct sip_xhdr x[2]);

/* Has it credentials with a nonce that was given to where it comes from? OK: so far; the password is not looked at.
 * CHALLENGE: the headers of a 401, as in registrar_who(). Stores nothing. */
enum registrar_verdict registrar_glance(struct registrar *r, const struct sip_msg *m, struct arena *a,
					struct sip_xhdr x[2]);

struct registrar_contact {
	struct sip_dest dest;
	char uri[256];			/* the Request-URI: the contact as registered */
	char path[256];			/* route set for its requests; "": none  */
	struct addr source;
	wall_t since, expires;
	char user_agent[96];
};
/* The phone's live contacts, newest first. */
int registrar_contacts(struct registrar *r, struct str phone, struct registrar_contact *out, int max);
int registrar_count(struct registrar *r, struct str phone);
uint32_t registrar_total(const struct registrar *r);

#endif
