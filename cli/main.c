#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const struct command {
	const char *name, *args, *help;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "serve", "-c tandem.yaml", "run the daemon", cmd_serve },
	{ "check", "-c tandem.yaml [-f site.yaml]", "find every mistake in the configuration", cmd_check },
	{ "show", "trunks|calls|phones|users|call ID [--json]", "what is up, since when, and why", cmd_show },
	{ "dial", "--from NUMBER --to NUMBER", "what would ring, when, and why", cmd_dial },
	{ "cdr", "[--json|--csv] [--limit N]", "one record per call, with every leg", cmd_cdr },
	{ "apply", "-f site.yaml", "replace people and numbers", cmd_apply },
	{ "export", "", "people and numbers as a file", cmd_export },
	{ "status", "[--json]", "counters, and what is wrong", cmd_status },
	{ "stop", "", "end all calls and the daemon", cmd_stop },
	{ "demo", "[--out DIR]", "whole calls on this machine: no account, no network", cmd_demo },
	{ "hub", "--dir DIR [...]", "the Direct Routing simulator", cmd_hub },
	{ "media", "--fd N", "a media process; started by serve", cmd_media },
	{ "version", "", "which version this is", cmd_version },
};

static int usage(FILE *to)
{
	fprintf(to, "tandem COMMAND ...\n\n");
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		fprintf(to, "  %-8s %-46s %s\n", commands[i].name, commands[i].args, commands[i].help);
	return to == stderr;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return usage(stderr);
	if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help"))
		return usage(stdout);
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (!strcmp(commands[i].name, argv[1]))
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "tandem: there is no command \"%s\"; see `tandem help`.\n", argv[1]);
	return 1;
}
