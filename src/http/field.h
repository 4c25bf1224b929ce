/* field.h - the grammar of field values: tokens, lists, parameters, media types (RFC 9110, 5.6 and 8.3). */
#ifndef HTTP_FIELD_H
#define HTTP_FIELD_H

#include "base/str.h"

bool http_field_is_token(struct str s);
/* The length of the token that `s` begins with; 0 when it begins with none. */
size_t http_field_token_len(struct str s);
/* Takes the next member of a comma-separated list from *rest, quoted strings respected, white space trimmed, empty
 * members skipped.  False at the end. */
bool http_field_next_member(struct str *rest, struct str *ret_member);
/* The value of a parameter after ';' ("charset" in "text/html; charset=x"), quotes removed (escapes are left as they
 * are).  False when absent. */
bool http_field_parameter(struct str value, struct str name, struct str *ret_value);
/* "text/html" of "Text/HTML ; charset=x": trimmed, as written, without parameters. */
struct str http_field_media_type(struct str value);

#endif
