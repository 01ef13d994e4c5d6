/*
 * config.h - what belongs to the machine: zones, certificates, listeners, trunks, store,
 * limits. One YAML file (tandem.yaml), loaded whole, immutable afterwards.
 *
 * Every setting is one row of the option table (conf/option.c): name, type, range, default,
 * unit, help. Help and doc/tandem.yaml.md are made from it.
 * Owner: config_free() frees the arena and all in it. Strings are NUL-ended slices in it.
 * Errors: config_load() collects ALL findings; with any finding there is no config.
 * Threads: read-only after loading.
 */
#ifndef CONF_CONFIG_H
#define CONF_CONFIG_H
#include "base/addr.h"
#include "base/mem.h"

enum { CONFIG_ZONES = 16, CONFIG_CERTS = 16, CONFIG_LISTENERS = 32, CONFIG_TRUNKS = 64,
       CONFIG_HOSTS = 8, CONFIG_NETS = 32, CONFIG_SCANNERS = 16, CONFIG_NAMES = 16, CONFIG_DNS_HOSTS = 64,
       FINDINGS_MAX = 100 };

struct mark { const char *file; unsigned line, col; };	/* 1-based; 0: no place */

struct finding {			/* owns its words: it outlives what it is about */
	char file[256];			/* "": no place                    */
	unsigned line, col;
	char text[800];			/* what is wrong, and the mend; whole sentences */
};

struct findings {
	struct finding f[FINDINGS_MAX];
	int n, more;			/* more: past the limit, counted only */
};

void finding_add(struct findings *fs, struct mark at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* "FILE:LINE:COL: text\n" for each. */
void findings_write(struct buf *b, const struct findings *fs);

enum zone_kind { ZONE_PHONES, ZONE_PBX, ZONE_CARRIER, ZONE_TEAMS };	/* as sip_zone_kind */
enum config_transport { CONFIG_UDP, CONFIG_TCP, CONFIG_TLS };		/* as sip_transport */
enum config_verify { CONFIG_VERIFY_PEER, CONFIG_VERIFY_CHAIN, CONFIG_VERIFY_NONE };
enum config_srtp { CONFIG_SRTP_OFF, CONFIG_SRTP_OPTIONAL, CONFIG_SRTP_MANDATORY };
enum config_elsewhere { CONFIG_ELSEWHERE_ALWAYS, CONFIG_ELSEWHERE_PASS, CONFIG_ELSEWHERE_NEVER };

struct config_net { struct addr net; unsigned bits; };	/* "52.112.0.0/14" */

struct config_zone {
	struct mark at;
	struct str name;
	int kind;				/* enum zone_kind   */
	int family;				/* enum addr_family */
};

struct config_cert {
	struct mark at;
	struct str name, cert, key, roots;	/* files; roots absent: the system's      */
	int verify;				/* enum config_verify, of peers                                */
	struct str names[CONFIG_NAMES];		/* accepted in a peer's SAN ("*.x" allowed) */
	int nnames;
	uint32_t min_version;			/* 12 or 13: TLS 1.2, 1.3                  */
};

struct config_listener {
	struct mark at;
	struct str name;
	int zone, cert;				/* index; cert -1: none (not tls)          */
	int transport;				/* enum config_transport */
	struct addr bind;			/* address and port                        */
	struct str advertised;			/* name or address; absent: the bind address */
	uint16_t advertised_port;		/* 0: the bound one                        */
	struct addr media_bind;			/* family NONE: as bind                    */
	struct addr media_advertised;		/* family NONE: as media_bind              */
	uint16_t port_min, port_max;		/* of media                                */
	int srtp;				/* enum config_srtp, of its phones         */
	int media_mode;				/* 1: latch, of its phones                 */
	struct config_net allow[CONFIG_NETS];	/* sources that may speak; none: all       */
	int nallow;
};

struct config_host {
	struct str host;			/* name or address */
	uint16_t port;				/* 0: SRV, then the default */
};

enum config_mwi { CONFIG_MWI_OFF, CONFIG_MWI_ACCEPT, CONFIG_MWI_SUBSCRIBE };

struct config_trunk {
	struct mark at;
	struct str name, profile;		/* a row of trunk/profiles                 */
	int listener;
	struct config_host host[CONFIG_HOSTS];
	int nhosts;
	struct str fqdn;			/* ours, as the peer knows us (Direct Routing) */
	struct config_net from[CONFIG_NETS];	/* sources of its requests; none: its hosts */
	int nfrom;
	bool enabled;
	uint32_t max_calls;			/* 0: no limit                             */
	bool options;				/* ping it                                 */
	uint32_t options_up_s, options_down_s, options_retries;	/* 60, 30, 2       */
	struct str css;				/* inbound; absent: lines only             */
	bool trusted_identity;			/* remote destinations are mapped to users */
	int mwi;				/* enum config_mwi */
	bool delayed_offer;
	int delayed, media_mode, ringback;	/* as written; the three flags are made of them */
	int srtp;				/* enum config_srtp */
	bool srtp_set;				/* written down: else the profile's        */
	bool latch, latch_set;
	bool inband;				/* ringback: inband                        */
	int prack;				/* 0 off, 1 sdp, 2 all                     */
	bool prack_set;				/* written down: else the profile's        */
	int refresh;				/* 0: by INVITE, 1: by UPDATE              */
	int identity, asserted, divert;		/* as written; _set: else the profile's    */
	bool identity_set, asserted_set, divert_set;
	int elsewhere;				/* enum config_elsewhere */
	struct str codecs[8];
	int ncodecs;				/* 0: all                                  */
	struct str user_agent, x_ms_sbc;	/* absent: the profile's                   */
	struct str auth_user, auth_password;	/* absent: the peer's challenge is final   */
	struct str auth_realm;			/* absent: the first one it asks for       */
	bool registers;				/* we register there                       */
	struct str register_as;			/* "sip:+4930...@carrier"; absent: auth-user at the first host */
	uint32_t register_s;			/* 3600                                    */
	uint32_t first_response_ms;		/* 0: the profile's (2,500 for teams)      */
};

struct config_dns_host { struct str name; struct addr addr; };

struct config {
	struct arena arena;
	struct str file;
	struct config_zone zone[CONFIG_ZONES];
	int nzones;
	struct config_cert cert[CONFIG_CERTS];
	int ncerts;
	struct config_listener listener[CONFIG_LISTENERS];
	int nlisteners;
	struct config_trunk trunk[CONFIG_TRUNKS];
	int ntrunks;
	struct str store_path, runtime_dir, control_socket;
	int log_level;				/* enum log_level */
	struct str site_file;			/* applied at start when the store is empty; absent: none */
	struct str realm;			/* of digest; absent: the first phones listener's name */
	int digest;				/* 0: SHA-256 and MD5, 1: MD5 only       */
	uint32_t register_min_s, register_max_s;	/* 60, 3600 */
	uint32_t contacts_max;			/* per phone: 10                           */
	uint32_t max_calls, user_calls, forward_calls, hops;	/* 1000, 3, 2, 5       */
	uint32_t keep_days;		/* 0: for ever */
	uint32_t ring_max_s, no_media_s, offer_wait_ms;		/* 180, 60, 4000       */
	uint32_t media_rest_s;			/* 30                                      */
	uint32_t media_workers;			/* 0: one per core                         */
	struct str tone_country;		/* "us"                                    */
	struct str dns_servers;			/* "127.0.0.1:5353,..."; absent: the system's */
	struct config_dns_host dns_host[CONFIG_DNS_HOSTS];
	int ndns_hosts;
	struct str music;			/* absent: none */
	uint32_t tap_mb;
	uint32_t guard_rate, guard_burst, guard_strikes, guard_streams;	/* 20 (0: off), 60, 40, 20 */
	uint32_t guard_ban_s, guard_ban_max_s;	/* 600, 86,400                             */
	struct config_net guard_trusted[CONFIG_NETS];
	int nguard_trusted;
	struct str guard_scanners[CONFIG_SCANNERS];
	int nguard_scanners;			/* 0: those that everybody knows           */
};

/* A file's bytes, at most `max`; NULL and a finding otherwise. mem_free() it. */
char *config_slurp(const char *file, size_t max, size_t *n, struct findings *fs);
/* Reads and checks the file, semantics included. NULL: *fs says why, all of it. */
struct config *config_load(const char *file, struct findings *fs);
/* The same from memory; for tests and fuzzing. */
struct config *config_parse(struct str text, const char *file, struct findings *fs);
void config_free(struct config *c);
int config_trunk_find(const struct config *c, struct str name);	/* -1: none */
/* The option table as Markdown (doc/tandem.yaml.md). */
void config_options_doc(struct buf *b);

#endif
