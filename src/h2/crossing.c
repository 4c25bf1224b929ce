#include "h2/crossing.h"

#include "base/buf.h"
#include "http/field.h"

#define HEAD_BYTES_MAX ((size_t)(4 * 1024 * 1024))

/* --- to HTTP/1.1 --- */

/* RFC 9110, 5.5: HTTP/2 bears control characters that HTTP/1.1 readers may take for the end of something. */
static bool is_plain(struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];

        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static struct err append_line(struct buf *head, struct str name, struct str value)
{
    if (!is_plain(value))
        return ERR(ERR_SYNTAX, 0, "a field value has a control character");
    TRY(buf_append(head, name));
    TRY(buf_append(head, STR(": ")));
    TRY(buf_append(head, value));
    return buf_append(head, STR("\r\n"));
}

static struct err append_request_line(struct buf *head, const struct h2_message_head *request)
{
    TRY(buf_append(head, request->method));
    TRY(buf_append_char(head, ' '));
    TRY(buf_append(head, request->path));
    TRY(buf_append(head, STR(" HTTP/1.1\r\n")));
    return append_line(head, STR("Host"), request->authority);
}

/* RFC 9113, 8.2.3: the pieces are joined with "; " before they reach HTTP/1.1. */
static struct err append_cookies(struct buf *head, struct h2_message_fields section, size_t from)
{
    TRY(buf_append(head, STR("cookie: ")));
    for (size_t i = from; i < section.count; i++) {
        if (!str_eq(section.fields[i].name, STR("cookie")))
            continue;
        if (!is_plain(section.fields[i].value))
            return ERR(ERR_SYNTAX, 0, "a field value has a control character");
        if (i != from)
            TRY(buf_append(head, STR("; ")));
        TRY(buf_append(head, section.fields[i].value));
    }
    return buf_append(head, STR("\r\n"));
}

/* Fields that are written elsewhere, or not at all. */
static bool is_left_out(struct str name)
{
    return name.ptr[0] == ':' || str_eq(name, STR("host")) || str_eq(name, STR("te")) ||
           str_eq(name, STR("content-length"));
}

static struct err append_fields(struct buf *head, struct h2_message_fields section)
{
    bool has_cookie = false;

    for (size_t i = 0; i < section.count; i++) {
        const struct h2_field *field = &section.fields[i];

        if (is_left_out(field->name))
            continue;
        if (!str_eq(field->name, STR("cookie"))) {
            TRY(append_line(head, field->name, field->value));
            continue;
        }
        if (!has_cookie)
            TRY(append_cookies(head, section, i));
        has_cookie = true;
    }
    return OK;
}

/* RFC 9110, 8.6: a method that usually has content says when it has none. */
static bool says_length_zero(struct str method)
{
    return str_eq(method, STR("POST")) || str_eq(method, STR("PUT")) || str_eq(method, STR("PATCH"));
}

/* RFC 9112, 6.3: these have no body, whatever they say. */
static bool is_bodiless(unsigned status) { return status / 100 == 1 || status == 204 || status == 304; }

static struct err append_framing(struct buf *head, const struct h2_message_head *message, enum h2_crossing_body body,
                                 bool *ret_is_chunked)
{
    *ret_is_chunked = false;
    if (message->has_content_length)
        return buf_format(head, "content-length: %llu\r\n", (unsigned long long)message->content_length);
    if (body == H2_CROSSING_NO_BODY)
        return says_length_zero(message->method) ? buf_append(head, STR("content-length: 0\r\n")) : OK;
    if (is_bodiless(message->status))
        return OK;
    *ret_is_chunked = true;
    return buf_append(head, STR("transfer-encoding: chunked\r\n"));
}

static struct err append_head(struct buf *head, struct h2_message_fields section, const struct h2_message_head *message,
                              enum h2_crossing_body body, bool *ret_is_chunked)
{
    if (message->status)
        TRY(buf_format(head, "HTTP/1.1 %03u \r\n", message->status));
    else
        TRY(append_request_line(head, message));
    TRY(append_fields(head, section));
    TRY(append_framing(head, message, body, ret_is_chunked));
    return buf_append(head, STR("\r\n"));
}

static struct err keep(struct buf *text, struct err err, struct arena *arena, struct str *ret_text)
{
    if (!err_is(err))
        err = arena_copy(arena, buf_str(text), ret_text);
    buf_deinit(text);
    return err;
}

struct err h2_crossing_to_h1(struct h2_message_fields section, enum h2_crossing_body body, struct arena *arena,
                             struct str *ret_head, bool *ret_is_chunked)
{
    bool is_response = section.count && str_eq(section.fields[0].name, STR(":status"));
    struct h2_message_head message;
    struct buf head;

    TRY(h2_message_check(is_response ? H2_MESSAGE_RESPONSE : H2_MESSAGE_REQUEST, section, &message));
    if (str_eq(message.method, STR("CONNECT")))
        return ERR(ERR_SYNTAX, 0, "CONNECT in a stream");
    /* HTTP/1.1 would take what follows on the connection for this body. */
    if (!is_response && body == H2_CROSSING_NO_BODY && message.content_length)
        return ERR(ERR_SYNTAX, 0, "a content-length without content");
    buf_init(&head, HEAD_BYTES_MAX);
    return keep(&head, append_head(&head, section, &message, body, ret_is_chunked), arena, ret_head);
}

static struct err append_trailers(struct buf *end, struct h2_message_fields section)
{
    TRY(buf_append(end, STR("0\r\n")));
    for (size_t i = 0; i < section.count; i++) {
        if (!h2_message_is_never_trailer(section.fields[i].name))
            TRY(append_line(end, section.fields[i].name, section.fields[i].value));
    }
    return buf_append(end, STR("\r\n"));
}

struct err h2_crossing_trailers_to_h1(struct h2_message_fields section, struct arena *arena, struct str *ret_end)
{
    struct h2_message_head unused;
    struct buf end;

    TRY(h2_message_check(H2_MESSAGE_TRAILERS, section, &unused));
    buf_init(&end, HEAD_BYTES_MAX);
    return keep(&end, append_trailers(&end, section), arena, ret_end);
}

/* --- from HTTP/1 --- */

struct building {
    struct arena *arena;
    struct h2_field *fields;
    size_t count;
    bool has_content_length;
};

static struct err start(struct building *building, struct arena *arena, size_t field_count)
{
    *building =
        (struct building){.arena = arena, .fields = arena_zalloc(arena, (field_count + 5) * sizeof(struct h2_field))};
    return building->fields ? OK : ERR(ERR_LIMIT, 0, "the head is too large");
}

static void add(struct building *building, struct str name, struct str value)
{
    building->fields[building->count++] = (struct h2_field){.name = name, .value = value};
}

static struct err lower(struct arena *arena, struct str text, struct str *ret_text)
{
    TRY(arena_copy(arena, text, ret_text));
    for (size_t i = 0; i < ret_text->len; i++)
        ((char *)(uintptr_t)ret_text->ptr)[i] = str_fold_char(ret_text->ptr[i]);
    return OK;
}

/* RFC 9112, 5.2: a fold becomes spaces. */
static struct err unfold(struct arena *arena, struct str value, struct str *ret_value)
{
    if (str_find_char(value, '\r') == STR_ABSENT && str_find_char(value, '\n') == STR_ABSENT) {
        *ret_value = str_trim(value);
        return OK;
    }
    TRY(arena_copy(arena, value, ret_value));
    for (size_t i = 0; i < ret_value->len; i++) {
        if (ret_value->ptr[i] == '\r' || ret_value->ptr[i] == '\n')
            ((char *)(uintptr_t)ret_value->ptr)[i] = ' ';
    }
    *ret_value = str_trim(*ret_value);
    return OK;
}

/* Whether a field stays behind: it speaks of the connection, or Connection names it (RFC 9110, 7.6.1). */
static bool stays_behind(const struct http_message *message, struct str name)
{
    return h2_message_is_of_connection(name) || http_message_has_token(message, STR("connection"), name);
}

static bool takes_content_length(struct building *building, const struct http_message *message, struct str value)
{
    uint64_t length;

    if (building->has_content_length || http_message_field(message, STR("transfer-encoding")))
        return false;
    building->has_content_length = str_to_u64(value, &length);
    return building->has_content_length;
}

static struct err add_field(struct building *building, const struct http_message *message,
                            const struct http_field *field)
{
    struct str name, value;

    if (!http_field_is_token(field->name) || stays_behind(message, field->name))
        return OK;
    if (message->is_request && str_eq_nocase(field->name, STR("host")))
        return OK;
    TRY(lower(building->arena, field->name, &name));
    TRY(unfold(building->arena, field->value, &value));
    if (str_eq(name, STR("te")) && !str_eq_nocase(value, STR("trailers")))
        return OK;
    if (str_eq(name, STR("content-length")) && !takes_content_length(building, message, value))
        return OK;
    add(building, name, value);
    return OK;
}

static void add_request_pseudo(struct building *building, const struct http_message *message, struct str scheme,
                               struct str authority)
{
    const struct http_field *host = http_message_field(message, STR("host"));

    if (authority.len == 0 && host)
        authority = host->value;
    add(building, STR(":method"), message->method);
    add(building, STR(":scheme"), scheme);
    if (authority.len)
        add(building, STR(":authority"), authority);
    add(building, STR(":path"), message->target);
}

struct err h2_crossing_from_h1(const struct http_message *message, struct str scheme, struct str authority,
                               struct arena *arena, struct h2_message_fields *ret_section)
{
    struct h2_message_fields section;
    struct h2_message_head unused;
    struct building building;
    struct str status;

    TRY(start(&building, arena, message->field_count));
    if (message->is_request) {
        add_request_pseudo(&building, message, scheme, authority);
    } else {
        TRY(arena_format(arena, &status, "%03u", message->status));
        add(&building, STR(":status"), status);
    }
    for (size_t i = 0; i < message->field_count; i++)
        TRY(add_field(&building, message, &message->fields[i]));
    section = (struct h2_message_fields){building.fields, building.count};
    TRY(h2_message_check(message->is_request ? H2_MESSAGE_REQUEST : H2_MESSAGE_RESPONSE, section, &unused));
    *ret_section = section;
    return OK;
}

struct err h2_crossing_trailers_from_h1(const struct http_message *trailers, struct arena *arena,
                                        struct h2_message_fields *ret_section)
{
    struct h2_message_fields section;
    struct h2_message_head unused;
    struct building building;

    TRY(start(&building, arena, trailers->field_count));
    for (size_t i = 0; i < trailers->field_count; i++) {
        if (!h2_message_is_never_trailer(trailers->fields[i].name))
            TRY(add_field(&building, trailers, &trailers->fields[i]));
    }
    section = (struct h2_message_fields){building.fields, building.count};
    TRY(h2_message_check(H2_MESSAGE_TRAILERS, section, &unused));
    *ret_section = section;
    return OK;
}
