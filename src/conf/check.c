#include "conf/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void duplicate(struct findings *fs, struct mark at, const char *what, struct str name,
		      struct mark first)
{
	finding_add(fs, at, "The %s name \"%.*s\" is already used in line %u; choose another.", what,
		    STRF(name), first.line);
}

static void check_names(const struct config *c, struct findings *fs)
{
	for (int i = 0; i < c->nzones; i++)
		for (int k = 0; k < i; k++)
			if (str_eq(c->zone[i].name, c->zone[k].name))
				duplicate(fs, c->zone[i].at, "zone", c->zone[i].name, c->zone[k].at);
	for (int i = 0; i < c->ncerts; i++)
		for (int k = 0; k < i; k++)
			if (str_eq(c->cert[i].name, c->cert[k].name))
				duplicate(fs, c->cert[i].at, "certificate", c->cert[i].name, c->cert[k].at);
	for (int i = 0; i < c->nlisteners; i++)
		for (int k = 0; k < i; k++)
			if (str_eq(c->listener[i].name, c->listener[k].name))
				duplicate(fs, c->listener[i].at, "listener", c->listener[i].name,
					  c->listener[k].at);
	for (int i = 0; i < c->ntrunks; i++)
		for (int k = 0; k < i; k++)
			if (str_eq(c->trunk[i].name, c->trunk[k].name))
				duplicate(fs, c->trunk[i].at, "trunk", c->trunk[i].name, c->trunk[k].at);
}

static const struct addr *media_of(const struct config_listener *l)
{
	return l->media_bind.family != ADDR_NONE ? &l->media_bind : &l->bind;
}

static bool both_stream(const struct config_listener *a, const struct config_listener *b)
{
	return (a->transport == CONFIG_UDP) == (b->transport == CONFIG_UDP);
}

static void check_pair(const struct config_listener *a, const struct config_listener *b,
		       struct findings *fs)
{
	if (a->bind.port && both_stream(a, b) && addr_eq(&a->bind, &b->bind))
		finding_add(fs, a->at, "Listener \"%.*s\" binds the same address and port as \"%.*s\" in line %u; choose another port.",
			    STRF(a->name), STRF(b->name), b->at.line);
	if (addr_same_ip(media_of(a), media_of(b)) && a->port_min <= b->port_max &&
	    b->port_min <= a->port_max && a->port_max)
		finding_add(fs, a->at, "The media ports of listener \"%.*s\" overlap those of \"%.*s\" in line %u; give each its own range.",
			    STRF(a->name), STRF(b->name), b->at.line);
}

static bool other_family(const struct addr *a, const struct addr *bind)
{
	return a->family != ADDR_NONE && a->family != bind->family;
}

/* What peers are told to answer to; Teams is told the trunk's fqdn. */
static void check_shown(const struct config_listener *l, bool teams, struct findings *fs)
{
	bool sip = l->bind.family != ADDR_NONE && addr_is_any(&l->bind) && !l->advertised.n && !teams;
	bool media = media_of(l)->family != ADDR_NONE && addr_is_any(media_of(l)) &&
		     l->media_advertised.family == ADDR_NONE;

	if (sip || media)
		finding_add(fs, l->at, "Listener \"%.*s\" binds all addresses, so %s none to show; write %s.", STRF(l->name),
			    sip && media ? "Contact and SDP have" : sip ? "Contact has" : "SDP has",
			    sip && media ? "advertised and media-advertised" : sip ? "advertised" : "media-advertised");
}

static void check_listener(const struct config *c, const struct config_listener *l,
			   struct findings *fs)
{
	const struct config_zone *z = l->zone >= 0 ? &c->zone[l->zone] : NULL;

	if (l->transport == CONFIG_TLS && l->cert < 0)
		finding_add(fs, l->at, "Listener \"%.*s\" is tls and needs \"certificate\": the name of an entry of certificates.",
			    STRF(l->name));
	if (z && z->kind == ZONE_TEAMS && l->transport != CONFIG_TLS)
		finding_add(fs, l->at, "Listener \"%.*s\" is in a teams zone; Direct Routing speaks TLS only: write transport: tls.",
			    STRF(l->name));
	if (z && l->bind.family != ADDR_NONE && z->family != ADDR_NONE &&
	    z->family != (int)l->bind.family)
		finding_add(fs, l->at, "Listener \"%.*s\" binds another address family than its zone \"%.*s\" has; change one of them.",
			    STRF(l->name), STRF(z->name));
	check_shown(l, z && z->kind == ZONE_TEAMS, fs);
	if (l->bind.family != ADDR_NONE &&
	    (other_family(&l->media_bind, &l->bind) || other_family(&l->media_advertised, &l->bind)))
		finding_add(fs, l->at, "The media address of listener \"%.*s\" is of another address family than its bind; SDP has one family, change one of them.",
			    STRF(l->name));
	if (l->port_max && l->port_max - l->port_min < 3)
		finding_add(fs, l->at, "The media range of listener \"%.*s\" holds less than one call; make it larger.",
			    STRF(l->name));
}

static void check_file(struct mark at, const char *what, struct str file, struct findings *fs)
{
	FILE *f;

	if (!file.n)
		return;
	f = fopen(file.p, "rb");
	if (f)
		(void)fclose(f);
	else
		finding_add(fs, at, "The %s file %s cannot be read: %s. Check its name and its rights.", what,
			    file.p, strerror(errno));
}

static bool known_profile(struct str name)
{
	return str_is(name, "teams") || str_is(name, "cucm") || str_is(name, "generic") ||
	       str_is(name, "carrier");
}

static void check_teams(const struct config *c, const struct config_trunk *t, struct findings *fs)
{
	const struct config_listener *l = t->listener >= 0 ? &c->listener[t->listener] : NULL;
	struct addr a;

	if (!t->fqdn.n)
		finding_add(fs, t->at, "Trunk \"%.*s\" has the teams profile and needs \"fqdn\": the name of this border as registered in Teams.",
			    STRF(t->name));
	else if (str_find(t->fqdn, '.') == t->fqdn.n || addr_parse_ip(t->fqdn, &a) == OK)
		finding_add(fs, t->at, "The fqdn \"%.*s\" is no full name; Teams refuses addresses and short names (403). Write it as sbc.example.com.",
			    STRF(t->fqdn));
	else if (str_ends(t->fqdn, STR(".onmicrosoft.com")))
		finding_add(fs, t->at, "The fqdn \"%.*s\" can not be used: names below onmicrosoft.com are refused. Use a domain of your own.",
			    STRF(t->fqdn));
	if (l && l->zone >= 0 && c->zone[l->zone].kind != ZONE_TEAMS)
		finding_add(fs, t->at, "Trunk \"%.*s\" has the teams profile, but its listener \"%.*s\" is not in a teams zone.",
			    STRF(t->name), STRF(l->name));
	for (int i = 0; i < t->nhosts; i++)
		if (addr_parse_ip(t->host[i].host, &a) == OK && !addr_is_loopback(&a))
			finding_add(fs, t->at, "Host %.*s of trunk \"%.*s\" is an address; Microsoft's addresses change. Write the names sip, sip2 and sip3.pstnhub.microsoft.com.",
				    STRF(t->host[i].host), STRF(t->name));
	if (t->prack_set && t->prack)
		finding_add(fs, t->at, "Trunk \"%.*s\" has the teams profile; Direct Routing knows no PRACK: take \"prack\" away.",
			    STRF(t->name));
	if (t->options && t->options_up_s < 60 && l && !addr_is_loopback(&l->bind))
		finding_add(fs, t->at, "options-up of trunk \"%.*s\" is %u s; Direct Routing allows one OPTIONS a minute: write 60.",
			    STRF(t->name), t->options_up_s);
}

static bool plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '"' || s.p[i] == '\\' || (unsigned char)s.p[i] < ' ' || s.p[i] == 127)
			return false;
	return true;
}

static void check_credentials(const struct config_trunk *t, struct findings *fs)
{
	if (t->auth_user.n && !t->auth_password.n)
		finding_add(fs, t->at, "Trunk \"%.*s\" has auth-user without auth-password; write both.",
			    STRF(t->name));
	if (t->auth_password.n && !t->auth_user.n)
		finding_add(fs, t->at, "Trunk \"%.*s\" has auth-password without auth-user; write both.",
			    STRF(t->name));
	if (!plain(t->auth_user) || !plain(t->auth_realm))
		finding_add(fs, t->at, "auth-user and auth-realm of trunk \"%.*s\" take no quotes, backslashes or control characters.",
			    STRF(t->name));
	if (!t->registers)
		return;
	if (str_is(t->profile, "teams"))
		finding_add(fs, t->at, "Trunk \"%.*s\" has the teams profile; Direct Routing takes no registration: take \"register\" away.",
			    STRF(t->name));
	if (t->register_as.n ? !str_starts(t->register_as, STR("sip:")) ||
			       str_find(t->register_as, '@') == t->register_as.n ||
			       str_find(t->register_as, '>') != t->register_as.n || !plain(t->register_as)
			     : !t->auth_user.n)
		finding_add(fs, t->at, "Trunk \"%.*s\" registers and needs \"register-as\": write it as sip:USER@HOST.",
			    STRF(t->name));
}

static void check_trunk(const struct config *c, const struct config_trunk *t, struct findings *fs)
{
	static const char *const codec[] = { "PCMU", "PCMA", "G722", "G729", "opus" };

	if (t->profile.n && !known_profile(t->profile))
		finding_add(fs, t->at, "Trunk \"%.*s\" has the profile \"%.*s\"; write one of: teams, cucm, generic, carrier.",
			    STRF(t->name), STRF(t->profile));
	if (str_is(t->profile, "teams"))
		check_teams(c, t, fs);
	check_credentials(t, fs);
	for (int i = 0; i < t->ncodecs; i++) {
		bool ok = false;

		for (int k = 0; k < 5; k++)
			ok |= str_iis(t->codecs[i], codec[k]);
		if (!ok)
			finding_add(fs, t->at, "Trunk \"%.*s\" names the codec \"%.*s\"; Tandem passes PCMU, PCMA, G722, G729 and opus.",
				    STRF(t->name), STRF(t->codecs[i]));
	}
}

void config_check(const struct config *c, struct findings *fs)
{
	struct mark top = { c->file.p, 1, 1 };

	check_names(c, fs);
	if (!c->nlisteners)
		finding_add(fs, top, "There is no listener, so nobody can call; add one under listeners.");
	for (int i = 0; i < c->nlisteners; i++) {
		check_listener(c, &c->listener[i], fs);
		for (int k = 0; k < i; k++)
			check_pair(&c->listener[i], &c->listener[k], fs);
	}
	for (int i = 0; i < c->ncerts; i++) {
		check_file(c->cert[i].at, "certificate", c->cert[i].cert, fs);
		check_file(c->cert[i].at, "key", c->cert[i].key, fs);
		check_file(c->cert[i].at, "roots", c->cert[i].roots, fs);
	}
	for (int i = 0; i < c->ntrunks; i++)
		check_trunk(c, &c->trunk[i], fs);
	if (c->register_min_s > c->register_max_s)
		finding_add(fs, top, "register-min is larger than register-max; swap them.");
}
