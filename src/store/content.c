#include "store/content.h"

/* The next line of a head without its end; false when there is none. */
static bool next_line(struct str *rest, struct str *ret_line)
{
    if (rest->len == 0)
        return false;
    str_cut(*rest, '\n', ret_line, rest);
    if (str_ends(*ret_line, STR("\r")))
        ret_line->len--;
    return true;
}

/* A name ends at its first colon, but for the one that begins an HTTP/2 pseudo-field's. */
static bool cut_line(struct str line, struct str *ret_name, struct str *ret_value)
{
    size_t start = line.len && line.ptr[0] == ':' ? 1 : 0;
    bool is_field = str_cut(str_skip(line, start), ':', ret_name, ret_value);

    *ret_name = str_head(line, start + ret_name->len);
    return is_field;
}

/* The next field of that name; *rest moves behind it. */
static bool next_field(struct str *rest, struct str name, struct str *ret_value)
{
    struct str line, field_name, value;

    while (next_line(rest, &line)) {
        if (cut_line(line, &field_name, &value) && str_eq_nocase(str_trim(field_name), name)) {
            *ret_value = str_trim(value);
            return true;
        }
    }
    return false;
}

bool store_content_field(struct str head, struct str name, struct str *ret_value)
{
    return next_field(&head, name, ret_value);
}

void store_content_fields(struct str head, struct str name, struct buf *values)
{
    struct str value;

    while (next_field(&head, name, &value)) {
        if (values->len && err_is(buf_append(values, STR(", "))))
            return;
        if (err_is(buf_append(values, value)))
            return;
    }
}

void store_content_chunks_init(struct store_content_chunks *chunks) { *chunks = (struct store_content_chunks){0}; }

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = str_fold_char(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void take_size(struct store_content_chunks *chunks, char c)
{
    int digit = hex_digit(c);

    if (digit >= 0 && chunks->left >> 60 == 0) {
        chunks->left = chunks->left << 4 | (uint64_t)digit;
        chunks->digits = 1;
    } else if (digit >= 0 || (!chunks->digits && c != ' ' && c != '\t')) {
        chunks->state = STORE_CONTENT_DAMAGED;
    } else if (c == '\n') {
        chunks->state = chunks->left ? STORE_CONTENT_BYTES : STORE_CONTENT_DONE;
    } else if (chunks->digits) {
        chunks->state = STORE_CONTENT_SIZE_END;
    }
}

static void take_line_end(struct store_content_chunks *chunks, char c)
{
    if (c == '\n') {
        store_content_chunks_init(chunks);
    } else if (c != '\r') {
        chunks->state = STORE_CONTENT_DAMAGED;
    }
}

static void take_char(struct store_content_chunks *chunks, char c)
{
    switch (chunks->state) {
    case STORE_CONTENT_SIZE:
        take_size(chunks, c);
        break;
    case STORE_CONTENT_SIZE_END:
        if (c == '\n')
            chunks->state = chunks->left ? STORE_CONTENT_BYTES : STORE_CONTENT_DONE;
        break;
    case STORE_CONTENT_BYTES_END:
        take_line_end(chunks, c);
        break;
    case STORE_CONTENT_BYTES:
    case STORE_CONTENT_DONE:
    case STORE_CONTENT_DAMAGED:
        break;
    }
}

struct err store_content_chunks_feed(struct store_content_chunks *chunks, struct str wire, struct http_sink sink)
{
    while (wire.len && chunks->state < STORE_CONTENT_DONE) {
        struct str part;

        if (chunks->state != STORE_CONTENT_BYTES) {
            take_char(chunks, wire.ptr[0]);
            wire = str_skip(wire, 1);
            continue;
        }
        part = str_head(wire, chunks->left < wire.len ? (size_t)chunks->left : wire.len);
        TRY(sink.on_bytes(sink.owner, part));
        wire = str_skip(wire, part.len);
        chunks->left -= part.len;
        if (!chunks->left)
            chunks->state = STORE_CONTENT_BYTES_END;
    }
    return OK;
}
