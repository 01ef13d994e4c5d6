/*
 * demo.h - `tandem demo`: whole calls on this machine, with softphones nobody here wrote and
 * the Direct Routing simulator over mutual TLS and SRTP. No account, no network.
 *
 * Needs baresip (Debian: baresip-core). Ends by itself with a verdict, and writes
 * build/demo/report.json (or DIR/report.json).
 */
#ifndef APP_DEMO_H
#define APP_DEMO_H

/* Exit code: 0 when every scenario passed. out: folder of the report and the logs. */
int demo_main(const char *out);
/* Parts of it that need a process of their own; started by the demo, never by people. */
int demo_nat_main(const char *out);
int demo_nat_inside(int argc, char **argv);	/* becomes the hub: argv is its command line */

#endif
