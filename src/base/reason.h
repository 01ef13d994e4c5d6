/*
 * reason.h - why something was decided: a code and at most four arguments,
 * worded only when it is shown.
 *
 * One table (REASONS) has the sentence of every code; "%1".."%4" stand for the
 * arguments. A decision returns its reason beside its result, so the log, the
 * record, `tandem dial` and every `show` say the same words.
 *
 * Owner: the arguments are slices; reason_keep() copies them into an arena for
 *        those who hold a reason longer than the turn.
 */
#ifndef BASE_REASON_H
#define BASE_REASON_H
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

/* X(NAME, "short-word", "Sentence with %1, and the next step where there is one.") */
#define REASONS(X) \
	X(NONE, "none", "No reason was recorded.") \
	/* how a call or a leg ended */ \
	X(ANSWERED, "answered", "Answered by %1.") \
	X(ANSWERED_ELSEWHERE, "answered-elsewhere", "Another destination answered first: %1.") \
	X(CALLER_GAVE_UP, "caller-gave-up", "The caller hung up before anyone answered.") \
	X(CALLER_HUNG_UP, "caller-hung-up", "The caller ended the call.") \
	X(CALLEE_HUNG_UP, "callee-hung-up", "The called side ended the call.") \
	X(TOO_SOON, "answered-too-soon", "%1 answered after %2 ms, earlier than its limit of %3 ms, which looks like a mailbox: this leg was dropped and the others ring on.") \
	X(TOO_LATE, "too-late", "%1 did not answer within its %2 ms and was cancelled.") \
	X(FORWARDED_NO_ANSWER, "forwarded-no-answer", "Nobody answered within %1 s; the call was forwarded to %2.") \
	X(FORWARDED_UNREACHED, "forwarded-unreached", "None of the destinations could be reached, or answered; the call was forwarded to %1.") \
	X(FORWARDED_BUSY, "forwarded-busy", "All destinations were busy; the call was forwarded to %1.") \
	X(FORWARD_LIMIT, "forward-limit", "The forward target %1 already has its maximum of %2 calls. Raise forward-calls, if that is too few.") \
	X(NO_ANSWER, "no-answer", "Nobody answered within %1 s.") \
	X(REMOTE_FINAL, "remote-final", "%1 answered %2 %3.") \
	X(BUSY, "busy", "%1 is busy.") \
	X(DECLINED, "declined", "%1 declined the call.") \
	X(NO_MEDIA, "no-media", "No media came from %1 for %2 s. Look for a firewall or address translation between it and our media ports.") \
	X(SESSION_EXPIRED, "session-expired", "%1 did not refresh the session within %2 s. Look whether it lost its network, or a firewall forgets its connection.") \
	X(NO_ACK, "no-ack", "%1 never acknowledged the answer (no ACK within 32 s). Check that it reaches the address in our Contact.") \
	X(RESTART, "restart", "Tandem was restarted while the call was up.") \
	X(SHUTDOWN, "shutdown", "Tandem was stopped by its operator.") \
	X(NO_PRACK, "no-prack", "%1 never acknowledged the ringing, which it had asked to be reliable (no PRACK within 32 s).") \
	X(EXTENSION, "extension", "%1 demands %2, which its profile does not allow (420). Switch it off there, or on with the trunk's setting.") \
	X(NO_COMMON_CODEC, "no-common-codec", "%1 offers %2; none of these can be used on this call. PCMU or PCMA must be allowed on both sides.") \
	X(SRTP_REQUIRED, "srtp-required", "%1 offers no SRTP, and its profile demands it. Switch SRTP on at the peer.") \
	X(BAD_SDP, "bad-sdp", "The session description of %1 cannot be used: %2.") \
	X(REPLACES_UNSUPPORTED, "replaces-unsupported", "%1 asked to replace another call, which is not supported yet (481).") \
	X(REFER_UNSUPPORTED, "refer-unsupported", "%1 asked for a transfer, which is not supported yet (603).") \
	X(TRANSPORT_LOST, "transport-lost", "The connection to %1 was lost.") \
	X(INTERNAL, "internal", "Tandem met an internal error: %1. Please report it with the call's id.") \
	/* routing */ \
	X(LINE_EMPTY, "line-empty", "Line %1 has no phone, no endpoint and no remote destination, so nobody rings. Give it one in the site.") \
	X(LINE_FOUND, "line-found", "%1 is line %2 in partition %3.") \
	X(PATTERN_FOUND, "pattern-found", "%1 matches route pattern %2 in partition %3 to %4.") \
	X(NUMBER_UNKNOWN, "number-unknown", "No line or route pattern reachable through calling search space %2 matches %1. Add the number, or its partition to the search space.") \
	X(NUMBER_BARRED, "number-barred", "%1 matches %2 in partition %3, which calling search space %4 does not contain. Add the partition there, if the number may be called.") \
	X(SPACE_NONE, "space-none", "No line is %1, and a call without a calling search space reaches lines only. Give its trunk an inbound-css in tandem.yaml, or its line a css in the site.") \
	X(SPACE_UNKNOWN, "space-unknown", "Calling search space %1 is not in the site, so nothing is reached through it. Add it there, or mend the inbound-css or css that names it.") \
	X(SPACE_EMPTY, "space-empty", "Calling search space %1 contains no partition.") \
	X(PATTERN_BLOCKED, "pattern-blocked", "%1 matches %2, a pattern that blocks the call.") \
	X(RINGS_PHONE, "rings-phone", "Phone %1 rings at once (%2 registered contacts).") \
	X(PHONE_NOT_REGISTERED, "phone-not-registered", "Phone %1 does not ring: it is not registered. Check the phone's server address and password.") \
	X(RINGS_TRUNK_ENDPOINT, "rings-trunk-endpoint", "Number %1 on trunk %2 rings at once.") \
	X(RINGS_REMOTE, "rings-remote", "Remote destination %1 (%2) rings after %3 ms over trunk %4.") \
	X(TRUNK_IS_DOWN, "trunk-is-down", "Trunk %1 is down, so %2 would not ring now. `tandem show trunks` says why.") \
	X(REMOTE_DISABLED, "remote-disabled", "Remote destination %1 does not ring: Single Number Reach is switched off for it.") \
	X(REMOTE_NOT_ASSOCIATED, "remote-not-associated", "Remote destination %1 does not ring: it is not associated with line %2.") \
	X(REMOTE_NO_ROUTE, "remote-no-route", "Remote destination %1 does not ring: calling search space %2 of the profile reaches no route for %3.") \
	X(REMOTE_IS_CALLER, "remote-is-caller", "Remote destination %1 does not ring: the call comes from it.") \
	X(FORWARD_SET, "forward-set", "Without an answer after %1 s the call goes to %2.") \
	X(FORWARD_NONE, "forward-none", "No forward target: it rings until the destinations' own timers, at most %1 s.") \
	X(CALLER_IS_USER, "caller-is-user", "The caller's number %1 is remote destination %2, so the caller is shown as line %3.") \
	/* trunks */ \
	X(TRUNK_UP, "trunk-up", "%1 answers OPTIONS.") \
	X(TRUNK_ALIVE, "trunk-alive", "%1 answered a call.") \
	X(TRUNK_UNASKED, "trunk-unasked", "%1 is not asked with OPTIONS; it counts as up until a call fails.") \
	X(TRUNK_NEVER, "trunk-never", "No OPTIONS has been answered yet; the first are on their way.") \
	X(TRUNK_DNS, "dns-failed", "The name %1 could not be resolved: %2. Check the DNS servers of this machine.") \
	X(TRUNK_REFUSED, "tcp-refused", "%1 refused the TCP connection. Check address, port and firewall.") \
	X(TRUNK_UNREACHABLE, "tcp-timeout", "%1 did not answer the TCP connection within %2 ms. A firewall on the way drops it.") \
	X(TRUNK_TLS_ALERT, "tls-alert", "%1 refused the TLS handshake with alert %2. It did not accept our certificate or our TLS settings; check the certificate chain and its name.") \
	X(TRUNK_TLS_VERIFY, "tls-verify", "The certificate of %1 was not accepted: %2. Check `roots` of the certificate that its listener uses.") \
	X(TRUNK_TLS_NAME, "tls-name", "The certificate of %1 does not carry the name %2; it carries %3. Ask for the host by a name of its certificate, or add one to the names of ours.") \
	X(TRUNK_TLS_FAILED, "tls-failed", "The TLS handshake with %1 failed: %2. Check that this port of the peer speaks TLS 1.2 or later.") \
	X(TRUNK_OPTIONS_TIMEOUT, "options-timeout", "%1 did not answer OPTIONS within %2 ms. Check that it has our address and port as a trunk, and the firewall.") \
	X(TRUNK_OPTIONS_STATUS, "options-status", "%1 answered OPTIONS with %2 %3. Compare our address and name with what its trunk or gateway has.") \
	X(TRUNK_CLOSED, "closed", "%1 closed the connection. It is opened again; if that goes on, the peer's own log knows why.") \
	X(TRUNK_VANISHED, "vanished", "%1 vanished: the connection to it stood, and nothing of it is acknowledged any more. The host or the way to it is gone, or a firewall has forgotten the connection.") \
	X(TRUNK_REG_WAIT, "registering", "The registration has not been answered yet.") \
	X(TRUNK_REGISTERED, "registered", "%1 holds the registration of %2 for %3 s.") \
	X(TRUNK_REG_STATUS, "registration-refused", "%1 refused the registration of %2 with %3 %4. Check the user and domain that are registered.") \
	X(TRUNK_REG_TIMEOUT, "registration-timeout", "%1 did not answer REGISTER within %2 ms. Check its address and the firewall.") \
	X(AUTH_MISSING, "auth-missing", "%1 asks for a user name and password of realm %2, and its trunk has none. Write auth-user and auth-password.") \
	X(AUTH_WRONG, "auth-wrong", "%1 refused the user name or the password for realm %2. Check auth-user and auth-password.") \
	X(AUTH_REALM, "auth-realm", "%1 asks for a password of realm %2, and ours is for another one. Write auth-realm: %2, if that is right.") \
	X(AUTH_ELSEWHERE, "auth-elsewhere", "%1 asks for a password from an address or TLS name that no host of its trunk has: it was not sent. Add it to the hosts of the trunk, if it is the peer's.") \
	X(AUTH_UNKNOWN, "auth-unknown", "%1 asks for a password in a way that is not supported; digest with MD5 or SHA-256 is.") \
	X(TRUNK_503, "received-503", "%1 answered 503 and asked for %2 s of rest. Look at its load and what stands behind it; it is tried again then.") \
	X(TRUNK_INVITE_TIMEOUT, "invite-timeout", "%1 gave no response to an INVITE within %2 ms. If its OPTIONS work, look what it does with calls; first-response of the trunk is how long it is given.") \
	X(TRUNK_ALL_DOWN, "trunk-down", "No host of trunk %1 can be used: %2") \
	X(TRUNK_DISABLED, "trunk-disabled", "Trunk %1 is switched off in its configuration. Set enabled: yes in tandem.yaml and restart, if it should work.") \
	X(FAILOVER, "failover", "%1 failed (%2), so %3 was tried.") \
	/* who knocks at a TLS listener */ \
	X(IN_NO_CERT, "no-client-certificate", "%1 presented no certificate in the TLS handshake. Microsoft presents one when it is asked: this is another system, or something on the way ends the TLS.") \
	X(IN_CHAIN, "client-certificate", "The certificate that %1 presented (%2) was not accepted: %3. If it is a peer of yours, add its root to the roots of the listener's certificate, or let it send its whole chain.") \
	X(IN_NAME, "client-certificate-name", "The certificate that %1 presented carries %2; the listener takes %3. If it is a peer of yours, add its name to the names of the listener's certificate.") \
	X(IN_VERSION, "tls-version", "%1 speaks no TLS version that the listener takes. Raise the peer to TLS 1.2 or later.") \
	X(IN_SUITE, "tls-suite", "%1 and the listener have no TLS cipher suite in common. Microsoft's suites all want an RSA key: see what key the listener's certificate has.") \
	X(IN_ALERT, "tls-alert-received", "%1 ended the TLS handshake with alert %2: it did not accept the listener's certificate. Let the certificate file hold the whole chain, from a root that the peer trusts.") \
	X(IN_CUT, "tls-cut", "%1 closed the connection during the TLS handshake.") \
	X(IN_NOISE, "tls-noise", "%1 sent bytes that are not TLS to a TLS listener. If it is a peer of yours, switch it to TLS.") \
	X(IN_SLOW, "tls-timeout", "%1 did not finish the TLS handshake in time. If it is a peer of yours, look for loss on the way, or something that scans.") \
	/* limits */ \
	X(LIMIT_USER, "limit-user", "User %1 already has the maximum of %2 calls. Raise user-calls, if that is too few.") \
	X(LIMIT_TRUNK, "limit-trunk", "Trunk %1 already carries its maximum of %2 calls. Raise its max-calls, if it carries more.") \
	X(LIMIT_TOTAL, "limit-total", "Tandem already carries its maximum of %1 calls. Raise max-calls, if the machine carries more.") \
	X(LIMIT_HOPS, "limit-hops", "The call has been forwarded %1 times, which looks like a loop. Look at the forward targets on its way.") \
	X(LIMIT_PORTS, "limit-ports", "All media ports on %1 are in use or rest after a call. Widen media-ports of its listener (or let them rest less, media-rest).") \
	X(LIMIT_BREADTH, "limit-breadth", "%1 destinations would ring, and the systems before this one allow %2 at a time (Max-Breadth). Let fewer ring, or raise it there.") \
	X(MAX_FORWARDS, "max-forwards", "Max-Forwards of the request is 0: there is a loop between the systems.") \
	/* admission */ \
	X(PEER_UNKNOWN, "peer-unknown", "%1 is no trunk and no registered phone of this listener. If it is yours, add it to the hosts or to `from` of a trunk.") \
	X(AUTH_FAILED, "auth-failed", "%1 gave a wrong user name or password.") \
	X(ZONE_REFUSES, "zone-refuses", "The %1 zone takes no %2.")

enum reason_code {
#define X(name, word, text) REASON_##name,
	REASONS(X)
#undef X
	REASON_N
};

struct reason {
	enum reason_code code;
	struct str arg[4];
};

/* The short word of a code ("too-late"), for JSON and tests. */
const char *reason_word(enum reason_code c);
/* The sentence with its arguments. Argument bytes are written safely. */
void reason_write(struct buf *b, const struct reason *r);
/* doc/reasons.md: every word with its sentence. */
void reasons_doc(struct buf *b);
/* A copy whose arguments live in the arena; arguments that do not fit are absent. */
struct reason reason_keep(struct arena *a, const struct reason *r);

#define REASON(name, ...) \
	((struct reason){ REASON_##name, { __VA_ARGS__ } })

#endif
