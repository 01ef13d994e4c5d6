/* t_proto.c - every field of a message is checked before it is believed. */
#include "t_media.h"

#include <stdbool.h>
#include <string.h>

#include "media/proto.h"

static struct media_msg good(enum media_op op)
{
	struct media_msg m = { .version = MEDIA_VERSION, .op = (uint16_t)op, .slot = 3, .other = 4 };

	switch (op) {
	case MEDIA_POOL:
		(void)addr_parse_ip(STR("127.0.0.1"), &m.u.pool.bind);
		m.u.pool.port_min = 10000;
		m.u.pool.pairs = 10;
		break;
	case MEDIA_PEER:
		(void)addr_parse(STR("127.0.0.1:9"), 9, &m.u.peer.rtp);
		m.u.peer.rtcp = m.u.peer.rtp;
		break;
	case MEDIA_MUSIC:
		memcpy(m.u.music.path, "a.wav", 6);
		break;
	case MEDIA_OPEN: case MEDIA_SERVE: case MEDIA_CONNECT: case MEDIA_DIRECTION: case MEDIA_PLAY:
	case MEDIA_CLOSE: case MEDIA_READY: case MEDIA_FAILED: case MEDIA_FIRST_PACKET:
	case MEDIA_LATCHED: case MEDIA_SILENT: case MEDIA_CLOSED: case MEDIA_PING:
		break;
	}
	return m;
}

static void good_messages_are_good(void **state)
{
	(void)state;
	for (int op = MEDIA_POOL; op <= MEDIA_PING; op++) {
		struct media_msg m = good((enum media_op)op);

		assert_true(media_msg_good(&m, 10));
		m.version++;
		assert_false(media_msg_good(&m, 10));
	}
}

static void a_message_is_as_small_as_its_promise(void **state)
{
	(void)state;
	assert_true(sizeof(struct media_msg) <= MEDIA_MSG_MAX);
}

static bool still(enum media_op op, void (*spoil)(struct media_msg *m))
{
	struct media_msg m = good(op);

	spoil(&m);
	return media_msg_good(&m, 10);
}

static void no_op(struct media_msg *m) { m->op = 200; }
static void slot(struct media_msg *m) { m->slot = 10; }
static void other(struct media_msg *m) { m->other = 10; }
static void itself(struct media_msg *m) { m->other = m->slot; }
static void nobody(struct media_msg *m) { m->other = UINT32_MAX; }
static void early(struct media_msg *m) { m->early = MEDIA_EARLY_MAX; }
static void suite(struct media_msg *m) { m->u.peer.suite = SRTP_NSUITE; }
static void mki(struct media_msg *m) { m->u.peer.mki = 5; }
static void rx_pt(struct media_msg *m) { m->u.peer.rx_pt[2] = 128; }
static void tx_pt(struct media_msg *m) { m->u.peer.tx_pt[MEDIA_NCODEC - 1] = 254; }
static void no_pt(struct media_msg *m) { m->u.peer.tx_pt[0] = 255; }
static void family(struct media_msg *m) { m->u.peer.rtp.family = 9; }
static void source(struct media_msg *m) { m->u.play.source = MEDIA_SOURCE_NSOURCE; }
static void codec(struct media_msg *m) { m->u.play.codec = MEDIA_NCODEC; }
static void no_path(struct media_msg *m) { m->u.music.path[0] = 0; }
static void endless(struct media_msg *m) { memset(m->u.music.path, 'x', sizeof m->u.music.path); }
static void pairs(struct media_msg *m) { m->u.pool.pairs = 0; }
static void ports(struct media_msg *m) { m->u.pool.port_min = 65530; }
static void range(struct media_msg *m) { m->slot = MEDIA_SLOTS_MAX; }

static void every_field_has_its_bounds(void **state)
{
	(void)state;
	assert_false(still(MEDIA_OPEN, no_op));
	for (int op = MEDIA_OPEN; op <= MEDIA_CLOSE; op++)
		assert_false(still((enum media_op)op, slot));
	assert_false(still(MEDIA_CONNECT, other));
	assert_false(still(MEDIA_CONNECT, itself));
	assert_true(still(MEDIA_CONNECT, nobody));
	assert_false(still(MEDIA_PEER, early));
	assert_false(still(MEDIA_SERVE, early));
	assert_false(still(MEDIA_PEER, suite));
	assert_false(still(MEDIA_PEER, mki));
	assert_false(still(MEDIA_PEER, rx_pt));
	assert_false(still(MEDIA_PEER, tx_pt));
	assert_true(still(MEDIA_PEER, no_pt));
	assert_false(still(MEDIA_PEER, family));
	assert_false(still(MEDIA_PLAY, source));
	assert_false(still(MEDIA_PLAY, codec));
	assert_false(still(MEDIA_MUSIC, no_path));
	assert_false(still(MEDIA_MUSIC, endless));
	assert_false(still(MEDIA_POOL, pairs));
	assert_false(still(MEDIA_POOL, ports));
	assert_false(still(MEDIA_POOL, range));
}

int run_proto(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_messages_are_good),
		cmocka_unit_test(a_message_is_as_small_as_its_promise),
		cmocka_unit_test(every_field_has_its_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
