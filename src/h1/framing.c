#include "h1/framing.h"

#include "http/field.h"

/* What the fields say, gathered in one pass. */
struct facts {
    bool has_length;
    bool has_coding;      /* Transfer-Encoding */
    bool is_chunked_last; /* "chunked" is the final transfer coding */
    bool has_close;       /* Connection: close */
    bool has_keep_alive;
    bool is_unsure; /* a field that some readers take for one of framing and others do not */
    uint64_t content_length;
    size_t length_count; /* members of all Content-Length lists */
    size_t coding_count;
    size_t host_count;
    uint32_t flags;
};

static void read_length(struct str value, struct facts *facts)
{
    struct str rest = value;
    struct str member = STR_NONE;
    size_t count_before = facts->length_count;
    uint64_t length;

    facts->has_length = true;
    while (http_field_next_member(&rest, &member)) {
        if (!str_to_u64(member, &length))
            facts->flags |= H1_FLAG_CL_INVALID;
        else if (facts->length_count && length != facts->content_length)
            facts->flags |= H1_FLAG_CL_DIFFERENT;
        else
            facts->content_length = length;
        facts->length_count++;
    }
    /* RFC 9112, 6.3: "5, 5" may be taken as 5.  The member is not the value when commas stand around it. */
    if (facts->length_count == count_before)
        facts->flags |= H1_FLAG_CL_INVALID;
    else if (facts->length_count > 1 || member.len != value.len)
        facts->flags |= H1_FLAG_CL_REPEATED;
}

static void read_coding(struct str value, struct facts *facts)
{
    struct str rest = value;
    struct str member;

    facts->has_coding = true;
    while (http_field_next_member(&rest, &member)) {
        facts->is_chunked_last = str_eq_nocase(member, STR("chunked"));
        facts->coding_count++;
    }
    if (facts->coding_count != 1 || !str_eq_nocase(value, STR("chunked")))
        facts->flags |= H1_FLAG_TE_ODD;
}

static void read_connection(struct str value, struct facts *facts)
{
    struct str member;

    while (http_field_next_member(&value, &member)) {
        facts->has_close |= str_eq_nocase(member, STR("close"));
        facts->has_keep_alive |= str_eq_nocase(member, STR("keep-alive"));
    }
}

/* Whether a name that is no token would be `name` for a reader who drops the bytes that do not belong there. */
static bool resembles(struct str odd, struct str name)
{
    size_t matched = 0;

    for (size_t i = 0; i < odd.len; i++) {
        if (!http_field_is_token((struct str){odd.ptr + i, 1}))
            continue;
        if (matched == name.len || str_fold_char(odd.ptr[i]) != str_fold_char(name.ptr[matched]))
            return false;
        matched++;
    }
    return matched == name.len;
}

/* RFC 9112, 5.1: white space before the colon is taken out of a response and refused in a request. */
static void read_odd_field(const struct http_field *field, bool is_request, struct facts *facts)
{
    bool is_length = resembles(field->name, STR("Content-Length"));
    bool is_coding = resembles(field->name, STR("Transfer-Encoding"));

    if (!is_length && !is_coding)
        return;
    if (is_request)
        facts->is_unsure = true;
    else if (is_length)
        read_length(field->value, facts);
    else
        read_coding(field->value, facts);
}

static void read_field(const struct http_field *field, struct facts *facts)
{
    switch (field->name.len) {
    case 4:
        facts->host_count += str_eq_nocase(field->name, STR("Host"));
        break;
    case 10:
        if (str_eq_nocase(field->name, STR("Connection")))
            read_connection(field->value, facts);
        break;
    case 14:
        if (str_eq_nocase(field->name, STR("Content-Length")))
            read_length(field->value, facts);
        break;
    case 17:
        if (str_eq_nocase(field->name, STR("Transfer-Encoding")))
            read_coding(field->value, facts);
        break;
    default:
        break;
    }
}

static struct facts read_fields(const struct http_message *message, uint32_t head_flags)
{
    struct facts facts = {0};

    for (size_t i = 0; i < message->field_count; i++)
        read_field(&message->fields[i], &facts);
    for (size_t i = 0; i < message->field_count && (head_flags & H1_FLAG_BAD_FIELD); i++) {
        if (!http_field_is_token(message->fields[i].name))
            read_odd_field(&message->fields[i], message->is_request, &facts);
    }
    if (facts.flags & (H1_FLAG_CL_DIFFERENT | H1_FLAG_CL_INVALID))
        facts.flags &= ~(uint32_t)H1_FLAG_CL_REPEATED;
    if (facts.has_length && facts.has_coding)
        facts.flags |= H1_FLAG_CL_AND_TE;
    if (facts.has_coding && message->version != HTTP_VERSION_11)
        facts.flags |= H1_FLAG_TE_IN_10;
    return facts;
}

static bool is_persistent(const struct http_message *message, const struct facts *facts)
{
    /* RFC 9112, 6.1: a message of HTTP/1.0 with Transfer-Encoding has faulty framing; close after it. */
    if (facts->has_close || (facts->flags & H1_FLAG_TE_IN_10))
        return false;
    return message->version == HTTP_VERSION_11 || (message->version == HTTP_VERSION_10 && facts->has_keep_alive);
}

/* RFC 9112, 6.3, items 3 to 8, as far as requests and responses agree.  `otherwise` is for a message without either
 * field. */
static enum h1_framing by_fields(const struct facts *facts, enum h1_framing otherwise)
{
    if (facts->is_unsure)
        return H1_FRAMING_CLOSE;
    if (facts->has_coding)
        return facts->is_chunked_last ? H1_FRAMING_CHUNKED : H1_FRAMING_CLOSE;
    if (facts->flags & H1_FLAG_CL_INVALID)
        return H1_FRAMING_CLOSE;
    return facts->has_length ? H1_FRAMING_LENGTH : otherwise;
}

static struct h1_framing_decision decide(const struct http_message *message, const struct facts *facts,
                                         enum h1_framing framing)
{
    return (struct h1_framing_decision){
        .framing = framing,
        .content_length = framing == H1_FRAMING_LENGTH ? facts->content_length : 0,
        .keeps_alive = framing != H1_FRAMING_CLOSE && framing != H1_FRAMING_TUNNEL && is_persistent(message, facts),
        .flags = facts->flags,
    };
}

struct h1_framing_decision h1_framing_of_request(const struct http_message *message, uint32_t head_flags)
{
    struct facts facts = read_fields(message, head_flags);
    enum h1_framing framing = by_fields(&facts, H1_FRAMING_NONE);

    if (message->version == HTTP_VERSION_11 && facts.host_count == 0)
        facts.flags |= H1_FLAG_HOST_MISSING;
    if (facts.host_count > 1)
        facts.flags |= H1_FLAG_HOST_REPEATED;
    /* A request line without a version may be HTTP/0.9, or the first line of a head that some servers would read on. */
    if (!message->version_text.len)
        framing = H1_FRAMING_CLOSE;
    return decide(message, &facts, framing);
}

/* Responses that have no body whatever their fields say (RFC 9112, 6.3, items 1 and 2). */
static bool has_no_body(unsigned status, enum h1_framing_answered answered)
{
    return answered == H1_FRAMING_ANSWERED_HEAD || status / 100 == 1 || status == 204 || status == 304;
}

struct h1_framing_decision h1_framing_of_response(const struct http_message *message, uint32_t head_flags,
                                                  enum h1_framing_answered answered)
{
    struct facts facts = read_fields(message, head_flags);
    enum h1_framing framing = by_fields(&facts, H1_FRAMING_CLOSE);
    bool has_body_fields = facts.has_coding || facts.content_length || (facts.flags & H1_FLAG_CL_INVALID);
    bool is_tunnel = message->status == 101 || (answered == H1_FRAMING_ANSWERED_CONNECT && message->status / 100 == 2);
    struct h1_framing_decision decision;

    if (is_tunnel)
        framing = H1_FRAMING_TUNNEL;
    else if (has_no_body(message->status, answered))
        framing = H1_FRAMING_NONE;
    else if (message->status == 0)
        framing = H1_FRAMING_CLOSE;
    if (has_body_fields && (is_tunnel || message->status / 100 == 1 || message->status == 204))
        facts.flags |= H1_FLAG_BODY_UNEXPECTED;
    decision = decide(message, &facts, framing);
    decision.is_interim = message->status / 100 == 1 && message->status != 101;
    return decision;
}
