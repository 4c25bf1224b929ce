#include "query/column.h"

#include "base/utf8.h"
#include "http/message.h"
#include "http/target.h"

#define COLUMN_NAME(NAME, name, type) [QUERY_COLUMN_##NAME] = #name,
#define COLUMN_TYPE(NAME, name, type) [QUERY_COLUMN_##NAME] = QUERY_COLUMN_##type,

static const char *const names[QUERY_COLUMN_COUNT] = {QUERY_COLUMNS(COLUMN_NAME)};
static const enum query_column_type types[QUERY_COLUMN_COUNT] = {QUERY_COLUMNS(COLUMN_TYPE)};

const char *query_column_name(enum query_column column) { return names[column]; }

enum query_column_type query_column_type(enum query_column column) { return types[column]; }

bool query_column_is_text(struct str bytes) { return str_find_char(bytes, '\0') == STR_ABSENT && utf8_is_valid(bytes); }

/* How a fact becomes a value, by its place in the struct. */
enum form {
    FORM_TEXT,     /* struct str; empty: absent */
    FORM_U64,      /* 0: absent, here and in the next two */
    FORM_U16,      /* uint16_t */
    FORM_STATUS,   /* unsigned */
    FORM_TIME,     /* int64_t, always there */
    FORM_DURATION, /* int64_t; FACTS_UNKNOWN_US: absent */
    FORM_IP,       /* char[64]; empty: absent */
    FORM_VERSION,  /* enum http_version */
    FORM_SOURCE,   /* enum exchange_source */
    FORM_KIND,     /* enum exchange_kind */
    FORM_EXT,      /* struct str, the path */
    FORM_LEN,      /* of a half (next three): absent when nothing of it was seen */
    FORM_BODY_LEN,
    FORM_COMPLETE,
};

struct place {
    enum form form;
    size_t offset;
};

#define AT(form, member)                                                                                               \
    {                                                                                                                  \
        form, offsetof(struct exchange_facts, member)                                                                  \
    }

static const struct place places[QUERY_COLUMN_COUNT] = {
    [QUERY_COLUMN_ID] = AT(FORM_U64, id),
    [QUERY_COLUMN_AT_US] = AT(FORM_TIME, at_us),
    [QUERY_COLUMN_SOURCE] = AT(FORM_SOURCE, source),
    [QUERY_COLUMN_KIND] = AT(FORM_KIND, kind),
    [QUERY_COLUMN_METHOD] = AT(FORM_TEXT, method),
    [QUERY_COLUMN_SCHEME] = AT(FORM_TEXT, scheme),
    [QUERY_COLUMN_HOST] = AT(FORM_TEXT, host),
    [QUERY_COLUMN_PORT] = AT(FORM_U16, port),
    [QUERY_COLUMN_PATH] = AT(FORM_TEXT, path),
    [QUERY_COLUMN_QUERY] = AT(FORM_TEXT, query),
    [QUERY_COLUMN_EXT] = AT(FORM_EXT, path),
    [QUERY_COLUMN_CLIENT_PROTO] = AT(FORM_VERSION, client_version),
    [QUERY_COLUMN_ORIGIN_PROTO] = AT(FORM_VERSION, origin_version),
    [QUERY_COLUMN_STATUS] = AT(FORM_STATUS, status),
    [QUERY_COLUMN_REASON] = AT(FORM_TEXT, reason),
    [QUERY_COLUMN_TYPE] = AT(FORM_TEXT, type),
    [QUERY_COLUMN_TITLE] = AT(FORM_TEXT, title),
    [QUERY_COLUMN_REQ_LEN] = AT(FORM_LEN, half[EXCHANGE_REQUEST]),
    [QUERY_COLUMN_REQ_BODY_LEN] = AT(FORM_BODY_LEN, half[EXCHANGE_REQUEST]),
    [QUERY_COLUMN_REQ_COMPLETE] = AT(FORM_COMPLETE, half[EXCHANGE_REQUEST]),
    [QUERY_COLUMN_RES_LEN] = AT(FORM_LEN, half[EXCHANGE_RESPONSE]),
    [QUERY_COLUMN_RES_BODY_LEN] = AT(FORM_BODY_LEN, half[EXCHANGE_RESPONSE]),
    [QUERY_COLUMN_RES_COMPLETE] = AT(FORM_COMPLETE, half[EXCHANGE_RESPONSE]),
    [QUERY_COLUMN_TIME_US] = AT(FORM_DURATION, time_us),
    [QUERY_COLUMN_FIRST_BYTE_US] = AT(FORM_DURATION, first_byte_us),
    [QUERY_COLUMN_DNS_US] = AT(FORM_DURATION, dns_us),
    [QUERY_COLUMN_CONNECT_US] = AT(FORM_DURATION, connect_us),
    [QUERY_COLUMN_TLS_US] = AT(FORM_DURATION, tls_us),
    [QUERY_COLUMN_CLIENT_IP] = AT(FORM_IP, client.ip),
    [QUERY_COLUMN_CLIENT_PORT] = AT(FORM_U16, client.port),
    [QUERY_COLUMN_ORIGIN_IP] = AT(FORM_IP, origin.ip),
    [QUERY_COLUMN_ORIGIN_PORT] = AT(FORM_U16, origin.port),
    [QUERY_COLUMN_CLIENT_CONNECTION] = AT(FORM_U64, client_connection),
    [QUERY_COLUMN_ORIGIN_CONNECTION] = AT(FORM_U64, origin_connection),
    [QUERY_COLUMN_CLIENT_TLS_VERSION] = AT(FORM_TEXT, client_tls.version),
    [QUERY_COLUMN_CLIENT_TLS_CIPHER] = AT(FORM_TEXT, client_tls.cipher),
    [QUERY_COLUMN_CLIENT_TLS_ALPN] = AT(FORM_TEXT, client_tls.alpn),
    [QUERY_COLUMN_CLIENT_TLS_SNI] = AT(FORM_TEXT, client_tls.sni),
    [QUERY_COLUMN_CLIENT_TLS_JA4] = AT(FORM_TEXT, client_tls.ja4),
    [QUERY_COLUMN_ORIGIN_TLS_VERSION] = AT(FORM_TEXT, origin_tls.version),
    [QUERY_COLUMN_ORIGIN_TLS_CIPHER] = AT(FORM_TEXT, origin_tls.cipher),
    [QUERY_COLUMN_ORIGIN_TLS_ALPN] = AT(FORM_TEXT, origin_tls.alpn),
    [QUERY_COLUMN_ORIGIN_TLS_SNI] = AT(FORM_TEXT, origin_tls.sni),
    [QUERY_COLUMN_ORIGIN_TLS_VERIFY] = AT(FORM_TEXT, origin_tls.verify),
    [QUERY_COLUMN_ORIGIN_TLS_SUBJECT] = AT(FORM_TEXT, origin_tls.subject),
    [QUERY_COLUMN_ORIGIN_TLS_ISSUER] = AT(FORM_TEXT, origin_tls.issuer),
    [QUERY_COLUMN_ORIGIN_TLS_SHA256] = AT(FORM_TEXT, origin_tls.sha256),
    [QUERY_COLUMN_FLAGS] = AT(FORM_TEXT, flags),
    [QUERY_COLUMN_ERROR] = AT(FORM_TEXT, error),
    [QUERY_COLUMN_ERROR_TEXT] = AT(FORM_TEXT, error_text),
};

static struct query_column_value text(struct str value)
{
    return (struct query_column_value){.is_present = value.len > 0, .type = QUERY_COLUMN_TEXT, .text = value};
}

static struct query_column_value integer(uint64_t value, bool is_present)
{
    return (struct query_column_value){.is_present = is_present,
                                       .type = QUERY_COLUMN_INTEGER,
                                       .integer = value > INT64_MAX ? INT64_MAX : (int64_t)value};
}

static struct query_column_value signed_integer(int64_t value, bool is_present)
{
    return (struct query_column_value){.is_present = is_present, .type = QUERY_COLUMN_INTEGER, .integer = value};
}

static struct query_column_value half_value(const struct facts_half *half, enum form form)
{
    if (form == FORM_COMPLETE)
        return integer(half->is_complete, half->wire_len > 0);
    return integer(form == FORM_LEN ? half->wire_len : half->body_len, half->wire_len > 0);
}

struct query_column_value query_column_value(const struct exchange_facts *facts, enum query_column column)
{
    const void *at = (const char *)facts + places[column].offset;
    enum form form = places[column].form;

    switch (form) {
    case FORM_TEXT:
        return text(*(const struct str *)at);
    case FORM_U64:
        return integer(*(const uint64_t *)at, *(const uint64_t *)at > 0);
    case FORM_U16:
        return integer(*(const uint16_t *)at, *(const uint16_t *)at > 0);
    case FORM_STATUS:
        return integer(*(const unsigned *)at, *(const unsigned *)at > 0);
    case FORM_TIME:
        return signed_integer(*(const int64_t *)at, true);
    case FORM_DURATION:
        return signed_integer(*(const int64_t *)at, *(const int64_t *)at != FACTS_UNKNOWN_US);
    case FORM_IP:
        return text((struct str){at, strnlen(at, sizeof(facts->client.ip))});
    case FORM_VERSION:
        return text(http_message_version_name(*(const enum http_version *)at));
    case FORM_SOURCE:
        return text(facts_source_name(*(const enum exchange_source *)at));
    case FORM_KIND:
        return text(facts_kind_name(*(const enum exchange_kind *)at));
    case FORM_EXT:
        return text(http_target_extension(*(const struct str *)at));
    case FORM_LEN:
    case FORM_BODY_LEN:
    case FORM_COMPLETE:
        break;
    }
    return half_value(at, form);
}
