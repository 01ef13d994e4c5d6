#include <stdio.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/table.h"
#include "conf/config.h"

/* `tandem apply`, `tandem export`: people and numbers as a file; `tandem stop`. */

static int exit_code(int findings)
{
	return findings > 100 ? 100 : findings;
}

static int tell_findings(const struct client *c, const char *file)
{
	json_t *j = client_answer(c), *f;
	json_t *list = json_object_get(j, "findings");
	int n = (int)json_array_size(list);
	size_t i;

	json_array_foreach(list, i, f) {
		printf("%s:%ld:%ld: ", file, js_long(f, "line"), js_long(f, "column"));
		table_say(stdout, js_get(f, "text"));
		printf("\n");
	}
	if (js_long(j, "more"))
		printf("... and %ld more.\n", js_long(j, "more"));
	if (n)
		printf("Nothing was changed.\n");
	else
		printf("%s is applied.\n", file);
	json_decref(j);
	return exit_code(n);
}

static int apply(struct client *c, const char *file)
{
	struct findings *fs = mem_new(sizeof *fs);
	size_t n = 0;
	char *text = config_slurp(file, CMD_BODY_MAX, &n, fs);
	json_t *answer;
	int rc = 1;

	if (!text) {
		fprintf(stderr, "%s: %s\n", file, fs->f[0].text);
		goto out;
	}
	c->value[client_arg(c, "file")] = file;
	rc = client_ask(c, text, n);
	if (!rc && c->json) {
		answer = client_answer(c);
		client_print(c);
		rc = exit_code((int)json_array_size(json_object_get(answer, "findings")));
		json_decref(answer);
	} else if (!rc) {
		rc = tell_findings(c, file);
	}
	mem_wipe(text, n);
out:
	mem_free(text);
	mem_free(fs);
	return rc;
}

int cmd_apply(int argc, char **argv)
{
	const char *file = NULL;
	const struct arg_spec more[] = { { "-f", &file, NULL }, { NULL, NULL, NULL } };
	struct client c;
	int rc = 1;

	if (client_begin(&c, "apply", argc, argv, more))
		return 1;
	if (c.help)
		return client_help(c.cmd);
	if (!file)
		fprintf(stderr, "usage: tandem apply -f site.yaml\n");
	else
		rc = apply(&c, file);
	client_end(&c);
	return rc;
}

int cmd_export(int argc, char **argv)
{
	struct client c;
	int rc;

	if (client_begin(&c, "export", argc, argv, NULL))
		return 1;
	if (c.help)
		return client_help(c.cmd);
	rc = client_ask(&c, NULL, 0);
	if (!rc && c.n)
		(void)fwrite(c.text, 1, c.n, stdout);
	client_end(&c);
	return rc;
}

static void stopping(const json_t *j)
{
	printf("Tandem stops; %ld calls were up.\n", js_long(j, "calls"));
}

int cmd_stop(int argc, char **argv)
{
	return client_run("stop", argc, argv, stopping);
}
