#include "store/site_rows.h"

#define T(m) ROW_FIELD(struct ST, m, ROW_TEXT)
#define U(m) ROW_FIELD(struct ST, m, ROW_UINT)
#define KIND(st, key) \
	static const struct row_kind st##_kind = { \
		.table = #st, .field = st##_field, \
		.nfield = sizeof st##_field / sizeof *st##_field, .nkey = key, \
		.size = sizeof(struct st), \
	}

/* New fields go to the end of their list: key fields are the first ones. */
#define ST site_partition
static const struct row_field site_partition_field[] = { T(name), T(description) };
#undef ST
KIND(site_partition, 1);

#define ST site_space
static const struct row_field site_space_field[] = { T(name), T(description) };
#undef ST
KIND(site_space, 1);

#define ST site_member
static const struct row_field site_member_field[] = { T(space), U(position), T(partition) };
#undef ST
KIND(site_member, 2);

#define ST site_user
static const struct row_field site_user_field[] = {
	T(name), T(display), T(mail), U(max_calls), U(snr),
};
#undef ST
KIND(site_user, 1);

#define ST site_phone
static const struct row_field site_phone_field[] = {
	T(name), T(user), T(auth_name), T(password), T(ha1_md5), T(ha1_sha256), T(zone), T(css),
	U(max_contacts), T(line), T(partition),
};
#undef ST
KIND(site_phone, 1);

#define ST site_line
static const struct row_field site_line_field[] = {
	T(number), T(partition), T(display), T(e164), T(user), T(css), T(no_answer_to),
	T(no_answer_css), U(no_answer_s), T(busy_to), T(busy_css), U(max_calls),
};
#undef ST
KIND(site_line, 2);

#define ST site_desk
static const struct row_field site_desk_field[] = {
	T(line), T(partition), U(position), U(endpoint), T(phone), T(number), T(trunk),
};
#undef ST
KIND(site_desk, 3);

#define ST site_pattern
static const struct row_field site_pattern_field[] = {
	T(pattern), T(partition), T(description), U(block), U(emergency), T(discard),
	U(discard_digits), T(prefix), T(mask), T(calling_prefix), T(calling_mask),
};
#undef ST
KIND(site_pattern, 2);

#define ST site_pattern_trunk
static const struct row_field site_pattern_trunk_field[] = {
	T(pattern), T(partition), U(position), T(trunk),
};
#undef ST
KIND(site_pattern_trunk, 3);

#define ST site_profile
static const struct row_field site_profile_field[] = { T(name), T(user), T(css), T(reroute_css) };
#undef ST
KIND(site_profile, 1);

#define ST site_profile_line
static const struct row_field site_profile_line_field[] = {
	T(profile), U(position), T(line), T(partition),
};
#undef ST
KIND(site_profile_line, 2);

#define ST site_remote
static const struct row_field site_remote_field[] = {
	T(name), T(profile), T(number), U(enabled), U(delay_ms), U(too_soon_ms), U(too_late_ms),
	U(timers_set), T(trunk), T(description),
};
#undef ST
KIND(site_remote, 2);

#define ST site_remote_line
static const struct row_field site_remote_line_field[] = {
	T(remote), T(profile), U(position), T(line), T(partition),
};
#undef ST
KIND(site_remote_line, 3);

#define ST site_trust
static const struct row_field site_trust_field[] = { T(trunk), U(position), T(number) };
#undef ST
KIND(site_trust, 2);

const struct row_kind *const site_row_kind[SITE_NROW] = {
#define X(name, st) [SITE_##name] = &st##_kind,
	SITE_ROWS(X)
#undef X
};
