/* lexer.h - the words of a query.
 *
 * What a run of characters means depends on where it stands, so the parser says what it expects: "https://a/?b=c" is
 * one value after an operator, and "host:a" two words where a condition begins.  Blanks and comments are skipped before
 * every token.  Only strings are copied (into the arena, escapes undone); all other text points into the query.
 */
#ifndef QUERY_LEXER_H
#define QUERY_LEXER_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct query_lexer {
    struct str text;
    size_t at;
    struct arena *arena;
};

enum query_lexer_place {
    QUERY_LEXER_OPERAND, /* a name, text, or parenthesis; words end before an operator */
    QUERY_LEXER_VALUE,   /* after an operator */
    QUERY_LEXER_LIST,    /* in the list of IN: as VALUE, and words end at a comma */
    QUERY_LEXER_PATTERN, /* after =~: also /regex/flags, and strings keep their backslashes */
};

enum query_token_type {
    QUERY_TOKEN_END,
    QUERY_TOKEN_OPEN,
    QUERY_TOKEN_CLOSE,
    QUERY_TOKEN_COMMA,
    QUERY_TOKEN_WORD,
    QUERY_TOKEN_STRING,
    QUERY_TOKEN_REGEX,
    QUERY_TOKEN_OPERATOR,
};

enum query_operator {
    QUERY_IS_EQUAL,
    QUERY_IS_NOT_EQUAL,
    QUERY_IS_LESS,
    QUERY_IS_LESS_EQUAL,
    QUERY_IS_GREATER,
    QUERY_IS_GREATER_EQUAL,
    QUERY_HAS,
    QUERY_HAS_NOT,
    QUERY_IS_LIKE_REGEX,
    QUERY_IS_NOT_LIKE_REGEX,
};

struct query_token {
    enum query_token_type type;
    size_t position, len; /* in the text, quotes included */
    struct str text;      /* WORD: as written; STRING: escapes undone; REGEX: the pattern */
    struct str flags;     /* REGEX */

    /* WORD where an operand is expected: its parts as a field's name. */
    struct str base;  /* before '[' */
    struct str index; /* between the brackets, quotes undone */
    struct str tail;  /* after ']' */
    bool has_index;

    enum query_operator op; /* OPERATOR */
};

/* What is wrong, where. */
struct query_lexer_fault {
    size_t position, len;
    const char *what;    /* static */
    const char *instead; /* static, "" when there is no idea */
};

/* Takes the next token.  ERR_SYNTAX fills *ret_fault; ERR_LIMIT: the arena is full. */
MUST_CHECK struct err query_lexer_next(struct query_lexer *lexer, enum query_lexer_place place,
                                       struct query_token *ret_token, struct query_lexer_fault *ret_fault);
/* Takes an operator when one comes next; false, with nothing taken, otherwise. */
bool query_lexer_operator(struct query_lexer *lexer, struct query_token *ret_token);
/* Takes "IN" with the parenthesis after it when they come next. */
bool query_lexer_in(struct query_lexer *lexer);

#endif
