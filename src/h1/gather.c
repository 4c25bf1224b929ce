#include "h1/gather.h"

#include "h1/head.h"

/* Pieces of a section that is already split are taken in steps, so that little of a body behind it is copied. */
#define STEP_BYTES ((size_t)4096)

void h1_gather_init(struct h1_gather *gather, size_t section_bytes_max, size_t line_bytes_max, size_t kept_bytes_max)
{
    CHECK(kept_bytes_max >= section_bytes_max);
    *gather = (struct h1_gather){.section_bytes_max = section_bytes_max, .line_bytes_max = line_bytes_max};
    buf_init(&gather->kept, kept_bytes_max);
}

void h1_gather_deinit(struct h1_gather *gather) { buf_deinit(&gather->kept); }

void h1_gather_start(struct h1_gather *gather, enum h1_gather_kind kind)
{
    gather->kind = kind;
    gather->scanned_len = 0;
    gather->line_start = 0;
    gather->has_start_line = kind == H1_GATHER_TRAILERS;
    buf_clear(&gather->kept);
}

bool h1_gather_is_blank(const struct h1_gather *gather)
{
    return gather->line_start == gather->kept.len && (gather->kind == H1_GATHER_TRAILERS || !gather->has_start_line);
}

enum scan_result {
    SCAN_MORE,
    SCAN_WHOLE,  /* scanned_len is the section's length */
    SCAN_FAILED, /* scanned_len is how much of it to keep */
};

static enum scan_result fail_at(struct h1_gather *gather, size_t len, struct err e, struct err *ret_error)
{
    gather->scanned_len = len;
    *ret_error = e;
    return SCAN_FAILED;
}

/* The start line has ended: `line` is without its end. */
static enum scan_result end_start_line(struct h1_gather *gather, struct str line, struct err *ret_error)
{
    bool is_whole = false;

    gather->has_start_line = true;
    if (gather->scanned_len - gather->line_start > gather->line_bytes_max)
        return fail_at(gather, gather->line_start + gather->line_bytes_max,
                       ERR(ERR_LIMIT, 414, "the start line is too long"), ret_error);
    if (gather->kind == H1_GATHER_REQUEST)
        *ret_error = h1_head_check_request_line(line, &is_whole);
    if (err_is(*ret_error))
        return SCAN_FAILED;
    return is_whole ? SCAN_WHOLE : SCAN_MORE;
}

/* A line has ended before scanned_len. */
static enum scan_result end_line(struct h1_gather *gather, struct str bytes, struct err *ret_error)
{
    struct str line = str_skip(str_head(bytes, gather->scanned_len - 1), gather->line_start);
    enum scan_result result = SCAN_MORE;

    if (line.len && line.ptr[line.len - 1] == '\r')
        line.len--;
    if (line.len == 0) {
        if (gather->has_start_line)
            return SCAN_WHOLE;
    } else if (!gather->has_start_line) {
        result = end_start_line(gather, line, ret_error);
    }
    if (result == SCAN_MORE)
        gather->line_start = gather->scanned_len;
    return result;
}

/* How many bytes of an unended start line prove that it is not "HTTP/..."; 0 while it still may be. */
static size_t mismatch_len(struct str line)
{
    static const char prefix[] = "http/";

    if (line.len && line.ptr[0] == '\r')
        return line.len == 1 || line.ptr[1] == '\n' ? 0 : 2;
    for (size_t i = 0; i < line.len && i < sizeof(prefix) - 1; i++) {
        if (str_fold_char(line.ptr[i]) != prefix[i])
            return line.ptr[0] == '\n' ? 0 : i + 1;
    }
    return 0;
}

static enum scan_result scan_response_prefix(struct h1_gather *gather, struct str bytes, struct err *ret_error)
{
    size_t len = mismatch_len(str_skip(bytes, gather->line_start));

    if (len == 0)
        return SCAN_MORE;
    return fail_at(gather, gather->line_start + len, ERR(ERR_SYNTAX, 502, "the response does not start with HTTP/"),
                   ret_error);
}

/* Looks at the bytes of the section that were not looked at; `bytes` begins where the section begins. */
static enum scan_result scan(struct h1_gather *gather, struct str bytes, struct err *ret_error)
{
    enum scan_result result = SCAN_MORE;

    while (result == SCAN_MORE) {
        size_t line_end;

        if (gather->kind == H1_GATHER_RESPONSE && !gather->has_start_line)
            result = scan_response_prefix(gather, bytes, ret_error);
        if (result != SCAN_MORE)
            return result;
        line_end = str_find_char(str_skip(bytes, gather->scanned_len), '\n');
        if (line_end == STR_ABSENT)
            break;
        gather->scanned_len += line_end + 1;
        result = end_line(gather, bytes, ret_error);
    }
    if (result != SCAN_MORE)
        return result;
    gather->scanned_len = bytes.len;
    if (!gather->has_start_line && bytes.len - gather->line_start >= gather->line_bytes_max)
        return fail_at(gather, gather->line_start + gather->line_bytes_max,
                       ERR(ERR_LIMIT, 414, "the start line is too long"), ret_error);
    if (bytes.len >= gather->section_bytes_max)
        return fail_at(gather, gather->section_bytes_max, ERR(ERR_LIMIT, 431, "the head is too long"), ret_error);
    return SCAN_MORE;
}

/* Moves *input past the first `len` bytes of the section, of which `before` were taken earlier. */
static void take(struct str *input, size_t len, size_t before) { *input = str_skip(*input, len - before); }

static void keep(struct h1_gather *gather, struct str bytes)
{
    struct err e = buf_append(&gather->kept, bytes);

    CHECK(!err_is(e)); /* scan() fails before the section passes the bound of `kept`. */
}

/* Nothing kept: the section may lie whole in the input. */
static struct err run_uncopied(struct h1_gather *gather, struct str *input, struct str *ret_section)
{
    struct str window = str_head(*input, gather->section_bytes_max);
    struct err error = OK;
    enum scan_result result = scan(gather, window, &error);
    struct str taken = str_head(window, gather->scanned_len);

    if (result != SCAN_WHOLE)
        keep(gather, taken);
    else
        *ret_section = taken;
    take(input, taken.len, 0);
    return result == SCAN_MORE ? ERR(ERR_AGAIN, 0, "a section is not complete") : error;
}

/* Adds one step's bytes to what is kept, and gives back to the input what lies behind the section's end. */
static enum scan_result run_step(struct h1_gather *gather, struct str *input, struct err *ret_error)
{
    size_t before = gather->kept.len;
    size_t room = gather->section_bytes_max - before;
    enum scan_result result;

    keep(gather, str_head(*input, room < STEP_BYTES ? room : STEP_BYTES));
    result = scan(gather, buf_str(&gather->kept), ret_error);
    gather->kept.len = gather->scanned_len;
    take(input, gather->scanned_len, before);
    return result;
}

struct err h1_gather_run(struct h1_gather *gather, struct str *input, struct str *ret_section)
{
    struct err error = OK;

    if (gather->kept.len == 0 && input->len)
        return run_uncopied(gather, input, ret_section);
    while (input->len) {
        switch (run_step(gather, input, &error)) {
        case SCAN_WHOLE:
            *ret_section = buf_str(&gather->kept);
            return OK;
        case SCAN_FAILED:
            return error;
        case SCAN_MORE:
            break;
        }
    }
    return ERR(ERR_AGAIN, 0, "a section is not complete");
}
