/* fold.h - case folding: the one meaning of "case-insensitive" in queries, in the evaluator and in SQLite.
 *
 * Unicode's simple case folding (CaseFolding.txt, statuses C and S; version in fold_table.h), code point by code point,
 * by a generated table, independent of locale and libc.  It keeps the number of code points: "Ä" is "ä", "K" (Kelvin)
 * is "k", but "ß" is not "ss".  Bytes that are not UTF-8 stay as they are.  Full-width letters fold; width and
 * normalisation are otherwise left alone.
 *
 * All functions are pure and safe on any thread.  The index registers two of them in SQLite, as deterministic:
 *   query_fold(text)                the folded bytes, as TEXT or BLOB by query_column_is_text(); NULL gives NULL
 *   query_contains(text, folded)    1 when folded text holds `folded`, else 0; NULL text gives 0
 */
#ifndef QUERY_FOLD_H
#define QUERY_FOLD_H

#include "base/str.h"

/* Room that query_fold() may need for a text of that length. */
static inline size_t query_fold_max_len(size_t len) { return len + len / 2 + 4; }

/* Writes the folded text, without a terminator, and returns its length. */
size_t query_fold(struct str text, char *folded);

/* Whether `text`, once folded, holds `folded_part` (which is folded already).  The empty part is in every text.  Memory
 * does not depend on the length of the text. */
bool query_fold_contains(struct str text, struct str folded_part);
/* Whether `text`, once folded, equals `folded`. */
bool query_fold_equals(struct str text, struct str folded);

#endif
