/* facts_json.h - one exchange as a JSON object: a row of `sekisho log --json` and of the HTTP API.
 *
 * Every key is always there; null means that the thing does not exist or is not known (no response yet, no query, no
 * error, not measured).  Text is UTF-8: where the bytes received are not, the text has U+FFFD in their place and a
 * member KEY_base64 beside it holds the exact bytes.
 */
#ifndef MODEL_FACTS_JSON_H
#define MODEL_FACTS_JSON_H

#include "base/buf.h"
#include "base/jsonout.h"
#include "model/facts.h"

/* What a person wrote about an exchange.  UTF-8. */
struct facts_marks {
    struct str note;
    struct str tags; /* joined by ',' */
    struct str color;
};

/* Appends one object without a line end.  `marks` NULL: none.  ERR_LIMIT when the buffer is full; then part of the
 * object may stand in it. */
MUST_CHECK struct err facts_json_write(const struct exchange_facts *facts, const struct facts_marks *marks,
                                       struct buf *buf);
/* The same as a member of something larger; `key` STR_NONE inside an array. */
void facts_json_member(struct jsonout *out, struct str key, const struct exchange_facts *facts,
                       const struct facts_marks *marks);

#endif
