/* str.h - a borrowed run of bytes: pointer and length, no terminator, never owned.
 *
 * All text and all bytes of the wire travel as struct str; `char *` stands only at system and library calls.  A str
 * with len 0 may have ptr NULL.  "Nocase" folds ASCII letters only, as HTTP does (RFC 9110, 5.1).
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *ptr;
    size_t len;
};

#define STR_NONE ((struct str){NULL, 0})
/* Wraps a string literal. */
#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
/* The same for the initialiser of a static object. */
#define STR_INIT(literal)                                                                                              \
    {                                                                                                                  \
        (literal), sizeof(literal) - 1                                                                                 \
    }
/* printf: "%.*s", STR_ARG(s) */
#define STR_ARG(s) (int)(s).len, (s).ptr

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline struct str str_from(const char *text) { return (struct str){text, text ? strlen(text) : 0}; }

/* The bytes from `start` on; empty when start is past the end. */
static inline struct str str_skip(struct str s, size_t start)
{
    return start < s.len ? (struct str){s.ptr + start, s.len - start} : (struct str){s.ptr ? s.ptr + s.len : NULL, 0};
}

/* At most the first `len` bytes. */
static inline struct str str_head(struct str s, size_t len) { return (struct str){s.ptr, len < s.len ? len : s.len}; }

static inline char str_fold_char(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c; }

bool str_eq_nocase(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_starts_nocase(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
bool str_ends_nocase(struct str s, struct str suffix);
/* Order of bytes, then of length: <0, 0, >0. */
int str_compare(struct str a, struct str b);

#define STR_ABSENT ((size_t)-1)
/* The offset of the first occurrence, or STR_ABSENT. */
size_t str_find_char(struct str s, char c);
size_t str_find_last_char(struct str s, char c);
size_t str_find(struct str s, struct str part);
size_t str_find_nocase(struct str s, struct str part);

/* Cuts at the first `c`: head before it, tail after it.  False, with head the whole and tail empty, when absent. */
bool str_cut(struct str s, char c, struct str *ret_head, struct str *ret_tail);
/* Without spaces and tabs at both ends (OWS, RFC 9110, 5.6.3). */
struct str str_trim(struct str s);

/* All of `s` must be digits of that base and fit; false otherwise. */
bool str_to_u64(struct str s, uint64_t *ret_value);
bool str_to_u64_hex(struct str s, uint64_t *ret_value);

/* Copies into a terminated C string for a system call.  False when it does not fit or holds a NUL. */
bool str_to_c(struct str s, char *text, size_t size);

#endif
