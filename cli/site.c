#include <stdio.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "conf/config.h"

enum { SITE_BYTES_MAX = 16777216 };

/* `tandem apply` and `tandem export`: people and numbers as a file. */

static int tell_findings(const struct client *c, const char *file)
{
	json_t *j = client_answer(c), *f;
	json_t *list = json_object_get(j, "findings");
	int n = (int)json_array_size(list);
	size_t i;

	json_array_foreach(list, i, f)
		printf("%s:%lld:%lld: %s\n", file, (long long)json_integer_value(json_object_get(f, "line")),
		       (long long)json_integer_value(json_object_get(f, "column")),
		       json_string_value(json_object_get(f, "text")));
	if (!n)
		printf("%s is applied.\n", file);
	else
		printf("Nothing was changed.\n");
	json_decref(j);
	return n > 100 ? 100 : n;
}

int cmd_apply(int argc, char **argv)
{
	struct findings *fs = mem_new(sizeof *fs);
	struct client c;
	char *text = NULL;
	size_t n = 0;
	int rc = 1;

	if (!client_args(&c, argc, argv, "apply -f site.yaml"))
		goto out;
	if (!c.file) {
		fprintf(stderr, "usage: tandem apply -f site.yaml\n");
		goto out;
	}
	text = config_slurp(c.file, SITE_BYTES_MAX, &n, fs);
	if (!text) {
		fprintf(stderr, "%s: %s\n", c.file, fs->f[0].text);
		goto out;
	}
	rc = client_ask(&c, "apply", text, n);
	if (!rc && c.json)
		printf("%s\n", c.text);
	else if (!rc)
		rc = tell_findings(&c, c.file);
	client_free(&c);
out:
	if (text)
		mem_wipe(text, n);
	mem_free(text);
	mem_free(fs);
	return rc;
}

int cmd_export(int argc, char **argv)
{
	struct client c;
	json_t *j;
	int rc;

	if (!client_args(&c, argc, argv, "export"))
		return 1;
	rc = client_ask(&c, "export", NULL, 0);
	j = rc ? NULL : client_answer(&c);
	if (j)
		printf("%s", json_string_value(json_object_get(j, "site")));
	json_decref(j);
	client_free(&c);
	return rc;
}

int cmd_stop(int argc, char **argv)
{
	struct client c;
	int rc;

	if (!client_args(&c, argc, argv, "stop"))
		return 1;
	rc = client_ask(&c, "stop", "", 0);
	client_free(&c);
	return rc;
}
