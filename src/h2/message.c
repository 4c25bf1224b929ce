#include "h2/message.h"

#include "base/buf.h"
#include "http/field.h"

/* A head in another form is at most a few times as large as its fields. */
#define FORM_BYTES_MAX ((size_t)(4 * 1024 * 1024))

#define MALFORMED(reason) ERR(ERR_SYNTAX, 1, reason) /* PROTOCOL_ERROR */

/* --- which fields --- */

static bool is_one_of(struct str name, const struct str *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq_nocase(name, names[i]))
            return true;
    }
    return false;
}

/* RFC 9113, 8.2.2: fields that speak of an HTTP/1 connection. */
bool h2_message_is_of_connection(struct str name)
{
    static const struct str names[] = {STR_INIT("connection"), STR_INIT("proxy-connection"), STR_INIT("keep-alive"),
                                       STR_INIT("transfer-encoding"), STR_INIT("upgrade")};

    return is_one_of(name, names, sizeof(names) / sizeof(names[0]));
}

/* RFC 9110, 6.5.1: what would change how the message before it is framed or routed cannot stand in trailers. */
bool h2_message_is_never_trailer(struct str name)
{
    static const struct str names[] = {STR_INIT("content-length"), STR_INIT("host"), STR_INIT("te"),
                                       STR_INIT("trailer")};

    return h2_message_is_of_connection(name) || is_one_of(name, names, sizeof(names) / sizeof(names[0]));
}

static bool is_pseudo(struct str name) { return name.len && name.ptr[0] == ':'; }

/* --- the check --- */

/* RFC 9113, 8.2.1: what a name must at least not be; a token is stricter, and what HTTP/1.1 can carry. */
static struct err check_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] >= 'A' && name.ptr[i] <= 'Z')
            return MALFORMED("a field name has upper-case letters");
    }
    return http_field_is_token(name) ? OK : MALFORMED("a field name is no token");
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

static struct err check_value(struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '\0' || value.ptr[i] == '\r' || value.ptr[i] == '\n')
            return MALFORMED("a field value has NUL, CR or LF");
    }
    if (value.len && (is_blank(value.ptr[0]) || is_blank(value.ptr[value.len - 1])))
        return MALFORMED("a field value begins or ends with white space");
    return OK;
}

static struct err check_content_length(struct str value, struct h2_message_head *head)
{
    uint64_t length;

    if (!str_to_u64(value, &length))
        return MALFORMED("content-length is no number");
    if (head->has_content_length && head->content_length != length)
        return MALFORMED("there are different content-lengths");
    head->has_content_length = true;
    head->content_length = length;
    return OK;
}

static struct err check_field(enum h2_message_kind kind, const struct h2_field *field, struct h2_message_head *head)
{
    TRY(check_name(field->name));
    TRY(check_value(field->value));
    if (h2_message_is_of_connection(field->name))
        return MALFORMED("a field belongs to HTTP/1 connections");
    if (str_eq(field->name, STR("te")) && !str_eq_nocase(field->value, STR("trailers")))
        return MALFORMED("te is not trailers");
    if (kind == H2_MESSAGE_REQUEST && str_eq(field->name, STR("host"))) {
        if (head->authority.len && !str_eq_nocase(head->authority, field->value))
            head->differs_from_host = true;
        if (!head->authority.len)
            head->authority = field->value;
    }
    if (kind != H2_MESSAGE_TRAILERS && str_eq(field->name, STR("content-length")))
        return check_content_length(field->value, head);
    return OK;
}

/* A pseudo-field's text has no byte that could end it in HTTP/1.1's start line. */
static struct err check_line_part(struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];

        if (c <= ' ' || c == 0x7f)
            return MALFORMED("a pseudo-field has white space or a control character");
    }
    return OK;
}

static struct err set_once(struct str *part, struct str value)
{
    if (part->ptr)
        return MALFORMED("a pseudo-field is repeated");
    TRY(check_line_part(value));
    /* Distinguishes empty from absent. */
    *part = (struct str){value.ptr ? value.ptr : "", value.len};
    return OK;
}

static struct err check_request_pseudo(const struct h2_field *field, struct h2_message_head *head)
{
    if (str_eq(field->name, STR(":method")))
        return set_once(&head->method, field->value);
    if (str_eq(field->name, STR(":scheme")))
        return set_once(&head->scheme, field->value);
    if (str_eq(field->name, STR(":authority")))
        return set_once(&head->authority, field->value);
    if (str_eq(field->name, STR(":path")))
        return set_once(&head->path, field->value);
    return MALFORMED("a pseudo-field is unknown");
}

/* RFC 9113, 8.3.2; 101 has no place in HTTP/2 (8.6). */
static struct err check_response_pseudo(const struct h2_field *field, struct h2_message_head *head)
{
    unsigned status = 0;

    if (!str_eq(field->name, STR(":status")))
        return MALFORMED("a pseudo-field is unknown");
    if (head->status)
        return MALFORMED("a pseudo-field is repeated");
    for (size_t i = 0; i < field->value.len && i < 3; i++) {
        if (field->value.ptr[i] < '0' || field->value.ptr[i] > '9')
            return MALFORMED(":status is no status");
        status = status * 10 + (unsigned)(field->value.ptr[i] - '0');
    }
    if (field->value.len != 3 || status < 100 || status == 101)
        return MALFORMED(":status is no status");
    head->status = status;
    return OK;
}

static bool is_http(struct str scheme)
{
    return str_eq_nocase(scheme, STR("http")) || str_eq_nocase(scheme, STR("https"));
}

/* RFC 9113, 8.3.1 and 8.5. */
static struct err check_request_head(const struct h2_message_head *head)
{
    if (!http_field_is_token(head->method))
        return MALFORMED(":method is missing or no token");
    if (str_eq(head->method, STR("CONNECT"))) {
        if (head->scheme.ptr || head->path.ptr || !head->authority.len)
            return MALFORMED("CONNECT has :authority alone");
        return OK;
    }
    if (!head->scheme.len)
        return MALFORMED(":scheme is missing");
    if (!head->path.len)
        return MALFORMED(":path is missing or empty");
    if (is_http(head->scheme) && head->path.ptr[0] != '/' &&
        !(str_eq(head->path, STR("*")) && str_eq(head->method, STR("OPTIONS"))))
        return MALFORMED(":path does not begin with a slash");
    return OK;
}

static struct err check_head(enum h2_message_kind kind, const struct h2_message_head *head)
{
    switch (kind) {
    case H2_MESSAGE_REQUEST:
        return check_request_head(head);
    case H2_MESSAGE_RESPONSE:
        return head->status ? OK : MALFORMED(":status is missing");
    case H2_MESSAGE_TRAILERS:
        break;
    }
    return OK;
}

static struct err check_pseudo(enum h2_message_kind kind, const struct h2_field *field, struct h2_message_head *head)
{
    switch (kind) {
    case H2_MESSAGE_REQUEST:
        return check_request_pseudo(field, head);
    case H2_MESSAGE_RESPONSE:
        return check_response_pseudo(field, head);
    case H2_MESSAGE_TRAILERS:
        break;
    }
    return MALFORMED("trailers have a pseudo-field");
}

struct err h2_message_check(enum h2_message_kind kind, struct h2_message_fields section,
                            struct h2_message_head *ret_head)
{
    struct h2_message_head head = {0};
    bool is_past_pseudo = false;

    for (size_t i = 0; i < section.count; i++) {
        const struct h2_field *field = &section.fields[i];

        if (!is_pseudo(field->name)) {
            is_past_pseudo = true;
            TRY(check_field(kind, field, &head));
            continue;
        }
        if (is_past_pseudo)
            return MALFORMED("a pseudo-field comes after other fields");
        TRY(check_pseudo(kind, field, &head));
    }
    TRY(check_head(kind, &head));
    *ret_head = head;
    return OK;
}

/* --- the text form --- */

static struct err append_visible(struct buf *text, struct str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        switch (bytes.ptr[i]) {
        case '\0':
            TRY(buf_append(text, STR("\xe2\x90\x80")));
            break;
        case '\r':
            TRY(buf_append(text, STR("\xe2\x90\x8d")));
            break;
        case '\n':
            TRY(buf_append(text, STR("\xe2\x90\x8a")));
            break;
        default:
            TRY(buf_append_char(text, bytes.ptr[i]));
        }
    }
    return OK;
}

static struct str value_of(struct h2_message_fields section, struct str name)
{
    for (size_t i = 0; i < section.count; i++) {
        if (str_eq(section.fields[i].name, name))
            return section.fields[i].value;
    }
    return STR_NONE;
}

/* CONNECT has no path: what it asks for is its authority. */
static struct str target_of(struct h2_message_fields section)
{
    struct str path = value_of(section, STR(":path"));

    return path.len ? path : value_of(section, STR(":authority"));
}

static struct err append_start(enum h2_message_kind kind, struct h2_message_fields section, struct buf *text)
{
    if (kind == H2_MESSAGE_TRAILERS)
        return OK;
    if (kind == H2_MESSAGE_RESPONSE) {
        TRY(buf_append(text, STR("HTTP/2 ")));
        TRY(append_visible(text, value_of(section, STR(":status"))));
        return buf_append(text, STR("\r\n"));
    }
    TRY(append_visible(text, value_of(section, STR(":method"))));
    TRY(buf_append_char(text, ' '));
    TRY(append_visible(text, target_of(section)));
    return buf_append(text, STR(" HTTP/2\r\n"));
}

static struct err append_text(enum h2_message_kind kind, struct h2_message_fields section, struct buf *text)
{
    TRY(append_start(kind, section, text));
    for (size_t i = 0; i < section.count; i++) {
        TRY(append_visible(text, section.fields[i].name));
        TRY(buf_append(text, STR(": ")));
        TRY(append_visible(text, section.fields[i].value));
        TRY(buf_append(text, STR("\r\n")));
    }
    return buf_append(text, STR("\r\n"));
}

/* Copies what was built into the arena. */
static struct err keep(struct buf *text, struct err err, struct arena *arena, struct str *ret_text)
{
    if (!err_is(err))
        err = arena_copy(arena, buf_str(text), ret_text);
    buf_deinit(text);
    return err;
}

/* Takes the next line, without its end. */
static bool take_line(struct str *rest, struct str *ret_line)
{
    if (!str_cut(*rest, '\n', ret_line, rest))
        return false;
    if (str_ends(*ret_line, STR("\r")))
        ret_line->len--;
    return true;
}

/* A name ends at its first colon, but for the one that begins a pseudo-field. */
static bool cut_line(struct str line, struct str *ret_name, struct str *ret_value)
{
    size_t start = is_pseudo(line) ? 1 : 0;
    size_t colon = str_find_char(str_skip(line, start), ':');

    if (colon == STR_ABSENT)
        return false;
    *ret_name = str_head(line, start + colon);
    *ret_value = str_skip(line, start + colon + 1);
    if (ret_value->len && ret_value->ptr[0] == ' ')
        *ret_value = str_skip(*ret_value, 1);
    return true;
}

static void point_at_start(struct str line, struct http_message *message)
{
    struct str rest;
    uint64_t status;

    message->version = HTTP_VERSION_2;
    if (!message->is_request) {
        str_cut(line, ' ', &message->version_text, &rest);
        message->status = str_to_u64(rest, &status) && status < 1000 ? (unsigned)status : 0;
        return;
    }
    message->version_text = str_skip(line, line.len - 6);
    str_cut(str_head(line, line.len - 7), ' ', &message->method, &message->target);
}

/* The text was made here: it has a first line, and as many lines as there are fields. */
static struct err point_at(struct str text, size_t count, struct arena *arena, struct http_message *message)
{
    struct str rest = text, line;

    message->fields = arena_zalloc(arena, (count + 1) * sizeof(*message->fields));
    if (!message->fields)
        return ERR(ERR_LIMIT, 0, "the head is too large");
    CHECK(take_line(&rest, &line));
    point_at_start(line, message);
    while (take_line(&rest, &line) && line.len) {
        struct http_field *field = &message->fields[message->field_count++];

        field->line = field->value = line;
        if (!cut_line(line, &field->name, &field->value))
            field->name = STR_NONE;
    }
    return OK;
}

struct err h2_message_text(enum h2_message_kind kind, struct h2_message_fields section, struct arena *arena,
                           struct str *ret_text, struct http_message *ret_message)
{
    struct http_message message = {.is_request = kind == H2_MESSAGE_REQUEST};
    struct buf building;
    struct str text;

    buf_init(&building, FORM_BYTES_MAX);
    TRY(keep(&building, append_text(kind, section, &building), arena, &text));
    if (ret_message && kind != H2_MESSAGE_TRAILERS) {
        TRY(point_at(text, section.count, arena, &message));
        *ret_message = message;
    }
    *ret_text = text;
    return OK;
}

static size_t count_lines(struct str text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == '\n';
    return count;
}

struct err h2_message_from_text(enum h2_message_kind kind, struct str text, size_t field_count_max, struct arena *arena,
                                struct h2_message_fields *ret_section)
{
    size_t line_count = count_lines(text), count = 0;
    struct str rest = text, line;
    struct h2_field *fields;

    if (line_count > field_count_max + 2)
        return ERR(ERR_LIMIT, 0, "there are too many fields");
    fields = arena_zalloc(arena, (line_count + 1) * sizeof(*fields));
    if (!fields)
        return ERR(ERR_LIMIT, 0, "the head is too large");
    if (kind != H2_MESSAGE_TRAILERS && !take_line(&rest, &line))
        return ERR(ERR_SYNTAX, 0, "there is no first line");
    while (take_line(&rest, &line)) {
        if (line.len == 0) {
            *ret_section = (struct h2_message_fields){fields, count};
            return OK;
        }
        if (!cut_line(line, &fields[count].name, &fields[count].value))
            return ERR(ERR_SYNTAX, 0, "a line has no colon");
        count++;
    }
    return ERR(ERR_SYNTAX, 0, "no empty line ends the head");
}
