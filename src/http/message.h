/* message.h - a message's head as HTTP sees it, without a version: start line parts and fields that point into the
 * bytes.
 *
 * Nothing is copied or changed: every str points into the head's bytes, which the owner of the message keeps.  Names
 * and values are as received (case, order, duplicates); `line` spans the whole field line without its line end, so that
 * even lines that are no fields can be shown: those have an empty name, and the line as their value.
 */
#ifndef HTTP_MESSAGE_H
#define HTTP_MESSAGE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct http_field {
    struct str name;
    struct str value; /* without the white space around it; a folded value spans its lines */
    struct str line;
};

enum http_version {
    HTTP_VERSION_UNKNOWN,
    HTTP_VERSION_09,
    HTTP_VERSION_10,
    HTTP_VERSION_11,
    HTTP_VERSION_2,
};

struct http_message {
    bool is_request;
    enum http_version version;
    struct str version_text; /* "HTTP/1.1" as written */
    struct str method;       /* requests */
    struct str target;       /* requests: as written */
    unsigned status;         /* responses; 0 when there is none */
    struct str reason;       /* responses; may be empty */
    struct http_field *fields;
    size_t field_count;
};

/* The first field of that name (ASCII case-insensitive), or NULL. */
const struct http_field *http_message_field(const struct http_message *message, struct str name);
/* The one after `previous` (NULL: the first). */
const struct http_field *http_message_next(const struct http_message *message, struct str name,
                                           const struct http_field *previous);
size_t http_message_count(const struct http_message *message, struct str name);
/* Whether a comma-separated list field holds that token, over all its lines, case-insensitive (RFC 9110, 5.6.1). */
bool http_message_has_token(const struct http_message *message, struct str name, struct str token);
/* "HTTP/1.1" and so on; "" for unknown. */
struct str http_message_version_name(enum http_version version);

#endif
