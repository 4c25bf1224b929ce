/* euc.h - the characters of EUC-JP, and NEC's rows of them.
 *
 * Rows 89 to 92 hold kanji of names (the tall form of "taka") that browsers and Windows write there; iconv takes these
 * rows for private use, so they are converted by way of Shift_JIS.
 */
#ifndef HTTP_CHARSET_EUC_H
#define HTTP_CHARSET_EUC_H

#include "base/str.h"

/* The length of the first character, or of what stands in its place when it is none; at least 1.  `s` is not empty. */
size_t http_charset_euc_char_len(struct str s);
/* The offset of the first character of rows 89 to 92, or s.len. */
size_t http_charset_euc_find_nec(struct str s);
/* The two bytes of such a character in Shift_JIS. */
void http_charset_euc_to_shift_jis(struct str character, char ret_bytes[2]);

#endif
