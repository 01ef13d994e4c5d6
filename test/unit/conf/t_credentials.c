/* t_credentials.c - settings of trunks that want a password or a registration. */
#include "t_conf.h"

#include <string.h>

#include "conf/config.h"

static const char head[] =
	"zones: [ { name: z, kind: carrier } ]\n"
	"listeners:\n"
	"  - { name: l, zone: z, transport: udp, bind: 10.0.0.1:5060, media-ports: 16384-16583 }\n"
	"trunks:\n"
	"  - { name: t, profile: carrier, listener: l, hosts: sip.carrier.example, ";

struct parsed {
	struct findings fs;
	struct config *c;
	char text[2000];
};

static struct parsed *parse(const char *settings)
{
	struct parsed *p = mem_new(sizeof *p);
	struct buf b;

	buf_init(&b, p->text, sizeof p->text);
	buf_lit(&b, head);
	buf_lit(&b, settings);
	buf_lit(&b, " }\n");
	p->c = config_parse(buf_str(&b), "t.yaml", &p->fs);
	return p;
}

static void forget(struct parsed *p)
{
	config_free(p->c);
	mem_free(p);
}

static void finds(const char *settings, const char *what)
{
	struct parsed *p = parse(settings);

	assert_null(p->c);
	assert_int_equal(p->fs.n, 1);
	assert_non_null(strstr(p->fs.f[0].text, what));
	assert_int_equal(p->fs.f[0].line, 5);
	forget(p);
}

static void a_user_name_and_its_password_belong_together(void **x)
{
	(void)x;
	finds("auth-user: a", "without auth-password");
	finds("auth-password: a", "without auth-user");
	finds("auth-user: 'a\"b', auth-password: c", "take no quotes");
	finds("auth-user: a, auth-password: c, auth-realm: 'x\\y'", "take no quotes");
}

static void a_registration_needs_something_to_register(void **x)
{
	struct parsed *p;

	(void)x;
	finds("register: yes", "register-as");
	finds("register: yes, register-as: 'tel:+4930'", "sip:USER@HOST");
	finds("register: yes, register-as: 'sip:carrier.example'", "sip:USER@HOST");
	finds("register: yes, register-as: 'sip:a@b>'", "sip:USER@HOST");
	p = parse("register: yes, register-as: 'sip:+4930@carrier.example', register-expires: 300");
	assert_non_null(p->c);
	assert_true(p->c->trunk[0].registers);
	assert_int_equal(p->c->trunk[0].register_s, 300);
	forget(p);
	p = parse("register: yes, auth-user: a, auth-password: b");
	assert_non_null(p->c);
	assert_int_equal(p->c->trunk[0].register_s, 3600);
	forget(p);
}

static void without_any_nothing_is_asked_for(void **x)
{
	struct parsed *p = parse("enabled: yes");

	(void)x;
	assert_non_null(p->c);
	assert_false(p->c->trunk[0].registers);
	assert_int_equal(p->c->trunk[0].auth_user.n, 0);
	forget(p);
}

int run_credentials(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_user_name_and_its_password_belong_together),
		cmocka_unit_test(a_registration_needs_something_to_register),
		cmocka_unit_test(without_any_nothing_is_asked_for),
	};

	return cmocka_run_group_tests_name("credentials", tests, NULL, NULL);
}
