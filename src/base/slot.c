#include "base/slot.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"

enum { PER_CHUNK = 64 };

void slots_init(struct slots *s, size_t size, uint32_t cap)
{
	*s = (struct slots){ .size = (size + 15) & ~(size_t)15, .cap = cap };
	s->chunk = mem_array((cap + PER_CHUNK - 1) / PER_CHUNK, sizeof *s->chunk);
	s->gen = mem_array(cap, sizeof *s->gen);
	s->spare = mem_array(cap, sizeof *s->spare);
}

void slots_close(struct slots *s)
{
	for (uint32_t i = 0; i * PER_CHUNK < s->made; i++)
		mem_free(s->chunk[i]);
	mem_free(s->chunk);
	mem_free(s->gen);
	mem_free(s->spare);
	*s = (struct slots){ 0 };
}

static void *at(const struct slots *s, uint32_t i)
{
	return s->chunk[i / PER_CHUNK] + (size_t)(i % PER_CHUNK) * s->size;
}

void *slot_new(struct slots *s, uint64_t *id)
{
	bool used = s->nspare > 0;
	uint32_t i;

	if (used)
		i = s->spare[--s->nspare];
	else if (s->made < s->cap)
		i = s->made++;
	else
		return NULL;
	if (!s->chunk[i / PER_CHUNK])
		s->chunk[i / PER_CHUNK] = mem_array(PER_CHUNK, s->size);
	else if (used)
		memset(at(s, i), 0, s->size);	/* a fresh one is zero */
	s->gen[i]++;
	s->live++;
	*id = (uint64_t)s->gen[i] << 32 | i;
	return at(s, i);
}

void *slot_get(const struct slots *s, uint64_t id)
{
	uint32_t i = (uint32_t)id, gen = (uint32_t)(id >> 32);

	if (i >= s->made || s->gen[i] != gen || (gen & 1) == 0)
		return NULL;
	return at(s, i);
}

void slot_free(struct slots *s, uint64_t id)
{
	uint32_t i = (uint32_t)id;

	if (!slot_get(s, id))
		return;
	s->gen[i]++;
	s->live--;
	s->spare[s->nspare++] = i;
}

static bool chunk_lives(const struct slots *s, uint32_t first)
{
	for (uint32_t i = first; i < first + PER_CHUNK && i < s->made; i++)
		if (s->gen[i] & 1)
			return true;
	return false;
}

void slots_trim(struct slots *s)
{
	for (uint32_t i = 0; i < s->made; i += PER_CHUNK)
		if (!chunk_lives(s, i)) {
			mem_free(s->chunk[i / PER_CHUNK]);
			s->chunk[i / PER_CHUNK] = NULL;
		}
}

void *slot_next(const struct slots *s, uint32_t *i, uint64_t *id)
{
	for (; *i < s->made; (*i)++)
		if (s->gen[*i] & 1) {
			*id = (uint64_t)s->gen[*i] << 32 | *i;
			return at(s, (*i)++);
		}
	return NULL;
}
