/*
 * program.h - `tandem hub`: the Direct Routing simulator as a process of its own, driven by
 * JSON lines on standard input, with its report in a file.
 */
#ifndef HUB_PROGRAM_H
#define HUB_PROGRAM_H

/* argv[0] is the subcommand. Exit code. */
int hub_main(int argc, char **argv);

#endif
