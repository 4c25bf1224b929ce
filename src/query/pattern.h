/* pattern.h - the texts that every match of a regular expression holds.
 *
 * Only what plainly must stand in every match is taken: runs of ordinary characters outside of groups.  Anything out of
 * the ordinary in the pattern, and nothing is certain.  Whether the pattern ignores case makes no difference: the texts
 * are folded, and characters whose case PCRE2 and folding might see differently are left out.
 */
#ifndef QUERY_PATTERN_H
#define QUERY_PATTERN_H

#include "base/arena.h"
#include "query/literals.h"

/* "abc.*def|ghi" gives (abc AND def) OR ghi; in_heads and in_bodies are left false.  NULL: nothing is certain.  The
 * pattern must compile, without the flag x. */
struct query_literals *query_pattern_literals(struct str pattern, struct arena *arena);

#endif
