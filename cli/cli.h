/*
 * cli.h - the subcommands of `tandem`. One file each; main.c has the table.
 *
 * serve, media, hub, demo, check and version run in their own process; every other
 * command is one request to the daemon's control socket.
 * Each function gets its own arguments (argv[0] is the subcommand) and returns the exit
 * code: 0, or the number of findings (at most 100), or 1 for a failure that was told.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

int cmd_serve(int argc, char **argv);
int cmd_media(int argc, char **argv);
int cmd_hub(int argc, char **argv);
int cmd_demo(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_apply(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_dial(int argc, char **argv);
int cmd_cdr(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_stop(int argc, char **argv);
int cmd_unban(int argc, char **argv);
int cmd_version(int argc, char **argv);

#endif
