#include "cli/commands.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/reference.h"
#include "cli/table.h"

static int help(int argc, char **argv);

#define CONFIG "  -c FILE      the machine's configuration, tandem.yaml\n"
#define SITE   "  -f FILE      people and numbers, site.yaml\n"

static const struct command commands[] = {
	{ "serve", "-c tandem.yaml", "run the daemon", cmd_serve, CONFIG },
	{ "check", "-c tandem.yaml [-f site.yaml]", "find every mistake in the configuration", cmd_check,
	  CONFIG "  -f FILE      the site; without it the one that tandem.yaml names\n" },
	{ "show", "trunks|calls|phones|users|guard|call ID", "what is up, since when, and why", cmd_show, NULL },
	{ "dial", "--from NUMBER --to NUMBER [--trunk NAME]", "what would ring, when, and why", cmd_dial, NULL },
	{ "cdr", "[--csv] [--since DAY] [--number N] ...", "one record per call, with every leg", cmd_cdr,
	  "  --csv        as --format csv\n  --limit all  every record there is\n" },
	{ "apply", "-f site.yaml", "replace people and numbers", cmd_apply, SITE },
	{ "export", "", "people and numbers as a file", cmd_export, NULL },
	{ "unban", "ADDRESS", "lift the ban of an address", cmd_unban, NULL },
	{ "status", "", "counters, and what is wrong", cmd_status, NULL },
	{ "stop", "", "end all calls and the daemon", cmd_stop, NULL },
	{ "demo", "[--out DIR]", "whole calls on this machine: no account, no network", cmd_demo,
	  "  --out DIR    where the report and the logs stay\n" },
	{ "hub", "--dir DIR [...]", "the Direct Routing simulator", cmd_hub,
	  "  --dir DIR            certificates are made here; tandem.yaml takes them from there\n"
	  "  --bind ADDR          of the first of three hosts; the next two are one and two higher (127.0.0.1)\n"
	  "  --sip-port N         of all three (5061)\n"
	  "  --sbc FQDN=ADDR:PORT the border that is called (sbc.contoso.com=127.0.0.1:5061)\n"
	  "  --dns-port N         a name server on 127.0.0.1 that knows the three names; 0: any free port\n"
	  "  --media ADDR         where its audio is (127.0.0.1)\n"
	  "  --options-every MS   between its OPTIONS\n"
	  "  --late-host1 MS      the first host answers so late\n"
	  "  --report FILE        the rules that were broken, at the end\n"
	  "  --trace FILE         every SIP message\n" },
	{ "media", "--fd N", "a media process; started by serve", cmd_media, NULL },
	{ "version", "", "which version this is", cmd_version, NULL },
	{ "help", "[COMMAND|tandem.yaml|site.yaml|reasons]", "this list, one command's options, or a reference", help, NULL },
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
	printf("tandem %s %s\n  %s\n%s%s", c->name, c->args, c->help, c->options ? "\n" : "", c->options ? c->options : "");
	n = strlen(c->name);
	for (size_t i = 0; (a = cmd_at(i)); i++)
		if (!strncmp(a->name, c->name, n) && (!a->name[n] || a->name[n] == ' ')) {
			printf("\n");
			(void)client_help(a);
		}
	return 0;
}

static int run(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2)
		return usage(stderr);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return usage(stdout);
	c = command_find(!strcmp(argv[1], "--version") ? "version" : argv[1]);
	return c ? c->run(argc - 1, argv + 1) : unknown(argv[1]);
}

/* A reader that went away, as `head`, had what it wanted. */
static bool nobody_reads(void)
{
	struct pollfd p = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLERR);
}

int commands_run(int argc, char **argv)
{
	int rc = run(argc, argv), why = 0;

	if (fflush(stdout))
		why = errno;
	if ((!why && !ferror(stdout)) || nobody_reads())
		return rc;
	fprintf(stderr, "tandem: the output could not be written%s%s. What was shown is not all there is.\n",
		why ? ": " : "", why ? strerror(why) : "");
	return 1;
}
