/* site.yaml: people and numbers. What is accepted can be routed, looked up and walked. */
#include <stdlib.h>

#include "base/mem.h"
#include "directory/directory.h"
#include "site/site.h"

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);

static const char machine[] =
	"zones: [ { name: z, kind: pbx } ]\n"
	"listeners: [ { name: l, zone: z, transport: udp, bind: \"127.0.0.1:5060\", media-ports: 10000-10099 } ]\n"
	"trunks: [ { name: pbx, profile: cucm, listener: l, hosts: [ \"127.0.0.1:5070\" ] },"
	" { name: teams, profile: generic, listener: l, hosts: [ \"127.0.0.1:5080\" ] } ]\n";

static void call_all(const struct directory *dir)
{
	struct dir_plan *p = mem_new(sizeof *p);
	const struct dir_line *l;
	struct arena a;

	for (uint32_t i = 0; (l = directory_line_at(dir, i)) && i < 50; i++) {
		struct dir_query q = { .number = l->number, .css = l->css };

		arena_init(&a, 65536);
		directory_plan(dir, &q, &a, p);
		if (p->n > DIR_TARGET_MAX || p->nnotes > DIR_NOTE_MAX || (!p->n && !p->status))
			abort();
		arena_close(&a);
	}
	mem_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)
{
	struct findings *fs = mem_new(sizeof *fs);
	struct config *c = config_parse(str_of(machine), "m", fs);
	struct directory *dir;

	if (!c)
		abort();
	dir = site_read((struct str){ (const char *)d, n }, "s", c, fs);
	if ((dir == NULL) != (fs->n > 0))
		abort();
	if (dir)
		call_all(dir);
	directory_free(dir);
	config_free(c);
	mem_free(fs);
	return 0;
}
