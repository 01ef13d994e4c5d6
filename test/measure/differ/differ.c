/*
 * measure_differ: reads what measure_mutants writes; libre and Sofia-SIP read each message again.
 * What left must mean the same to both and have no header that is not written by us; what was let
 * pass must be taken by one of them at least. Answers back to the sender show it its own Via, From and
 * To (RFC 3261 8.2.6.2), whatever they are, and are not judged. One line of JSON at the end; examples on stderr.
 */
#include "differ.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX = 65536, EXAMPLES = 12 };

static const char *const names[N_NAMES] = {
	"Via", "From", "To", "Call-ID", "CSeq", "Max-Forwards", "Contact", "Route", "Record-Route", "Content-Type", "Content-Length",
	"Allow", "Supported", "Require", "Unsupported", "User-Agent", "Server", "Session-Expires", "Min-SE", "P-Asserted-Identity",
	"Remote-Party-ID", "Diversion", "Cisco-Guid", "Privacy", "Session-ID", "Reason", "Max-Breadth", "Accept", "Retry-After",
	"RSeq", "RAck", "Accept-Encoding", "Warning", "Expires", "Allow-Events",
};

struct totals {
	unsigned long messages, forwarded, left, differ, smuggled, unread, both_reject, not_needed, libre_rejects, sofia_rejects, examples;
};

int meaning_name(struct meaning *m, const char *name, size_t n)
{
	for (int i = 0; i < N_NAMES && names[i]; i++)
		if (strlen(names[i]) == n && !strncasecmp(names[i], name, n))
			return ++m->count[i];
	meaning_text(m->other, sizeof m->other, name, n);
	return 0;
}

void meaning_text(char *to, size_t cap, const char *p, size_t n)
{
	if (n >= cap)
		n = cap - 1;
	if (n)
		memcpy(to, p, n);
	to[n] = '\0';
}

uint64_t meaning_hash(const void *p, size_t n)
{
	uint64_t h = 1469598103934665603u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ ((const uint8_t *)p)[i]) * 1099511628211u;
	return h;
}

/* Sofia-SIP writes escapes of a URI in its own way: both are compared without. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		char hex[3] = { s[0] == '%' ? s[1] : '\0', s[0] == '%' && s[1] ? s[2] : '\0', '\0' }, *end;
		long v = strtol(hex, &end, 16);

		if (end == hex + 2) {
			*to++ = (char)(v ? v : 1);
			s += 2;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

/* "" or what the two do not understand alike. */
static const char *unlike(struct meaning *a, struct meaning *b)
{
	unescape(a->uri);
	unescape(b->uri);
	if (strcmp(a->method, b->method) || a->status != b->status)
		return "method or status";
	if (strcmp(a->uri, b->uri))
		return "Request-URI";
	if (strcmp(a->call_id, b->call_id) || a->cseq != b->cseq || strcmp(a->cseq_method, b->cseq_method))
		return "Call-ID or CSeq";
	if (strcmp(a->from_tag, b->from_tag) || strcmp(a->to_tag, b->to_tag))
		return "tags";
	if (a->body != b->body || (a->body && a->body_hash != b->body_hash))
		return "body";
	for (int i = 0; i < N_NAMES && names[i]; i++)
		if (i < N_COUNTED ? a->count[i] != b->count[i] : !a->count[i] != !b->count[i])
			return names[i];
	return "";
}

static void example(struct totals *t, const char *what, const char *more, const char *in, size_t n, const char *out, size_t m)
{
	if (t->examples++ < EXAMPLES)
		(void)fprintf(stderr, "--- %s %s\n%.*s\n--- left:\n%.*s\n", what, more, (int)n, in, (int)m, out ? out : "");
}

static void check_left(struct totals *t, const char *out, size_t m, const char *in, size_t n)
{
	struct meaning re, so;
	const char *what;

	t->left++;
	meaning_of_libre(&re, out, m);
	meaning_of_sofia(&so, out, m);
	if (re.rejected || so.rejected) {
		t->unread++;
		example(t, "not read by", re.rejected ? "libre" : "Sofia-SIP", in, n, out, m);
		return;
	}
	if (re.other[0] || so.other[0]) {
		t->smuggled++;
		example(t, "smuggled", re.other[0] ? re.other : so.other, in, n, out, m);
	}
	what = unlike(&re, &so);
	if (what[0]) {
		t->differ++;
		example(t, "differs:", what, in, n, out, m);
	}
}

/* Only what is needed to process it: start line, topmost Via, Call-ID, CSeq, Content-Length, and of
 * requests From, To, Contact, Record-Route, Max-Forwards. RFC 3261 8.2.2: malformed header fields that are not needed are
 * ignored; 17.1.3: a response belongs to its transaction by branch and CSeq alone. */
static size_t needed(const char *in, size_t n, char *out)
{
	static const char *const of_request[] = { "Via:", "Call-ID:", "CSeq:", "From:", "To:", "Contact:", "Record-Route:", "Max-Forwards:" };
	bool request = n > 4 && memcmp(in, "SIP/", 4) != 0, via = false;
	size_t at = 0, to = 0;

	while (at < n) {
		const char *nl = memchr(in + at, '\n', n - at);
		size_t len = nl ? (size_t)(nl - (in + at)) + 1 : n - at;
		bool keep = at == 0;

		for (size_t i = 0; i < (request ? 8u : 3u); i++)
			keep |= !strncasecmp(in + at, of_request[i], strlen(of_request[i])) && !(i == 0 && via);
		if (len <= 2)
			break;
		if (keep && !strncasecmp(in + at, "Via:", 4)) {
			const char *comma = memchr(in + at, ',', len);

			via = true;
			memcpy(out + to, in + at, comma ? (size_t)(comma - (in + at)) : len);
			to += comma ? (size_t)(comma - (in + at)) : len;
			if (comma)
				to += (size_t)sprintf(out + to, ";branch=z9hG4bKx\r\n");
		} else if (keep) {
			memcpy(out + to, in + at, len);
			to += len;
		}
		at += len;
	}
	if (!request)
		to += (size_t)sprintf(out + to, "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\n");
	return to + (size_t)sprintf(out + to, "Content-Length: 0\r\n\r\n");
}

/* Do both reject even what is needed of it? */
static bool rejected_by_both(const char *in, size_t n)
{
	static char core[MAX + 200];
	size_t m = needed(in, n, core);
	struct meaning re, so;

	meaning_of_libre(&re, core, m);
	meaning_of_sofia(&so, core, m);
	return re.rejected && so.rejected;
}

static bool read_bytes(char *to, size_t n)
{
	return n <= MAX && fread(to, 1, n, stdin) == n;
}

static bool one(struct totals *t)
{
	static char in[MAX], out[MAX];
	struct meaning re, so;
	unsigned status, forth = 0;
	char way;
	size_t n, m;
	int left;

	if (scanf("M %zu %u %d%*1[\n]", &n, &status, &left) != 3 || !read_bytes(in, n))
		return false;
	t->messages++;
	meaning_of_libre(&re, in, n);
	meaning_of_sofia(&so, in, n);
	for (int i = 0; i < left; i++) {
		if (scanf("%c %zu%*1[\n]", &way, &m) != 2 || !read_bytes(out, m))
			return false;
		forth += way == 'F';
		if (way == 'F')
			check_left(t, out, m, in, n);
	}
	t->libre_rejects += re.rejected;
	t->sofia_rejects += so.rejected;
	t->forwarded += forth > 0;
	if (forth > 0 && re.rejected && so.rejected && rejected_by_both(in, n)) {
		t->both_reject++;
		example(t, "both reject", "", in, n, out, m);
	} else if (forth > 0 && re.rejected && so.rejected) {
		t->not_needed++;
	}
	return true;
}

int main(void)
{
	struct totals t = { 0 };

	while (one(&t))
		;
	printf("{\"messages\": %lu, \"forwarded\": %lu, \"left\": %lu, \"differ\": %lu, \"smuggled\": %lu, \"unread\": %lu, "
	       "\"both_reject\": %lu, \"not_needed\": %lu, \"libre_rejects\": %lu, \"sofia_rejects\": %lu}\n", t.messages, t.forwarded, t.left, t.differ,
	       t.smuggled, t.unread, t.both_reject, t.not_needed, t.libre_rejects, t.sofia_rejects);
	return 0;
}
