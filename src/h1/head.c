#include "h1/head.h"

#include "h1/decoder.h"
#include "http/field.h"

/* Fields that an array is first made for. */
#define FIELDS_FIRST ((size_t)16)

/* White space between the parts of a start line, as lenient readers see it (RFC 9112, 3: "SP, HTAB, VT (%x0B), FF
 * (%x0C), or bare CR"). */
static bool is_gap(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* Takes the next word of a start line; false at the end.  *is_odd is set when anything but one space stood before it.
 */
static bool take_word(struct str *rest, struct str *ret_word, bool *is_odd)
{
    size_t gap = 0;
    size_t end;

    while (gap < rest->len && is_gap(rest->ptr[gap]))
        gap++;
    if (gap > 1 || (gap == 1 && rest->ptr[0] != ' '))
        *is_odd = true;
    end = gap;
    while (end < rest->len && !is_gap(rest->ptr[end]))
        end++;
    *ret_word = str_skip(str_head(*rest, end), gap);
    *rest = str_skip(*rest, end);
    return ret_word->len > 0;
}

/* The high bits of the bytes of a word that may be control characters; a tab counts, so that the caller looks again. */
static uint64_t control_bits(const char *bytes)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t word;
    uint64_t del;

    memcpy(&word, bytes, 8);
    del = word ^ (0x7f * ones);
    return (((word - 0x20 * ones) & ~word) | ((del - ones) & ~del)) & (0x80 * ones);
}

static bool may_hold_control(struct str s)
{
    uint64_t found = 0;

    if (s.len < 8) {
        char padded[8] = "        ";

        if (s.len)
            memcpy(padded, s.ptr, s.len);
        return control_bits(padded) != 0;
    }
    for (size_t i = 0; i + 8 < s.len; i += 8)
        found |= control_bits(s.ptr + i);
    /* The last word overlaps the one before. */
    return (found | control_bits(s.ptr + s.len - 8)) != 0;
}

static bool has_control(struct str s)
{
    if (!may_hold_control(s))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

/* "HTTP/1.1" and its odd relatives.  HTTP_VERSION_UNKNOWN for what is no version. */
static enum http_version parse_version(struct str word, uint32_t *flags)
{
    if (str_eq(word, STR("HTTP/1.1")))
        return HTTP_VERSION_11;
    if (str_eq(word, STR("HTTP/1.0")))
        return HTTP_VERSION_10;
    *flags |= H1_FLAG_BAD_START;
    if (!str_starts_nocase(word, STR("HTTP/")))
        return HTTP_VERSION_UNKNOWN;
    word = str_skip(word, 5);
    if (str_eq(word, STR("0.9")))
        return HTTP_VERSION_09;
    if (str_eq(word, STR("1.0")))
        return HTTP_VERSION_10;
    if (word.len == 3 && word.ptr[0] == '1' && word.ptr[1] == '.' && word.ptr[2] >= '1' && word.ptr[2] <= '9')
        return HTTP_VERSION_11;
    if (word.len && word.ptr[0] >= '2' && word.ptr[0] <= '9' && (word.len == 1 || word.ptr[1] == '.'))
        return HTTP_VERSION_2;
    return HTTP_VERSION_UNKNOWN;
}

/* The last word of a line, if it has more than one. */
static struct str last_word(struct str line)
{
    size_t start = line.len;

    while (start && !is_gap(line.ptr[start - 1]))
        start--;
    return str_skip(line, start);
}

static struct str trim_gaps(struct str s)
{
    while (s.len && is_gap(s.ptr[0]))
        s = str_skip(s, 1);
    while (s.len && is_gap(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

/* A target is all between the method and the version, so that one with spaces in it is kept whole. */
static void split_request_line(struct str line, struct http_message *message, uint32_t *flags)
{
    struct str rest = trim_gaps(line);
    bool is_odd = rest.len != line.len;
    struct str middle;

    take_word(&rest, &message->method, &is_odd);
    message->version_text = last_word(rest);
    if (!str_starts_nocase(message->version_text, STR("HTTP/"))) {
        message->version_text = STR_NONE;
        is_odd = true;
    }
    middle = str_head(rest, rest.len - message->version_text.len);
    message->target = trim_gaps(middle);
    /* One space on each side, and nothing odd inside. */
    if (is_odd || message->target.len + 2 != middle.len || middle.ptr[0] != ' ' || middle.ptr[middle.len - 1] != ' ' ||
        str_find_char(message->target, ' ') != STR_ABSENT || may_hold_control(message->target))
        *flags |= H1_FLAG_BAD_START;
}

static struct err parse_request_line(struct str line, struct http_message *message, uint32_t *flags)
{
    split_request_line(line, message, flags);
    if (!message->method.len || !message->target.len)
        return ERR(ERR_SYNTAX, 400, "the request line has no target");
    if (!http_field_is_token(message->method))
        *flags |= H1_FLAG_BAD_START;
    if (!message->version_text.len) {
        /* HTTP/0.9 knows only a method and a target. */
        if (!http_field_is_token(message->method) || last_word(message->target).len != message->target.len)
            return ERR(ERR_SYNTAX, 400, "the request line has no version");
        message->version = HTTP_VERSION_09;
        return OK;
    }
    message->version = parse_version(message->version_text, flags);
    if (message->version == HTTP_VERSION_2)
        return ERR(ERR_SYNTAX, 505, "the request's version is not HTTP/1");
    if (message->version == HTTP_VERSION_UNKNOWN)
        return ERR(ERR_SYNTAX, 400, "the request's version cannot be read");
    return OK;
}

/* "M T HTTP/1.1" with nothing odd about its three parts' places: by far the most lines. */
static bool is_ordinary(struct str line)
{
    size_t target = str_find_char(line, ' ') + 1; /* 0 when there is no space */

    return target > 1 && !is_gap(line.ptr[0]) && target + 9 < line.len && !is_gap(line.ptr[target]) &&
           str_ends(line, STR(" HTTP/1.1"));
}

struct err h1_head_check_request_line(struct str line, bool *ret_is_whole)
{
    struct http_message message = {0};
    uint32_t flags = 0;

    *ret_is_whole = false;
    if (is_ordinary(line))
        return OK;
    TRY(parse_request_line(line, &message, &flags));
    *ret_is_whole = !message.version_text.len;
    return OK;
}

/* Three digits give a status; anything else gives 0. */
static unsigned parse_status(struct str word, uint32_t *flags)
{
    uint64_t status = 0;

    if (word.len != 3 || !str_to_u64(word, &status)) {
        *flags |= H1_FLAG_BAD_START;
        return 0;
    }
    if (status < 100 || status > 599)
        *flags |= H1_FLAG_BAD_START;
    return (unsigned)status;
}

/* A missing reason is common, with and without the space that should stand for it, and is not told. */
static void parse_status_line(struct str line, struct http_message *message, uint32_t *flags)
{
    struct str rest = line;
    struct str status = STR_NONE;
    bool is_odd = false;

    take_word(&rest, &message->version_text, &is_odd);
    take_word(&rest, &status, &is_odd);
    if (is_odd || (rest.len && rest.ptr[0] != ' ') || has_control(rest))
        *flags |= H1_FLAG_BAD_START;
    message->version = parse_version(message->version_text, flags);
    message->status = parse_status(status, flags);
    message->reason = str_skip(rest, 1);
}

/* Takes the next line, without its end.  False when there is none. */
static bool take_line(struct str *rest, struct str *ret_line, uint32_t *flags)
{
    size_t end = str_find_char(*rest, '\n');
    struct str line = str_head(*rest, end);

    if (end == STR_ABSENT)
        return false;
    *rest = str_skip(*rest, end + 1);
    if (line.len && line.ptr[line.len - 1] == '\r')
        line.len--;
    else
        *flags |= H1_FLAG_BARE_LF;
    *ret_line = line;
    return true;
}

/* The length of the name, or STR_ABSENT when the line has no colon. */
static size_t name_len(struct str line, uint32_t *flags)
{
    size_t len = http_field_token_len(line);

    if (len && len < line.len && line.ptr[len] == ':')
        return len;
    *flags |= H1_FLAG_BAD_FIELD;
    return str_find_char(line, ':');
}

static void parse_field(struct str line, struct http_field *field, uint32_t *flags)
{
    size_t len = name_len(line, flags);

    field->line = line;
    if (len == STR_ABSENT) {
        field->name = str_head(line, 0);
        field->value = str_trim(line);
    } else {
        field->name = str_head(line, len);
        field->value = str_trim(str_skip(line, len + 1));
    }
    if (has_control(field->value))
        *flags |= H1_FLAG_BAD_VALUE;
}

/* RFC 9112, 5.2: a line that begins with white space continues the field before it. */
static void fold_into(struct http_field *field, struct str line, uint32_t *flags)
{
    struct str value = str_trim(line);

    *flags |= H1_FLAG_OBS_FOLD;
    if (has_control(value))
        *flags |= H1_FLAG_BAD_VALUE;
    field->line.len = (size_t)(line.ptr + line.len - field->line.ptr);
    if (value.len == 0)
        return;
    if (field->value.len == 0)
        field->value = value;
    else
        field->value.len = (size_t)(value.ptr + value.len - field->value.ptr);
}

static bool is_fold(struct str line) { return line.ptr[0] == ' ' || line.ptr[0] == '\t'; }

/* Room for one more field.  The array is made for an ordinary head and doubled when that is too small. */
static struct err reserve_field(struct http_message *message, size_t *capacity, struct arena *arena)
{
    size_t more = *capacity ? *capacity * 2 : FIELDS_FIRST;
    struct http_field *fields;

    if (message->field_count < *capacity)
        return OK;
    fields = arena_alloc(arena, more * sizeof(*fields));
    if (!fields)
        return ERR(ERR_LIMIT, 431, "the head does not fit the exchange's memory");
    if (message->field_count)
        memcpy(fields, message->fields, message->field_count * sizeof(*fields));
    message->fields = fields;
    *capacity = more;
    return OK;
}

/* Through the empty line, or the end of the bytes. */
static struct err parse_fields(struct str rest, size_t count_max, struct arena *arena, struct http_message *message,
                               uint32_t *flags)
{
    struct http_field *field = NULL;
    size_t capacity = 0;
    struct str line;

    while (take_line(&rest, &line, flags) && line.len) {
        if (field && is_fold(line)) {
            fold_into(field, line, flags);
            continue;
        }
        if (message->field_count == count_max)
            return ERR(ERR_LIMIT, 431, "too many fields");
        TRY(reserve_field(message, &capacity, arena));
        field = &message->fields[message->field_count++];
        parse_field(line, field, flags);
    }
    return OK;
}

struct err h1_head_parse(struct str head, size_t field_count_max, struct arena *arena, struct http_message *message,
                         uint32_t *flags)
{
    struct str line = STR_NONE;

    while (take_line(&head, &line, flags) && line.len == 0)
        *flags |= H1_FLAG_EMPTY_LINES;
    if (message->is_request)
        TRY(parse_request_line(line, message, flags));
    else
        parse_status_line(line, message, flags);
    return parse_fields(head, field_count_max, arena, message, flags);
}

struct err h1_head_parse_trailers(struct str section, size_t field_count_max, struct arena *arena,
                                  struct http_message *ret_trailers, uint32_t *flags)
{
    struct http_message trailers = {0};

    TRY(parse_fields(section, field_count_max, arena, &trailers, flags));
    *ret_trailers = trailers;
    return OK;
}
