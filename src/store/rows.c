#include "store/rows.h"

#define R(m, t) ROW_FIELD(struct reg_row, m, t)
/* Append only: packed rows of older programs are read by position. */
static const struct row_field reg_field[] = {
	R(phone, ROW_TEXT), R(contact, ROW_TEXT), R(source, ROW_TEXT), R(listener, ROW_TEXT),
	R(transport, ROW_TEXT), R(call_id, ROW_TEXT), R(cseq, ROW_UINT), R(since_wall, ROW_INT),
	R(expires_wall, ROW_INT), R(user_agent, ROW_TEXT), R(instance, ROW_TEXT),
	R(path, ROW_TEXT), R(secret, ROW_TEXT),
};
#undef R

#define A(m, t) ROW_FIELD(struct audit_row, m, t)
static const struct row_field audit_field[] = {
	A(id, ROW_UINT), A(at_wall, ROW_INT), A(who, ROW_TEXT), A(role, ROW_TEXT),
	A(action, ROW_TEXT), A(what, ROW_TEXT), A(result, ROW_TEXT),
};
#undef A

const struct row_kind reg_row_kind = {
	.table = "registration", .field = reg_field,
	.nfield = sizeof reg_field / sizeof *reg_field, .nkey = 2, .size = sizeof(struct reg_row),
};
const struct row_kind audit_row_kind = {
	.table = "audit", .field = audit_field,
	.nfield = sizeof audit_field / sizeof *audit_field, .nkey = 1,
	.size = sizeof(struct audit_row),
};

/* Two bytes of length for every field. */
_Static_assert(sizeof(struct reg_row) + 64 <= REG_PACK_MAX, "packed registration has no room");
_Static_assert(sizeof(struct audit_row) + 64 <= AUDIT_PACK_MAX, "packed audit has no room");
