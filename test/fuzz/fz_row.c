/* fz_row.c - packed rows and records: what is read must pack and read again the same. */
#include <stdlib.h>
#include <string.h>

#include "store/record_text.h"
#include "store/rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct call_record a, b;
	static char mem[RECORD_JSON_MAX];
	struct str in = { (const char *)p, n };
	struct reg_row reg;
	struct audit_row audit;
	struct buf out;

	(void)row_unpack(&in, &reg_row_kind, &reg);
	in = (struct str){ (const char *)p, n };
	(void)row_unpack(&in, &audit_row_kind, &audit);
	in = (struct str){ (const char *)p, n };
	if (record_unpack(in, &a))
		return 0;
	buf_init(&out, mem, RECORD_PACK_MAX);
	record_pack(&out, &a, RECORD_ALL);
	if (!buf_ok(&out) || record_unpack(buf_str(&out), &b) || memcmp(&a, &b, sizeof a))
		abort();
	buf_init(&out, mem, sizeof mem);
	record_json(&out, &a);
	if (!buf_ok(&out))
		abort();
	buf_init(&out, mem, RECORD_CSV_MAX);
	record_csv(&out, &a);
	if (!buf_ok(&out))
		abort();
	return 0;
}
