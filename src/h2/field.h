/* field.h - one field of an HTTP/2 field section, pseudo-fields included: name and value as sent, any bytes. */
#ifndef H2_FIELD_H
#define H2_FIELD_H

#include <stdbool.h>

#include "base/str.h"

struct h2_field {
    struct str name;
    struct str value;
    bool is_sensitive; /* never to be put into a compression table (RFC 7541, 7.1.3) */
};

#endif
