/* differ.h - one message as a parser understands it; measure_differ compares two of them. */
#ifndef DIFFER_H
#define DIFFER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum name {		/* what Tandem writes; the first ones are counted, of the rest it counts whether they are there */
	N_VIA, N_FROM, N_TO, N_CALL_ID, N_CSEQ, N_MAX_FORWARDS, N_CONTACT, N_ROUTE, N_RECORD_ROUTE, N_CONTENT_TYPE, N_CONTENT_LENGTH,
	N_COUNTED, N_NAMES = 40
};

struct meaning {
	bool rejected;		/* the parser does not take it */
	char method[128], uri[2400], call_id[700], cseq_method[128], from_tag[400], to_tag[400], other[64];
	unsigned status;
	uint32_t cseq;
	int count[N_NAMES];
	size_t body;
	uint64_t body_hash;
};

int meaning_name(struct meaning *m, const char *name, size_t n);	/* counts it */
void meaning_text(char *to, size_t cap, const char *p, size_t n);
uint64_t meaning_hash(const void *p, size_t n);
void meaning_of_libre(struct meaning *m, const char *p, size_t n);
void meaning_of_sofia(struct meaning *m, const char *p, size_t n);

#endif
