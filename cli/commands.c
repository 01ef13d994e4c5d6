#include "cli/commands.h"

#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/reference.h"
#include "cli/table.h"

static int help(int argc, char **argv);

static const struct command commands[] = {
	{ "serve", "-c tandem.yaml", "run the daemon", cmd_serve },
	{ "check", "-c tandem.yaml [-f site.yaml]", "find every mistake in the configuration", cmd_check },
	{ "show", "trunks|calls|phones|users|guard|call ID", "what is up, since when, and why", cmd_show },
	{ "dial", "--from NUMBER --to NUMBER [--trunk NAME]", "what would ring, when, and why", cmd_dial },
	{ "cdr", "[--csv] [--since DAY] [--number N] ...", "one record per call, with every leg", cmd_cdr },
	{ "apply", "-f site.yaml", "replace people and numbers", cmd_apply },
	{ "export", "", "people and numbers as a file", cmd_export },
	{ "unban", "ADDRESS", "lift the ban of an address", cmd_unban },
	{ "status", "", "counters, and what is wrong", cmd_status },
	{ "stop", "", "end all calls and the daemon", cmd_stop },
	{ "demo", "[--out DIR]", "whole calls on this machine: no account, no network", cmd_demo },
	{ "hub", "--dir DIR [...]", "the Direct Routing simulator", cmd_hub },
	{ "media", "--fd N", "a media process; started by serve", cmd_media },
	{ "version", "", "which version this is", cmd_version },
	{ "help", "[COMMAND|tandem.yaml|site.yaml|reasons]", "this list, one command's options, or a reference", help },
};
enum { NCOMMANDS = sizeof commands / sizeof *commands };

static int usage(FILE *to)
{
	fprintf(to, "tandem COMMAND ...\n\n");
	for (int i = 0; i < NCOMMANDS; i++)
		fprintf(to, "  %-8s %-42s %s\n", commands[i].name, commands[i].args, commands[i].help);
	fprintf(to, "\nshow, dial, cdr, apply, export, unban, status and stop talk to a running daemon: --socket PATH or\n"
		"-c tandem.yaml says to which; --json prints its answer as it came. The exit code is 0, the\n"
		"number of findings, or 1 for a failure that was told.\n");
	return to == stderr;
}

static int unknown(const char *word)
{
	const char *names[NCOMMANDS + 1] = { NULL };
	int near;

	for (int i = 0; i < NCOMMANDS; i++)
		names[i] = commands[i].name;
	near = args_nearest(word, names);
	fprintf(stderr, "tandem: there is no command \"");
	table_say(stderr, word);
	if (near >= 0)
		fprintf(stderr, "\"; did you mean %s?\n", names[near]);
	else
		fprintf(stderr, "\"; see `tandem help`.\n");
	return 1;
}

const struct command *command_at(size_t i)
{
	return i < NCOMMANDS ? &commands[i] : NULL;
}

const struct command *command_find(const char *name)
{
	for (int i = 0; i < NCOMMANDS; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

void commands_doc(struct buf *b)
{
	buf_lit(b, "| command | what it does |\n|---|---|\n");
	for (int i = 0; i < NCOMMANDS; i++) {
		buf_fmt(b, "| `tandem %s", commands[i].name);
		for (const char *p = commands[i].args; *p; p++) {
			if (p == commands[i].args)
				buf_ch(b, ' ');
			buf_lit(b, *p == '|' ? "\\" : "");	/* a cell's edge in Markdown */
			buf_ch(b, *p);
		}
		buf_fmt(b, "` | %s |\n", commands[i].help);
	}
}

static int help(int argc, char **argv)
{
	const struct command *c = argc > 1 ? command_find(argv[1]) : NULL;
	const struct reference *page = argc > 1 ? reference_find(argv[1]) : NULL;
	const struct cmd *a;
	size_t n;

	if (argc < 2)
		return usage(stdout);
	if (page)
		return reference_print(page);
	if (!c)
		return unknown(argv[1]);
	printf("tandem %s %s\n  %s\n", c->name, c->args, c->help);
	n = strlen(c->name);
	for (size_t i = 0; (a = cmd_at(i)); i++)
		if (!strncmp(a->name, c->name, n) && (!a->name[n] || a->name[n] == ' ')) {
			printf("\n");
			(void)client_help(a);
		}
	return 0;
}

int commands_run(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2)
		return usage(stderr);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return usage(stdout);
	c = command_find(!strcmp(argv[1], "--version") ? "version" : argv[1]);
	return c ? c->run(argc - 1, argv + 1) : unknown(argv[1]);
}
