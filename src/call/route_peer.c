#include <string.h>

#include "call/route_int.h"

/* Profile rows and configuration become what leg/ obeys: the islands' own option structs. */

static void copy(char *dst, size_t cap, struct str s)
{
	(void)str_copy(dst, cap, str_sub(s, 0, cap - 1));
}

struct str route_adv_host(const struct route *r, int i, char text[ADDR_TEXT])
{
	const struct config_listener *l = &r->cfg.config->listener[i];
	struct buf b;

	struct addr a;

	if (l->advertised.n && (addr_parse_ip(l->advertised, &a) || a.family == ADDR_V4))
		return l->advertised;
	if (l->advertised.n == 0)
		a = l->bind;
	buf_init(&b, text, ADDR_TEXT);
	addr_host(&b, &a);
	return buf_str(&b);
}

static void suites(struct sdp_opts *o)
{
	o->suite[0] = SDP_AES_CM_80;
	o->suite[1] = SDP_AES_CM_32;
	o->suite[2] = SDP_AES_GCM;
	o->nsuite = 3;
}

static void codecs(struct sdp_opts *o, const struct config_trunk *t)
{
	const struct sdp_codecs *all = sdp_codecs_all();

	o->codecs.events = o->codecs.noise = true;
	for (int i = 0; i < t->ncodecs; i++)
		for (int k = 0; k < all->n; k++)
			if (str_ieq(t->codecs[i], str_of(all->c[k].name)) &&
			    o->codecs.n < SDP_CODEC_MAX)
				o->codecs.c[o->codecs.n++] = all->c[k];
}

static enum sdp_srtp srtp_written(int srtp)
{
	return srtp == CONFIG_SRTP_MANDATORY ? SDP_SRTP_MANDATORY
	     : srtp == CONFIG_SRTP_OPTIONAL ? SDP_SRTP_OPTIONAL : SDP_SRTP_OFF;
}

static enum sdp_srtp srtp_of(const struct config_trunk *t, const struct trunk_profile *p)
{
	if (!t->srtp_set)
		return p->srtp_mandatory ? SDP_SRTP_MANDATORY : SDP_SRTP_OPTIONAL;
	return srtp_written(t->srtp);
}

static void trunk_sip(const struct route *r, const struct config_trunk *t,
		      const struct trunk_profile *p, struct sip_opts *o)
{
	static const enum sip_prack prack[] = { [TRUNK_PRACK_OFF] = SIP_PRACK_OFF,
		[TRUNK_PRACK_SDP] = SIP_PRACK_SDP, [TRUNK_PRACK_ALL] = SIP_PRACK_ALL };
	char text[ADDR_TEXT];

	if (t->fqdn.n)
		copy(o->contact_host, sizeof o->contact_host, t->fqdn);
	else
		copy(o->contact_host, sizeof o->contact_host, route_adv_host(r, t->listener, text));
	copy(o->user_agent, sizeof o->user_agent,
	     t->user_agent.n ? t->user_agent : str_of(p->user_agent));
	copy(o->x_ms_sbc, sizeof o->x_ms_sbc, t->x_ms_sbc);
	o->from_host_is_contact = p->from_host_is_fqdn;
	o->user_phone = p->plus_e164;
	o->session_timer = p->session_timer;
	o->prack = prack[t->prack_set ? (enum trunk_prack)t->prack : p->prack];
	o->update = p->update;
	o->info = p->info;
	o->refresh_update = t->refresh == 1;
	o->session_id = true;
	o->session_expires_s = 1800;
	o->min_se_s = 90;
	o->never_dial_contact = p->never_dial_contact;
	o->login = r->cfg.login ? r->cfg.login[t - r->cfg.config->trunk] : 0;
}

static void trunk_identity(const struct config_trunk *t, const struct trunk_profile *p,
			   struct identity_opts *o)
{
	static const unsigned shown[] = { 0, IDENTITY_PAI, IDENTITY_RPID, IDENTITY_PAI | IDENTITY_RPID };

	*o = (struct identity_opts){ .shown = (p->pai ? IDENTITY_PAI : 0u) | (p->rpid ? IDENTITY_RPID : 0u),
				     .trust = p->trust, .divert_in = p->divert_in,
				     .divert_out = p->divert_out, .guid = p->guid };
	if (t->identity_set)
		o->shown = shown[t->identity];
	if (t->asserted_set)
		o->trust = t->asserted == 1;
	if (t->divert_set) {
		o->divert_in = (t->divert & 1) != 0;
		o->divert_out = (t->divert & 2) != 0;
	}
}

static void fill_trunk(struct route *r, int i)
{
	const struct config_trunk *t = &r->cfg.config->trunk[i];
	const struct trunk_profile *p = trunk_profile(t->profile);
	struct leg_peer *x = &r->trunk_peer[i];

	if (!p)			/* the configuration's check knows all profiles */
		return;
	trunk_sip(r, t, p, &x->sip);
	trunk_identity(t, p, &r->trunk_identity[i]);
	suites(&x->sdp);
	codecs(&x->sdp, t);
	x->sdp.srtp = srtp_of(t, p);
	x->sdp.ptime = 20;
	x->media.pool = (uint32_t)t->listener;
	x->media.latch = t->latch_set ? t->latch : p->latch;
	x->media.fill = p->fill;
	x->media.no_media = r->cfg.config->no_media_s * 1000ull;
	x->hold_inactive = p->hold_inactive;
	x->music = r->cfg.config->music.n > 0;
	x->delayed_offer = t->delayed_offer;
}

static void fill_phones(struct route *r, int i)
{
	const struct config_listener *l = &r->cfg.config->listener[i];
	struct leg_peer *x = &r->phone_peer[i];
	char text[ADDR_TEXT];

	copy(x->sip.contact_host, sizeof x->sip.contact_host, route_adv_host(r, i, text));
	x->sip.session_timer = true;
	x->sip.update = true;
	x->sip.info = true;
	x->sip.session_id = true;
	x->sip.session_expires_s = 1800;
	x->sip.min_se_s = 90;
	suites(&x->sdp);
	x->sdp.srtp = srtp_written(l->srtp);
	x->sdp.ptime = 20;
	x->sdp.rtcp_mux = true;
	x->media.pool = (uint32_t)i;
	x->media.latch = l->media_mode == 1;
	x->music = r->cfg.config->music.n > 0;
	x->media.no_media = r->cfg.config->no_media_s * 1000ull;
}

void route_fill_peers(struct route *r)
{
	for (int i = 0; i < r->cfg.config->ntrunks; i++)
		fill_trunk(r, i);
	for (int i = 0; i < r->cfg.config->nlisteners; i++)
		fill_phones(r, i);
}

const struct leg_peer *route_trunk_peer(const struct route *r, int i)
{
	return &r->trunk_peer[i];
}

void route_trunk_dest(const struct route *r, int i, int host, struct sip_dest *d)
{
	const struct config_trunk *t = &r->cfg.config->trunk[i];
	const struct config_listener *l = &r->cfg.config->listener[t->listener];
	static const enum sip_transport transport[] = { [CONFIG_UDP] = SIP_UDP,
		[CONFIG_TCP] = SIP_TCP, [CONFIG_TLS] = SIP_TLS };

	*d = (struct sip_dest){ .listener = (uint32_t)t->listener,
				.transport = transport[l->transport], .port = t->host[host].port,
				.choose = t->host[host].port == 0 };
	copy(d->host, sizeof d->host, t->host[host].host);
	if (addr_parse_ip(t->host[host].host, &d->addr) == OK)
		d->addr.port = d->port ? d->port : l->transport == CONFIG_TLS ? 5061 : 5060;
}
