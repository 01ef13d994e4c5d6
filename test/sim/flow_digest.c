#include <string.h>

#include "io/crypto.h"
#include "sim/flow.h"

/* RFC 7616 with qop=auth, written by hand: not with sip/digest, which is under test. */

static void hash(bool sha, const char *text, char out[65])
{
	const struct str part = str_of(text);
	uint8_t md[32];
	struct buf b;

	if (sha)
		crypto_sha256(&part, 1, md);
	else
		crypto_md5(&part, 1, md);
	buf_init(&b, out, 65);
	buf_hex(&b, md, sha ? 32 : 16);
	out[sha ? 64 : 32] = '\0';
}

static void quoted(const char *value, const char *key, char *dst, size_t cap)
{
	char k[40];
	const char *p;

	flow_put(k, sizeof k, "%s=\"", key);
	p = strstr(value, k);
	dst[0] = '\0';
	if (p)
		flow_put(dst, cap, "%.*s", (int)strcspn(p + strlen(k), "\""), p + strlen(k));
}

static bool challenge_of(const struct flow_peer *p, char *dst, size_t cap)
{
	for (int i = 0; p->challenge && flow_header(p->challenge, "WWW-Authenticate", i, dst, cap); i++)
		if (flow_contains(dst, "SHA-256") == p->sha256)
			return true;
	return false;
}

bool flow_credentials(struct flow_peer *p, const char *method, const char *uri,
		      char *dst, size_t cap)
{
	char value[1000], realm[100], nonce[300], text[1500], a1[65], a2[65], response[65];
	unsigned nc = p->nc + 1;

	dst[0] = '\0';
	if (!challenge_of(p, value, sizeof value))
		return false;
	quoted(value, "realm", realm, sizeof realm);
	quoted(value, "nonce", nonce, sizeof nonce);
	flow_put(text, sizeof text, "%s:%s:%s", p->auth, realm, p->password);
	hash(p->sha256, text, a1);
	flow_put(text, sizeof text, "%s:%s", method, uri);
	hash(p->sha256, text, a2);
	flow_put(text, sizeof text, "%s:%s:%08x:abcdef01:auth:%s", a1, nonce, nc, a2);
	hash(p->sha256, text, response);
	flow_put(dst, cap, "Authorization: Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", "
		 "uri=\"%s\", response=\"%s\", algorithm=%s, cnonce=\"abcdef01\", qop=auth, "
		 "nc=%08x\r\n", p->auth, realm, nonce, uri, response,
		 p->sha256 ? "SHA-256" : "MD5", nc);
	p->nc = nc;
	return dst[0] != '\0';
}

bool flow_auth_holds(const char *request, const char *user_password)
{
	char value[1200], realm[100], nonce[300], uri[300], cnonce[80], said[80], nc[12], text[1500];
	char user[80], method[20], a1[65], a2[65], response[65];
	const char *password = user_password + strcspn(user_password, ":"), *at;
	bool sha;

	if (!flow_header(request, "Authorization", 0, value, sizeof value) &&
	    !flow_header(request, "Proxy-Authorization", 0, value, sizeof value))
		return false;
	sha = flow_contains(value, "algorithm=SHA-256");
	flow_put(user, sizeof user, "%.*s", (int)(password - user_password), user_password);
	flow_put(method, sizeof method, "%.*s", (int)strcspn(request, " "), request);
	quoted(value, "realm", realm, sizeof realm);
	quoted(value, " nonce", nonce, sizeof nonce);
	quoted(value, "uri", uri, sizeof uri);
	quoted(value, "cnonce", cnonce, sizeof cnonce);
	quoted(value, "response", said, sizeof said);
	at = strstr(value, "nc=");
	flow_put(nc, sizeof nc, "%.8s", at ? at + 3 : "");
	flow_put(text, sizeof text, "%s:%s:%s", user, realm, password + (*password == ':'));
	hash(sha, text, a1);
	flow_put(text, sizeof text, "%s:%s", method, uri);
	hash(sha, text, a2);
	flow_put(text, sizeof text, "%s:%s:%s:%s:auth:%s", a1, nonce, nc, cnonce, a2);
	hash(sha, text, response);
	return !strcmp(response, said);
}
