#include "trunk/trunk.h"

/* CUCM's own words for a trunk out of service (alarm SIPTrunkOOS): Remote=N is a status received,
 * Local=1 no answer, Local=2 no connection, Local=3 no address. */
static const char *const code[REASON_N] = {
	[REASON_TRUNK_OPTIONS_TIMEOUT] = "Local=1", [REASON_TRUNK_INVITE_TIMEOUT] = "Local=1",
	[REASON_TRUNK_REG_TIMEOUT] = "Local=1",
	[REASON_TRUNK_REFUSED] = "Local=2", [REASON_TRUNK_UNREACHABLE] = "Local=2",
	[REASON_TRUNK_CLOSED] = "Local=2", [REASON_TRUNK_VANISHED] = "Local=2", [REASON_TRUNK_TLS_ALERT] = "Local=2",
	[REASON_TRUNK_TLS_VERIFY] = "Local=2", [REASON_TRUNK_TLS_NAME] = "Local=2",
	[REASON_TRUNK_TLS_FAILED] = "Local=2",
	[REASON_TRUNK_DNS] = "Local=3", [REASON_TRUNK_503] = "Remote=503",
};

const char *trunk_cucm_code(const struct reason *why, char out[16])
{
	struct buf b;
	uint32_t status;

	if (why->code != REASON_TRUNK_OPTIONS_STATUS)
		return code[why->code] ? code[why->code] : "";
	if (str_u32(why->arg[1], 699, &status) != OK)
		return "";
	buf_init(&b, out, 16);
	buf_fmt(&b, "Remote=%u", status);
	return buf_z(&b);
}
