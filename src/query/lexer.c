#include "query/lexer.h"

#include "base/utf8.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The longest name in brackets that needs no quotes; without it, "[[[[..." would be looked through again and again. */
enum { INDEX_BYTES_MAX = 256 };

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static bool is_control(char c) { return (unsigned char)c < 0x20 || c == 0x7f; }

static struct str rest_of(const struct query_lexer *lexer) { return str_skip(lexer->text, lexer->at); }

/* The character `offset` bytes ahead; NUL at the end, which stands in no token. */
static char ahead(const struct query_lexer *lexer, size_t offset)
{
    size_t at = lexer->at + offset;

    return at < lexer->text.len ? lexer->text.ptr[at] : '\0';
}

static struct err fault(struct query_lexer_fault *ret_fault, size_t position, size_t len, const char *what,
                        const char *instead)
{
    *ret_fault = (struct query_lexer_fault){position, len, what, instead};
    return ERR(ERR_SYNTAX, 0, "query syntax");
}

static void skip_blanks(struct query_lexer *lexer)
{
    for (;;) {
        while (is_blank(ahead(lexer, 0)))
            lexer->at++;
        if (!str_starts(rest_of(lexer), STR("//")))
            return;
        while (lexer->at < lexer->text.len && ahead(lexer, 0) != '\n')
            lexer->at++;
    }
}

/* Longer ones first. */
static const struct {
    struct str text;
    enum query_operator op;
} operators[] = {
    {{"!=", 2}, QUERY_IS_NOT_EQUAL},      {{"!:", 2}, QUERY_HAS_NOT},
    {{"!~", 2}, QUERY_IS_NOT_LIKE_REGEX}, {{"<=", 2}, QUERY_IS_LESS_EQUAL},
    {{">=", 2}, QUERY_IS_GREATER_EQUAL},  {{"=~", 2}, QUERY_IS_LIKE_REGEX},
    {{"=", 1}, QUERY_IS_EQUAL},           {{"<", 1}, QUERY_IS_LESS},
    {{">", 1}, QUERY_IS_GREATER},         {{":", 1}, QUERY_HAS},
};

static size_t operator_at(const struct query_lexer *lexer, enum query_operator *ret_op)
{
    char c = ahead(lexer, 0);

    if (c != '=' && c != ':' && c != '!' && c != '<' && c != '>')
        return 0;
    for (size_t i = 0; i < COUNT(operators); i++) {
        if (str_starts(rest_of(lexer), operators[i].text)) {
            *ret_op = operators[i].op;
            return operators[i].text.len;
        }
    }
    return 0;
}

bool query_lexer_operator(struct query_lexer *lexer, struct query_token *ret_token)
{
    size_t start = lexer->at;
    enum query_operator op;
    size_t len;

    skip_blanks(lexer);
    len = operator_at(lexer, &op);
    if (len == 0) {
        lexer->at = start;
        return false;
    }
    *ret_token = (struct query_token){.type = QUERY_TOKEN_OPERATOR, .position = lexer->at, .len = len, .op = op};
    lexer->at += len;
    return true;
}

bool query_lexer_in(struct query_lexer *lexer)
{
    size_t start = lexer->at;

    skip_blanks(lexer);
    if (lexer->at > start && str_starts_nocase(rest_of(lexer), STR("in"))) {
        lexer->at += 2;
        skip_blanks(lexer);
        if (ahead(lexer, 0) == '(') {
            lexer->at++;
            return true;
        }
    }
    lexer->at = start;
    return false;
}

/* \xHH: takes the two digits. */
static bool take_hex_byte(struct query_lexer *lexer, char *ret_byte)
{
    uint64_t value;
    struct str digits = str_head(rest_of(lexer), 2);

    if (digits.len != 2 || !str_to_u64_hex(digits, &value))
        return false;
    lexer->at += 2;
    *ret_byte = (char)value;
    return true;
}

/* \u{...}: takes the braces and what is in them. */
static bool take_code_point(struct query_lexer *lexer, char bytes[UTF8_BYTES_MAX], size_t *ret_len)
{
    uint64_t point;
    struct str rest = rest_of(lexer);
    size_t end = str_find_char(str_head(rest, 10), '}');

    if (rest.len == 0 || rest.ptr[0] != '{' || end == STR_ABSENT || end < 2)
        return false;
    if (!str_to_u64_hex((struct str){rest.ptr + 1, end - 1}, &point))
        return false;
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return false;
    lexer->at += end + 1;
    *ret_len = utf8_encode((uint32_t)point, bytes);
    return true;
}

/* After a backslash: writes what the escape stands for.  An escape never stands for more bytes than it is long. */
static struct err take_escape(struct query_lexer *lexer, char *bytes, size_t *ret_len,
                              struct query_lexer_fault *ret_fault)
{
    size_t start = lexer->at - 1;
    char letter = ahead(lexer, 0);
    static const char plain[][2] = {{'"', '"'}, {'\\', '\\'}, {'n', '\n'}, {'t', '\t'}, {'r', '\r'}, {'/', '/'}};

    lexer->at += lexer->at < lexer->text.len ? 1 : 0;
    *ret_len = 1;
    for (size_t i = 0; i < COUNT(plain); i++) {
        if (letter == plain[i][0]) {
            bytes[0] = plain[i][1];
            return OK;
        }
    }
    if (letter == 'x')
        return take_hex_byte(lexer, bytes)
                   ? OK
                   : fault(ret_fault, start, 2, "two hexadecimal digits must follow \\x", "\\x00");
    if (letter == 'u')
        return take_code_point(lexer, bytes, ret_len)
                   ? OK
                   : fault(ret_fault, start, 2, "a code point in braces must follow \\u", "\\u{3042}");
    return fault(ret_fault, start, lexer->at - start, "there is no such escape; a backslash itself is \\\\", "\\\\");
}

/* Where the quote is that closes the string opened at `start`; STR_ABSENT when there is none. */
static size_t closing_quote(struct str text, size_t start)
{
    for (size_t at = start + 1; at < text.len; at++) {
        if (text.ptr[at] == '"')
            return at;
        if (text.ptr[at] == '\\')
            at++;
    }
    return STR_ABSENT;
}

/* One character or escape of a string, up to `closing`.  A pattern keeps its backslashes for the regex, except before a
 * quote. */
static struct err take_string_char(struct query_lexer *lexer, bool is_pattern, char *bytes, size_t *len,
                                   struct query_lexer_fault *ret_fault)
{
    char c = ahead(lexer, 0);
    char next = ahead(lexer, 1);
    size_t written = 1;

    lexer->at++;
    bytes[*len] = c;
    if (c == '\\' && !is_pattern) {
        TRY(take_escape(lexer, bytes + *len, &written, ret_fault));
    } else if (c == '\\' && next == '"') {
        bytes[*len] = '"';
        lexer->at++;
    } else if (c == '\\' && next == '\\') {
        bytes[*len + 1] = '\\';
        written = 2;
        lexer->at++;
    }
    *len += written;
    return OK;
}

/* "...": the lexer stands on the first quote. */
static struct err take_string(struct query_lexer *lexer, bool is_pattern, struct str *ret_text,
                              struct query_lexer_fault *ret_fault)
{
    size_t start = lexer->at;
    size_t closing = closing_quote(lexer->text, start);
    size_t len = 0;
    char *bytes;

    if (closing == STR_ABSENT)
        return fault(ret_fault, start, lexer->text.len - start, "the closing quote is missing", "");
    bytes = arena_alloc(lexer->arena, closing - start);
    if (!bytes)
        return ERR(ERR_LIMIT, 0, "query too large");
    lexer->at++;
    while (lexer->at < closing)
        TRY(take_string_char(lexer, is_pattern, bytes, &len, ret_fault));
    lexer->at = closing + 1;
    *ret_text = (struct str){bytes, len};
    return OK;
}

/* [name] or ["name"], the lexer standing on '['.  False, with nothing taken, when no ']' follows on the line. */
static struct err take_index(struct query_lexer *lexer, struct query_token *token, bool *ret_is_index,
                             struct query_lexer_fault *ret_fault)
{
    size_t start = lexer->at;
    struct str rest = str_skip(lexer->text, start + 1);
    size_t len = 0;

    *ret_is_index = false;
    if (rest.len && rest.ptr[0] == '"') {
        lexer->at++;
        TRY(take_string(lexer, false, &token->index, ret_fault));
        if (ahead(lexer, 0) != ']')
            return fault(ret_fault, start, lexer->at - start, "the closing ] is missing", "]");
        lexer->at++;
        *ret_is_index = true;
        return OK;
    }
    while (len < rest.len && len < INDEX_BYTES_MAX && rest.ptr[len] != ']' && !is_control(rest.ptr[len]) &&
           rest.ptr[len] != '"')
        len++;
    if (len == rest.len || rest.ptr[len] != ']')
        return OK;
    token->index = str_trim(str_head(rest, len));
    lexer->at += len + 2;
    *ret_is_index = true;
    return OK;
}

/* What a word ends at where an operand is expected.  A URL is one word: its colons and equals signs are no
 * operators. */
static bool ends_operand(const struct query_lexer *lexer, bool is_url)
{
    enum query_operator op;

    if (ahead(lexer, 0) == ',')
        return true;
    return !is_url && operator_at(lexer, &op) > 0;
}

static bool ends_word(const struct query_lexer *lexer, enum query_lexer_place place, bool is_url)
{
    char c = ahead(lexer, 0);

    if (lexer->at >= lexer->text.len || is_blank(c) || is_control(c) || c == '(' || c == ')' || c == '"')
        return true;
    if (place == QUERY_LEXER_OPERAND)
        return ends_operand(lexer, is_url);
    return place == QUERY_LEXER_LIST && c == ',';
}

static struct err take_word(struct query_lexer *lexer, enum query_lexer_place place, struct query_token *token,
                            struct query_lexer_fault *ret_fault)
{
    size_t start = lexer->at;
    bool is_url = false;

    for (;;) {
        size_t bracket = lexer->at;
        bool is_index = false;

        is_url = is_url || str_starts(rest_of(lexer), STR("://"));
        if (ends_word(lexer, place, is_url))
            break;
        if (place == QUERY_LEXER_OPERAND && ahead(lexer, 0) == '[' && bracket > start && !token->has_index && !is_url)
            TRY(take_index(lexer, token, &is_index, ret_fault));
        if (is_index) {
            token->has_index = true;
            token->base = (struct str){lexer->text.ptr + start, bracket - start};
            token->tail = (struct str){lexer->text.ptr + lexer->at, 0};
        } else {
            lexer->at++;
        }
    }
    token->type = QUERY_TOKEN_WORD;
    token->text = (struct str){lexer->text.ptr + start, lexer->at - start};
    if (token->has_index)
        token->tail.len = (size_t)(token->text.ptr + token->text.len - token->tail.ptr);
    else
        token->base = token->text;
    return OK;
}

/* /pattern/flags, the lexer standing on the first slash. */
static struct err take_regex(struct query_lexer *lexer, struct query_token *token, struct query_lexer_fault *ret_fault)
{
    size_t start = lexer->at;
    size_t end = start + 1;

    while (end < lexer->text.len && lexer->text.ptr[end] != '/')
        end += lexer->text.ptr[end] == '\\' ? 2 : 1;
    if (end >= lexer->text.len)
        return fault(ret_fault, start, lexer->text.len - start, "the closing / of the regular expression is missing",
                     "");
    token->type = QUERY_TOKEN_REGEX;
    token->text = (struct str){lexer->text.ptr + start + 1, end - start - 1};
    lexer->at = end + 1;
    while (str_fold_char(ahead(lexer, 0)) >= 'a' && str_fold_char(ahead(lexer, 0)) <= 'z')
        lexer->at++;
    token->flags = (struct str){lexer->text.ptr + end + 1, lexer->at - end - 1};
    return OK;
}

/* One-character tokens; false when none comes next. */
static bool take_mark(struct query_lexer *lexer, enum query_lexer_place place, struct query_token *token)
{
    char c = ahead(lexer, 0);
    bool has_commas = place == QUERY_LEXER_OPERAND || place == QUERY_LEXER_LIST;

    if (lexer->at >= lexer->text.len) {
        token->type = QUERY_TOKEN_END;
        return true;
    }
    if (c != '(' && c != ')' && !(c == ',' && has_commas))
        return false;
    token->type = c == '(' ? QUERY_TOKEN_OPEN : c == ')' ? QUERY_TOKEN_CLOSE : QUERY_TOKEN_COMMA;
    lexer->at++;
    return true;
}

struct err query_lexer_next(struct query_lexer *lexer, enum query_lexer_place place, struct query_token *ret_token,
                            struct query_lexer_fault *ret_fault)
{
    struct query_token token = {0};

    skip_blanks(lexer);
    token.position = lexer->at;
    if (take_mark(lexer, place, &token)) {
        /* Nothing more to it. */
    } else if (place == QUERY_LEXER_OPERAND && query_lexer_operator(lexer, &token)) {
        /* Nothing more to it either. */
    } else if (ahead(lexer, 0) == '"') {
        token.type = QUERY_TOKEN_STRING;
        TRY(take_string(lexer, place == QUERY_LEXER_PATTERN, &token.text, ret_fault));
    } else if (place == QUERY_LEXER_PATTERN && ahead(lexer, 0) == '/') {
        TRY(take_regex(lexer, &token, ret_fault));
    } else if (is_control(ahead(lexer, 0))) {
        return fault(ret_fault, lexer->at, 1, "a control character; inside quotes it can be written as \\xHH", "");
    } else {
        TRY(take_word(lexer, place, &token, ret_fault));
    }
    token.len = lexer->at - token.position;
    *ret_token = token;
    return OK;
}
