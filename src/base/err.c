#include "base/err.h"

const char *err_str(enum err e)
{
	static const char *const text[ERR_NERR] = {
		[OK] = "ok", [ERR_PARSE] = "parse error", [ERR_LIMIT] = "limit reached",
		[ERR_GONE] = "not found", [ERR_STATE] = "wrong state", [ERR_IO] = "i/o error",
		[ERR_DENIED] = "denied", [ERR_TIMEOUT] = "timeout", [ERR_EXISTS] = "exists",
		[ERR_RANGE] = "out of range", [ERR_AUTH] = "authentication failed",
		[ERR_AGAIN] = "try again",
	};

	return (unsigned)e < ERR_NERR && text[e] ? text[e] : "unknown error";
}
