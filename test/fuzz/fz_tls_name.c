/* Names of certificates: what matches is text, and survives case and a last dot. */
#include <stdlib.h>
#include <string.h>

#include "io/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)
{
	struct str all = { (const char *)d, n }, pattern, name;
	char dotted[600];

	if (!str_cut(all, '\n', &pattern, &name) || name.n + 1 > sizeof dotted)
		return 0;
	if (!tls_name_match(pattern, name))
		return 0;
	if (!name.n || memchr(name.p, 0, name.n) || memchr(pattern.p, 0, pattern.n))
		abort();
	if (pattern.p[0] == '*' && str_find(name, '.') == name.n)
		abort();			/* a wild card never stands for a whole domain */
	memcpy(dotted, name.p, name.n);
	dotted[name.n] = '.';
	if (name.p[name.n - 1] != '.' &&
	    !tls_name_match(pattern, (struct str){ dotted, name.n + 1 }))
		abort();
	for (size_t i = 0; i < name.n; i++)
		if (dotted[i] >= 'a' && dotted[i] <= 'z')
			dotted[i] = (char)(dotted[i] - 32);
	if (!tls_name_match(pattern, (struct str){ dotted, name.n }))
		abort();
	return 0;
}
