/*
 * dialog.h - what both ends of a dialog agreed on (RFC 3261 12): ids, tags,
 * addresses, remote target, route set, sequence numbers.
 *
 * Does: the state of one dialog, the head of requests inside it, its bytes for
 *   a restart. Loose and strict routing (12.2.1.1).
 * Does not: send, time, or keep the session's state.
 * Owner: embedded; dialog_close() frees its texts.
 * Test: test/unit/sip/t_dialog.c, test/fuzz/fz_dialog.c
 */
#ifndef SIP_DIALOG_H
#define SIP_DIALOG_H
#include "sip/msg.h"

struct dialog {
	char *text;				/* the fixed fields, one block */
	struct str call_id, local_tag;
	struct str local, remote;		/* `"Name" <uri>`, without tag */
	char *remote_tag, *target, *routes;	/* routes: "<a>, <b>" in the order to send; "" none */
	uint32_t local_cseq, remote_cseq;
	bool remote_seen;			/* remote_cseq is set          */
};

/* `local` and `remote` as From and To of the first request, without tags. */
void dialog_init_uac(struct dialog *d, struct str call_id, struct str local_tag, struct str local,
		     struct str remote, struct str target);
/* Another tag of ours, when another fork of us answers. */
void dialog_set_tag(struct dialog *d, struct str local_tag);
void dialog_init_uas(struct dialog *d, const struct sip_msg *invite, struct str local_tag);
/* A response that makes (1xx) or confirms (2xx) the dialog: tag, target, route set. */
void dialog_confirm(struct dialog *d, const struct sip_msg *m);
/* The same out of a NOTIFY that came before any dialog (RFC 6665 4.1.2.4). */
void dialog_confirm_notify(struct dialog *d, const struct sip_msg *m);
/* Another usage of the same dialog gets a copy. */
void dialog_copy(struct dialog *d, const struct dialog *from);
void dialog_forget_routes(struct dialog *d);
/* A route set known before the first request: "<a>, <b>"; absent: none. */
void dialog_set_routes(struct dialog *d, struct str routes);
/* The uac's side of a dialog out of nothing but a 2xx. */
void dialog_init_2xx(struct dialog *d, const struct sip_msg *m);
/* Contact of a target refresh; without one nothing changes. */
void dialog_retarget(struct dialog *d, const struct sip_msg *m);
/* The URI that the next request is sent to: topmost route or target. ERR_PARSE: unusable. */
enum err dialog_next_hop(const struct dialog *d, struct sip_uri *u, bool *is_route);
/* Start line, Max-Forwards, Route, From, To, Call-ID, CSeq. The start line comes first, so
 * that Via can be put behind it. */
void dialog_write(const struct dialog *d, struct buf *b, enum sip_method m, uint32_t cseq,
		  uint32_t max_forwards);
/* Does a request with this From tag belong to the dialog? */
bool dialog_is(const struct dialog *d, const struct sip_msg *m);
/* 12.2.2: OK; ERR_STATE: the CSeq is lower than or equal to what was seen: 500. */
enum err dialog_sequence(struct dialog *d, const struct sip_msg *m);
void dialog_save(const struct dialog *d, struct buf *b);
/* Reads what dialog_save() wrote; *rest is what follows. */
enum err dialog_load(struct dialog *d, struct str saved, struct str *rest);
void dialog_close(struct dialog *d);

/* `"Name" <uri>` as we write addresses. Quotes in the name are escaped, control characters
 * become blanks. */
void sip_write_name(struct buf *b, struct str name);	/* `"Name" `; absent: nothing */
void sip_write_addr(struct buf *b, struct str name, struct str uri);
/* A header value we were given: with CR, LF or NUL inside the message fails (buf full). */
void sip_write_value(struct buf *b, struct str v);

#endif
