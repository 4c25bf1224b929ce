/* title.h - the title of an HTML page, from the first bytes of its response. */
#ifndef STORE_TITLE_H
#define STORE_TITLE_H

#include "base/str.h"

/* `wire` begins with the response's head of head_len bytes.  Only complete titles within the first 64 KiB of decoded
 * body count.  Returns the length of the UTF-8 text: white space joined, character references resolved; 0 for none. */
size_t store_title_find(struct str wire, size_t head_len, char *text, size_t size);

#endif
