/* chunk.h - one chunk line (RFC 9112, 7.1): "1a;name=value". */
#ifndef H1_CHUNK_H
#define H1_CHUNK_H

#include "base/str.h"

/* Reads a line with its end.  False: no two readers would agree on the size.  Adds H1_FLAG_CHUNK_ODD for what a strict
 * reader refuses, and H1_FLAG_BARE_LF. */
bool h1_chunk_parse_line(struct str line, uint64_t *ret_size, uint32_t *flags);

#endif
