/* regex.h - regular expressions that people type: PCRE2 with limits, so that a pattern cannot stop the program.
 *
 * A compiled regex is immutable: any number of threads may match with it at once.  Text patterns treat the subject as
 * UTF-8 (bytes that are not UTF-8 never match); byte patterns treat it as bytes, for raw messages.  Unanchored.
 *
 * Four limits end a match with ERR_LIMIT or ERR_CANCELLED, never with "no match": backtracking steps and depth and heap
 * (per place where a match may begin), and is_over(), asked at short intervals over the whole subject, which is the
 * caller's deadline and cancellation.
 */
#ifndef QUERY_REGEX_H
#define QUERY_REGEX_H

#include "base/err.h"
#include "base/str.h"

struct query_regex;

struct query_regex_limits {
    uint32_t step_max;  /* backtracking steps from one place */
    uint32_t depth_max; /* nesting of backtracking */
    uint32_t heap_max_kib;
    /* True ends the match with ERR_CANCELLED.  May be NULL: then only the other limits hold. */
    bool (*is_over)(void *owner);
    void *owner;
};

#define QUERY_REGEX_LIMITS_DEFAULT ((struct query_regex_limits){1000000, 100000, 16 * 1024, NULL, NULL})

struct query_regex_options {
    bool is_bytes;     /* the subject is bytes, not UTF-8 */
    bool is_nocase;    /* flag i */
    bool is_multiline; /* flag m: ^ and $ at line ends */
    bool is_dotall;    /* flag s: . matches line ends */
    bool is_extended;  /* flag x: white space and #comments in the pattern mean nothing */
};

/* What is wrong with a pattern. */
struct query_regex_fault {
    size_t offset;     /* in the pattern */
    char message[160]; /* PCRE2's words */
};

/* ERR_SYNTAX fills *ret_fault. */
MUST_CHECK struct err query_regex_new(struct str pattern, struct query_regex_options options,
                                      struct query_regex **ret_regex, struct query_regex_fault *ret_fault);
void query_regex_free(struct query_regex **regex);

/* ERR_LIMIT, ERR_CANCELLED as above.  `limits` NULL: the default. */
MUST_CHECK struct err query_regex_match(const struct query_regex *regex, struct str subject,
                                        const struct query_regex_limits *limits, bool *ret_is_match);

#endif
