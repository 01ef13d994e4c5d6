#include "cli/args.h"

#include <stdio.h>
#include <string.h>

#include "cli/table.h"

enum { NEAR_MAX = 31, SPECS_MAX = 32 };

/* Levenshtein distance of two short words. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[NEAR_MAX + 1];
	size_t na = strlen(a), nb = strlen(b);

	if (na > NEAR_MAX || nb > NEAR_MAX)
		return NEAR_MAX;
	for (size_t k = 0; k <= nb; k++)
		row[k] = (unsigned)k;
	for (size_t i = 1; i <= na; i++) {
		unsigned corner = row[0];

		row[0] = (unsigned)i;
		for (size_t k = 1; k <= nb; k++) {
			unsigned best = corner + (a[i - 1] != b[k - 1]);

			best = row[k] + 1 < best ? row[k] + 1 : best;
			best = row[k - 1] + 1 < best ? row[k - 1] + 1 : best;
			corner = row[k];
			row[k] = best;
		}
	}
	return row[nb];
}

int args_nearest(const char *word, const char *const *list)
{
	unsigned best = 3;		/* two slips of the finger are forgiven */
	int found = -1;

	for (int i = 0; list[i]; i++) {
		unsigned d = distance(word, list[i]);

		if (d < best && d < strlen(list[i])) {
			best = d;
			found = i;
		}
	}
	return found;
}

static void tell_unknown(const char *cmd, const char *word, const struct arg_spec *spec)
{
	const char *list[SPECS_MAX + 1] = { NULL };
	int near;

	for (int i = 0; spec[i].name && i < SPECS_MAX; i++)
		list[i] = spec[i].name;
	near = args_nearest(word, list);
	fprintf(stderr, "tandem %s: there is no option ", cmd);
	table_say(stderr, word);
	if (near >= 0)
		fprintf(stderr, "; did you mean %s?\n", list[near]);
	else
		fprintf(stderr, "; see `tandem help %s`.\n", cmd);
}

/* Is argv[i] this option? *value is what stands behind "=", or NULL. */
static bool is_option(const char *word, const struct arg_spec *s, const char **value)
{
	size_t n = strlen(s->name);

	*value = NULL;
	if (strncmp(word, s->name, n) != 0)
		return false;
	if (word[n] == '=' && s->value)
		*value = word + n + 1;
	return !word[n] || *value;
}

static enum err take_option(int argc, char **argv, int *i, const struct arg_spec *spec)
{
	const char *v;

	while (spec->name && !is_option(argv[*i], spec, &v))
		spec++;
	if (!spec->name)
		return ERR_GONE;
	if (!spec->value) {
		*spec->flag = true;
		return OK;
	}
	if (!v && *i + 1 < argc)
		v = argv[++*i];
	if (!v) {
		fprintf(stderr, "tandem %s: %s needs a value.\n", argv[0], spec->name);
		return ERR_PARSE;
	}
	*spec->value = v;
	return OK;
}

static enum err take_word(const char *command, const char *word, struct args *a)
{
	if (a->nword == ARGS_WORDS) {
		fprintf(stderr, "tandem %s: too many words.\n", command);
		return ERR_PARSE;
	}
	a->word[a->nword++] = word;
	return OK;
}

enum err args_parse(int argc, char **argv, const struct arg_spec *spec, struct args *a)
{
	*a = (struct args){ 0 };
	for (int i = 1; i < argc; i++) {
		bool word = argv[i][0] != '-' || !argv[i][1];
		enum err e = word ? take_word(argv[0], argv[i], a)
				  : take_option(argc, argv, &i, spec);

		if (e == ERR_GONE)
			tell_unknown(argv[0], argv[i], spec);
		if (e)
			return ERR_PARSE;
	}
	return OK;
}
