#include "conf/yaml.h"

#include <yaml.h>

static const char too_large[] = "The file is too large. Split it.";

struct reader {
	yaml_document_t doc;
	struct arena *a;
	const char *file;
	struct findings *fs;
	uint32_t nodes;
	bool bad;
};

static struct mark mark_of(const struct reader *r, const yaml_mark_t *m)
{
	return (struct mark){ r->file, (unsigned)m->line + 1, (unsigned)m->column + 1 };
}

static struct yaml_node *refuse(struct reader *r, struct mark at, const char *text)
{
	if (!r->bad)
		finding_add(r->fs, at, "%s", text);
	r->bad = true;
	return NULL;
}

static struct yaml_node *copy(struct reader *r, int id, int depth);

static void copy_map(struct reader *r, struct yaml_node *n, const yaml_node_t *y, int depth)
{
	size_t count = (size_t)(y->data.mapping.pairs.top - y->data.mapping.pairs.start);

	n->pair = arena_array(r->a, count ? count : 1, sizeof *n->pair);
	if (!n->pair) {
		(void)refuse(r, n->at, too_large);
		return;
	}
	for (size_t i = 0; i < count && !r->bad; i++) {
		const yaml_node_pair_t *p = &y->data.mapping.pairs.start[i];

		n->pair[n->n].key = copy(r, p->key, depth + 1);
		n->pair[n->n].value = copy(r, p->value, depth + 1);
		n->n++;
	}
}

static void copy_list(struct reader *r, struct yaml_node *n, const yaml_node_t *y, int depth)
{
	size_t count = (size_t)(y->data.sequence.items.top - y->data.sequence.items.start);

	n->pair = arena_array(r->a, count ? count : 1, sizeof *n->pair);
	if (!n->pair) {
		(void)refuse(r, n->at, too_large);
		return;
	}
	for (size_t i = 0; i < count && !r->bad; i++)
		n->pair[n->n++].value = copy(r, y->data.sequence.items.start[i], depth + 1);
}

/* Aliases lead to the same libyaml node: the depth and node caps end a loop of them. */
static struct yaml_node *copy(struct reader *r, int id, int depth)
{
	const yaml_node_t *y = yaml_document_get_node(&r->doc, id);
	struct yaml_node *n;

	if (!y)
		return NULL;
	if (depth > YAML_DEPTH_MAX)
		return refuse(r, mark_of(r, &y->start_mark),
			      "The file is nested too deeply here. Flatten it.");
	n = ++r->nodes > YAML_NODES_MAX ? NULL : arena_get(r->a, sizeof *n);
	if (!n)
		return refuse(r, mark_of(r, &y->start_mark), too_large);
	n->at = mark_of(r, &y->start_mark);
	switch (y->type) {
	case YAML_SCALAR_NODE:
		n->kind = YAML_SCALAR;
		n->text = str_dup(r->a, (struct str){ (const char *)y->data.scalar.value,
						      y->data.scalar.length });
		if (!n->text.p)
			return refuse(r, n->at, too_large);
		break;
	case YAML_SEQUENCE_NODE:
		n->kind = YAML_LIST;
		copy_list(r, n, y, depth);
		break;
	case YAML_MAPPING_NODE:
		n->kind = YAML_MAP;
		copy_map(r, n, y, depth);
		break;
	case YAML_NO_NODE:
		return NULL;
	}
	return n;
}

static void not_yaml(const struct reader *r, const yaml_parser_t *p)
{
	finding_add(r->fs, mark_of(r, &p->problem_mark),
		    "This is not YAML: %s. Check the indentation and the colons here and in the line above.",
		    p->problem ? p->problem : "it cannot be read");
}

/* What stands behind a second `---` would be left out in silence. */
static void no_second(struct reader *r, yaml_parser_t *p)
{
	yaml_document_t d;

	if (!yaml_parser_load(p, &d)) {
		not_yaml(r, p);
		r->bad = true;
		return;
	}
	if (yaml_document_get_root_node(&d))
		(void)refuse(r, mark_of(r, &d.start_mark), "A second document (---) begins here; one file is one document: "
			     "take this line out, or what belongs to another file.");
	yaml_document_delete(&d);
}

struct yaml_node *yaml_read(struct str bytes, const char *file, struct arena *a,
			    struct findings *fs)
{
	struct reader r = { .a = a, .file = file, .fs = fs };
	struct yaml_node *n = NULL;
	yaml_parser_t p;

	if (bytes.n > YAML_BYTES_MAX || !yaml_parser_initialize(&p)) {
		finding_add(fs, (struct mark){ file, 1, 1 }, "%s", too_large);
		return NULL;
	}
	yaml_parser_set_input_string(&p, (const unsigned char *)bytes.p, bytes.n);
	if (!yaml_parser_load(&p, &r.doc)) {
		not_yaml(&r, &p);
		yaml_parser_delete(&p);
		return NULL;
	}
	if (yaml_document_get_root_node(&r.doc))
		n = copy(&r, 1, 0);
	else
		finding_add(fs, (struct mark){ file, 1, 1 },
			    "The file is empty. Start from the example configuration.");
	yaml_document_delete(&r.doc);
	if (n && !r.bad)
		no_second(&r, &p);
	yaml_parser_delete(&p);
	return r.bad ? NULL : n;
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
	for (uint32_t i = 0; map && map->kind == YAML_MAP && i < map->n; i++)
		if (map->pair[i].key && map->pair[i].key->kind == YAML_SCALAR &&
		    str_is(map->pair[i].key->text, key))
			return map->pair[i].value;
	return NULL;
}
