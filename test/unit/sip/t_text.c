#include "t_text.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

bool str_like(struct str s, const char *z)
{
	if (z ? s.p && str_is(s, z) : !s.p)
		return true;
	print_error("\"%.*s\" instead of \"%s\"\n", STRF(s), z ? z : "(absent)");
	return false;
}
