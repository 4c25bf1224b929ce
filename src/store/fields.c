#include "store/fields.h"

#include <limits.h>

enum form {
    FORM_TEXT, /* struct str; empty: absent */
    FORM_U64,  /* 0: absent, here and in the next two */
    FORM_U16,
    FORM_STATUS,   /* unsigned */
    FORM_TIME,     /* int64_t, always written */
    FORM_DURATION, /* int64_t, FACTS_UNKNOWN_US: absent */
    FORM_IP,       /* char[64]; empty: absent */
    FORM_BOOL,     /* false: absent */
    FORM_VERSION,
    FORM_SOURCE, /* always written, as is the kind */
    FORM_KIND,
};

struct field {
    struct str name;
    enum form form;
    size_t offset; /* in the facts */
};

#define FIELD(name, form, member)                                                                                      \
    {                                                                                                                  \
        {name, sizeof(name) - 1}, form, offsetof(struct exchange_facts, member)                                        \
    }

#define TLS_FIELDS(name, member)                                                                                       \
    FIELD(name "-version", FORM_TEXT, member.version), FIELD(name "-cipher", FORM_TEXT, member.cipher),                \
        FIELD(name "-alpn", FORM_TEXT, member.alpn), FIELD(name "-sni", FORM_TEXT, member.sni),                        \
        FIELD(name "-verify", FORM_TEXT, member.verify), FIELD(name "-ja4", FORM_TEXT, member.ja4),                    \
        FIELD(name "-subject", FORM_TEXT, member.subject), FIELD(name "-issuer", FORM_TEXT, member.issuer),            \
        FIELD(name "-sha256", FORM_TEXT, member.sha256), FIELD(name "-not-before", FORM_TEXT, member.not_before),      \
        FIELD(name "-not-after", FORM_TEXT, member.not_after), FIELD(name "-resumed", FORM_BOOL, member.is_resumed)

#define HALF_FIELDS(name, member)                                                                                      \
    FIELD(name "-wire", FORM_U64, member.wire_len), FIELD(name "-head", FORM_U64, member.head_len),                    \
        FIELD(name "-body", FORM_U64, member.body_len), FIELD(name "-chunked", FORM_BOOL, member.is_chunked),          \
        FIELD(name "-complete", FORM_BOOL, member.is_complete)

#define ADDRESS_FIELDS(name, member) FIELD(name "-ip", FORM_IP, member.ip), FIELD(name "-port", FORM_U16, member.port)

/* Every fact but the id, in the order of writing. */
static const struct field fields[] = {
    FIELD("kind", FORM_KIND, kind),
    FIELD("source", FORM_SOURCE, source),
    FIELD("at", FORM_TIME, at_us),
    FIELD("method", FORM_TEXT, method),
    FIELD("scheme", FORM_TEXT, scheme),
    FIELD("host", FORM_TEXT, host),
    FIELD("port", FORM_U16, port),
    FIELD("target", FORM_TEXT, target),
    FIELD("sent-target", FORM_TEXT, sent_target),
    FIELD("path", FORM_TEXT, path),
    FIELD("query", FORM_TEXT, query),
    FIELD("client-version", FORM_VERSION, client_version),
    FIELD("origin-version", FORM_VERSION, origin_version),
    FIELD("status", FORM_STATUS, status),
    FIELD("reason", FORM_TEXT, reason),
    FIELD("type", FORM_TEXT, type),
    FIELD("title", FORM_TEXT, title),
    HALF_FIELDS("request", half[EXCHANGE_REQUEST]),
    HALF_FIELDS("response", half[EXCHANGE_RESPONSE]),
    FIELD("dns-us", FORM_DURATION, dns_us),
    FIELD("connect-us", FORM_DURATION, connect_us),
    FIELD("tls-us", FORM_DURATION, tls_us),
    FIELD("first-byte-us", FORM_DURATION, first_byte_us),
    FIELD("time-us", FORM_DURATION, time_us),
    ADDRESS_FIELDS("client", client),
    ADDRESS_FIELDS("origin", origin),
    ADDRESS_FIELDS("listener", listener),
    FIELD("client-connection", FORM_U64, client_connection),
    FIELD("origin-connection", FORM_U64, origin_connection),
    TLS_FIELDS("client-tls", client_tls),
    TLS_FIELDS("origin-tls", origin_tls),
    FIELD("flags", FORM_TEXT, flags),
    FIELD("error", FORM_TEXT, error),
    FIELD("error-text", FORM_TEXT, error_text),
};

#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))
#define NAME_MAX_BYTES 32

static const struct str state_names[] = {
    [STORE_FIELDS_OPEN] = {"open", 4},
    [STORE_FIELDS_CLOSED] = {"closed", 6},
    [STORE_FIELDS_INTERRUPTED] = {"interrupted", 11},
    [STORE_FIELDS_LATE] = {"late", 4},
};

#define STATE_COUNT (sizeof(state_names) / sizeof(state_names[0]))

/* 1 for bytes that stand for themselves in a value. */
static inline bool is_plain(unsigned char c) { return c >= 0x20 && c <= 0x7e && c != '%'; }

size_t store_fields_pack_len(const struct exchange_facts *facts)
{
    size_t len = sizeof(*facts);

    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (fields[i].form == FORM_TEXT)
            len += str_head(*(const struct str *)((const char *)facts + fields[i].offset), STORE_FIELDS_TEXT_MAX).len;
    }
    return len;
}

void store_fields_pack(const struct exchange_facts *facts, char *bytes)
{
    size_t at = sizeof(*facts);

    memcpy(bytes, facts, sizeof(*facts));
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        struct str *text = (struct str *)(bytes + fields[i].offset);

        if (fields[i].form != FORM_TEXT)
            continue;
        text->len = text->len < STORE_FIELDS_TEXT_MAX ? text->len : STORE_FIELDS_TEXT_MAX;
        if (text->len)
            memcpy(bytes + at, text->ptr, text->len);
        text->ptr = NULL;
        at += text->len;
    }
}

void store_fields_unpack(struct str packed, struct exchange_facts *ret_facts)
{
    size_t at = sizeof(*ret_facts);

    CHECK(packed.len >= at);
    memcpy(ret_facts, packed.ptr, at);
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        struct str *text = (struct str *)((char *)ret_facts + fields[i].offset);

        if (fields[i].form != FORM_TEXT)
            continue;
        CHECK(text->len <= packed.len - at);
        text->ptr = packed.ptr + at;
        at += text->len;
    }
}

/* Whether all bytes stand for themselves, eight at a time: none below 0x20, none above 0x7e, no '%'. */
static bool is_all_plain(struct str value)
{
    const uint64_t one = UINT64_C(0x0101010101010101), high = one << 7;
    uint64_t word, percent;

    for (; value.len >= sizeof(word); value = str_skip(value, sizeof(word))) {
        memcpy(&word, value.ptr, sizeof(word));
        percent = word ^ one * '%';
        if ((word | (word - one * 0x20) | (word + one) | ((percent - one) & ~percent)) & high)
            return false;
    }
    for (size_t i = 0; i < value.len; i++) {
        if (!is_plain((unsigned char)value.ptr[i]))
            return false;
    }
    return true;
}

static void put_escaped(struct store_out *out, struct str value)
{
    static const char digits[] = "0123456789ABCDEF";

    if (value.len && is_all_plain(value) && value.ptr[0] != ' ' && value.ptr[value.len - 1] != ' ') {
        store_out_put(out, value);
        return;
    }
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        bool is_edge_space = c == ' ' && (i == 0 || i + 1 == value.len);

        if (is_plain(c) && !is_edge_space) {
            out->bytes[out->len++] = (char)c;
            continue;
        }
        out->bytes[out->len++] = '%';
        out->bytes[out->len++] = digits[c >> 4];
        out->bytes[out->len++] = digits[c & 15];
    }
}

void store_fields_line(struct store_out *out, struct str name, struct str value)
{
    store_out_room(out, name.len + 4 + 3 * value.len);
    store_out_put(out, name);
    store_out_put(out, STR(": "));
    put_escaped(out, value);
    store_out_put(out, STR("\r\n"));
}

static void put_number(struct store_out *out, struct str name, uint64_t number)
{
    char text[STORE_OUT_NUMBER_MAX];

    store_fields_line(out, name, (struct str){text, store_out_digits(text, number)});
}

/* Times before 1970 and negative durations: a '-' and the digits. */
static void put_signed(struct store_out *out, struct str name, int64_t number)
{
    char text[STORE_OUT_NUMBER_MAX + 1] = "-";
    size_t sign = number < 0;
    uint64_t magnitude = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

    store_fields_line(out, name, (struct str){text, sign + store_out_digits(text + sign, magnitude)});
}

static void put_text(struct store_out *out, struct str name, struct str value)
{
    value = str_head(value, STORE_FIELDS_TEXT_MAX);
    if (value.len)
        store_fields_line(out, name, value);
}

static void put_field(struct store_out *out, const struct field *field, const void *at)
{
    switch (field->form) {
    case FORM_TEXT:
        put_text(out, field->name, *(const struct str *)at);
        break;
    case FORM_U64:
        if (*(const uint64_t *)at)
            put_number(out, field->name, *(const uint64_t *)at);
        break;
    case FORM_U16:
        if (*(const uint16_t *)at)
            put_number(out, field->name, *(const uint16_t *)at);
        break;
    case FORM_STATUS:
        if (*(const unsigned *)at)
            put_number(out, field->name, *(const unsigned *)at);
        break;
    case FORM_TIME:
        put_signed(out, field->name, *(const int64_t *)at);
        break;
    case FORM_DURATION:
        if (*(const int64_t *)at != FACTS_UNKNOWN_US)
            put_signed(out, field->name, *(const int64_t *)at);
        break;
    case FORM_IP:
        put_text(out, field->name, (struct str){at, strnlen(at, sizeof(((struct facts_address *)0)->ip))});
        break;
    case FORM_BOOL:
        if (*(const bool *)at)
            store_fields_line(out, field->name, STR("1"));
        break;
    case FORM_VERSION:
        put_text(out, field->name, http_message_version_name(*(const enum http_version *)at));
        break;
    case FORM_SOURCE:
        put_text(out, field->name, facts_source_name(*(const enum exchange_source *)at));
        break;
    case FORM_KIND:
        put_text(out, field->name, facts_kind_name(*(const enum exchange_kind *)at));
        break;
    }
}

static const struct str digest_names[2] = {{"request-sha256", 14}, {"response-sha256", 15}};

void store_fields_format(const struct store_fields *record, struct store_out *out)
{
    store_fields_line(out, STR("state"), state_names[record->state]);
    for (size_t i = 0; i < FIELD_COUNT; i++)
        put_field(out, &fields[i], (const char *)&record->facts + fields[i].offset);
    for (size_t side = 0; side < 2; side++) {
        if (!record->whole[side].is_known)
            continue;
        store_out_room(out, NAME_MAX_BYTES + 64);
        store_out_put(out, digest_names[side]);
        store_out_put(out, STR(": "));
        store_out_hex(out, record->whole[side].sha256, 32);
        store_out_put(out, STR("\r\n"));
    }
}

bool store_fields_next_line(struct str *rest, struct str *ret_name, struct str *ret_value)
{
    size_t end = str_find(*rest, STR("\r\n")), colon;
    struct str line;

    if (end == STR_ABSENT)
        return false;
    line = str_head(*rest, end);
    colon = str_find(line, STR(": "));
    if (colon == STR_ABSENT || colon == 0)
        return false;
    *ret_name = str_head(line, colon);
    *ret_value = str_skip(line, colon + 2);
    *rest = str_skip(*rest, end + 2);
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

struct err store_fields_unescape(struct str value, struct arena *arena, struct str *ret_text)
{
    char *text;
    size_t len = 0;

    if (value.len > 3 * STORE_FIELDS_TEXT_MAX)
        return ERR(ERR_DAMAGED, 0, "metadata: a value is too long");
    text = arena_alloc(arena, value.len + 1);
    if (!text)
        return ERR(ERR_LIMIT, 0, "metadata: no memory left for it");
    for (size_t i = 0; i < value.len; i++, len++) {
        unsigned char c = (unsigned char)value.ptr[i];
        int high = -1, low = -1;

        text[len] = (char)c;
        if (is_plain(c))
            continue;
        if (c == '%' && i + 2 < value.len) {
            high = hex_digit(value.ptr[i + 1]);
            low = hex_digit(value.ptr[i + 2]);
        }
        if (high < 0 || low < 0)
            return ERR(ERR_DAMAGED, 0, "metadata: a bad escape");
        text[len] = (char)(high * 16 + low);
        i += 2;
    }
    text[len] = '\0';
    *ret_text = (struct str){text, len};
    return OK;
}

static bool parse_signed(struct str value, int64_t *ret_number)
{
    uint64_t magnitude;
    bool is_negative = str_starts(value, STR("-"));

    if (!str_to_u64(str_skip(value, is_negative), &magnitude) || magnitude > INT64_MAX)
        return false;
    *ret_number = is_negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return true;
}

static bool parse_number(struct str value, uint64_t max, uint64_t *ret_number)
{
    return str_to_u64(value, ret_number) && *ret_number <= max;
}

static bool parse_digest(struct str value, struct store_fields_digest *ret_digest)
{
    if (value.len != 64)
        return false;
    for (size_t i = 0; i < 32; i++) {
        int high = hex_digit(value.ptr[2 * i]), low = hex_digit(value.ptr[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        ret_digest->sha256[i] = (uint8_t)(high * 16 + low);
    }
    ret_digest->is_known = true;
    return true;
}

/* Everything but text. */
static bool parse_plain(const struct field *field, struct str value, void *at)
{
    uint64_t number;

    switch (field->form) {
    case FORM_U64:
        return parse_number(value, UINT64_MAX, at);
    case FORM_U16:
        if (!parse_number(value, UINT16_MAX, &number))
            return false;
        *(uint16_t *)at = (uint16_t)number;
        return true;
    case FORM_STATUS:
        if (!parse_number(value, UINT_MAX, &number))
            return false;
        *(unsigned *)at = (unsigned)number;
        return true;
    case FORM_TIME:
    case FORM_DURATION:
        return parse_signed(value, at);
    case FORM_BOOL:
        return *(bool *)at = str_eq(value, STR("1"));
    case FORM_VERSION:
        return facts_version_parse(value, at);
    case FORM_SOURCE:
        return facts_source_parse(value, at);
    case FORM_KIND:
        return facts_kind_parse(value, at);
    case FORM_TEXT:
    case FORM_IP:
        break;
    }
    return false;
}

/* Lines mostly come in the order of the table, so the search begins behind the last one found. */
static const struct field *find_field(struct str name, size_t *hint)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        size_t index = (*hint + i) % FIELD_COUNT;

        if (str_eq(fields[index].name, name)) {
            *hint = index + 1;
            return &fields[index];
        }
    }
    return NULL;
}

static bool parse_state(struct str value, enum store_fields_state *ret_state)
{
    for (size_t i = 0; i < STATE_COUNT; i++) {
        if (str_eq(value, state_names[i])) {
            *ret_state = (enum store_fields_state)i;
            return true;
        }
    }
    return false;
}

static struct err parse_line(struct str name, struct str value, struct arena *arena, size_t *hint,
                             struct store_fields *record)
{
    const struct field *field = find_field(name, hint);
    char *at = (char *)&record->facts + (field ? field->offset : 0);
    struct str text;
    bool is_good = true;

    if (field && field->form == FORM_IP) {
        TRY(store_fields_unescape(value, arena, &text));
        is_good = str_to_c(text, at, sizeof(record->facts.client.ip));
    } else if (field && field->form == FORM_TEXT)
        return store_fields_unescape(value, arena, (struct str *)at);
    else if (field)
        is_good = parse_plain(field, value, at);
    else if (str_eq(name, STR("state")))
        is_good = parse_state(value, &record->state);
    else if (str_eq(name, digest_names[EXCHANGE_REQUEST]))
        is_good = parse_digest(value, &record->whole[EXCHANGE_REQUEST]);
    else if (str_eq(name, digest_names[EXCHANGE_RESPONSE]))
        is_good = parse_digest(value, &record->whole[EXCHANGE_RESPONSE]);
    return is_good ? OK : ERR(ERR_DAMAGED, 0, "metadata: a bad value");
}

struct err store_fields_parse(struct str block, struct arena *arena, struct store_fields *ret_fields)
{
    struct store_fields record = {.state = STORE_FIELDS_CLOSED,
                                  .facts = {.dns_us = FACTS_UNKNOWN_US,
                                            .connect_us = FACTS_UNKNOWN_US,
                                            .tls_us = FACTS_UNKNOWN_US,
                                            .first_byte_us = FACTS_UNKNOWN_US,
                                            .time_us = FACTS_UNKNOWN_US}};
    struct str name, value;
    size_t hint = 0;

    while (store_fields_next_line(&block, &name, &value))
        TRY(parse_line(name, value, arena, &hint, &record));
    if (block.len)
        return ERR(ERR_DAMAGED, 0, "metadata: a line without a name");
    *ret_fields = record;
    return OK;
}
