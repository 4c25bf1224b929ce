/* fields.h - the facts of an exchange as bytes: packed for the ring, and as the metadata record of the capture.
 *
 * One table names every fact (docs/project-format.md, 1.3).  Both forms give back exactly the facts that went in, but
 * for text over STORE_FIELDS_TEXT_MAX bytes, which is cut.
 */
#ifndef STORE_FIELDS_H
#define STORE_FIELDS_H

#include "base/arena.h"
#include "model/facts.h"
#include "store/out.h"

#define STORE_FIELDS_TEXT_MAX ((size_t)65536)
/* A metadata block: every text at its longest, every byte escaped. */
#define STORE_FIELDS_BLOCK_MAX ((size_t)10 * 1024 * 1024)

/* Packed: the struct, then its texts.  `bytes` must be aligned as the struct and have room for pack_len bytes. */
size_t store_fields_pack_len(const struct exchange_facts *facts);
void store_fields_pack(const struct exchange_facts *facts, char *bytes);
/* The texts are borrowed from `packed`, which must come from store_fields_pack(). */
void store_fields_unpack(struct str packed, struct exchange_facts *ret_facts);

enum store_fields_state {
    STORE_FIELDS_OPEN,
    STORE_FIELDS_CLOSED,
    STORE_FIELDS_INTERRUPTED,
    STORE_FIELDS_LATE,
};

struct store_fields_digest {
    bool is_known;
    uint8_t sha256[32];
};

/* What a metadata record says of an exchange. */
struct store_fields {
    enum store_fields_state state;
    struct exchange_facts facts;
    struct store_fields_digest whole[2]; /* by enum exchange_side */
};

/* Appends the block. */
void store_fields_format(const struct store_fields *fields, struct store_out *out);
/* Unknown names are skipped.  Text goes to the arena.  ERR_DAMAGED: no such block.  facts.id is left 0. */
MUST_CHECK struct err store_fields_parse(struct str block, struct arena *arena, struct store_fields *ret_fields);

/* Appends one line of application/warc-fields, the value escaped. */
void store_fields_line(struct store_out *out, struct str name, struct str value);
/* Takes the next line; false at the end.  The value is still escaped.  ERR_DAMAGED goes to *ret_err. */
bool store_fields_next_line(struct str *rest, struct str *ret_name, struct str *ret_value);
MUST_CHECK struct err store_fields_unescape(struct str value, struct arena *arena, struct str *ret_text);

#endif
