#include "store/warc.h"

#include "http/target.h"

#define ID_LEN 47 /* <urn:uuid:8-4-4-4-12> */

static const struct str type_names[] = {
    [STORE_WARC_OTHER] = {"", 0},
    [STORE_WARC_INFO] = {"warcinfo", 8},
    [STORE_WARC_REQUEST] = {"request", 7},
    [STORE_WARC_RESPONSE] = {"response", 8},
    [STORE_WARC_RESOURCE] = {"resource", 8},
    [STORE_WARC_METADATA] = {"metadata", 8},
    [STORE_WARC_REVISIT] = {"revisit", 7},
    [STORE_WARC_CONVERSION] = {"conversion", 10},
    [STORE_WARC_CONTINUATION] = {"continuation", 12},
};

#define TYPE_COUNT (sizeof(type_names) / sizeof(type_names[0]))

/* Days since 1970 to a date and back (Hinnant, "chrono-Compatible Low-Level Date Algorithms"): years begin in March,
 * 400 of them have 146097 days. */
struct date {
    int64_t year;
    unsigned month, day;
};

static struct date date_from_days(int64_t days)
{
    int64_t shifted = days + 719468, era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    unsigned of_era = (unsigned)(shifted - era * 146097);
    unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;
    struct date date = {.month = month < 10 ? month + 3 : month - 9, .day = of_year - (153 * month + 2) / 5 + 1};

    date.year = (int64_t)year + era * 400 + (date.month <= 2);
    return date;
}

static int64_t days_from_date(int64_t year, unsigned month, unsigned day)
{
    int64_t era;
    unsigned of_era, of_year;

    year -= month <= 2;
    era = (year >= 0 ? year : year - 399) / 400;
    of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    of_era = (unsigned)(year - era * 400);
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void put_digits(char *text, unsigned count, uint64_t number)
{
    for (; count; count--, number /= 10)
        text[count - 1] = (char)('0' + number % 10);
}

#define DAY_US INT64_C(86400000000)
#define YEAR_0_US (INT64_C(-719528) * DAY_US)
#define YEAR_10000_US (INT64_C(2932897) * DAY_US)

void store_warc_format_date(int64_t us, char text[STORE_WARC_DATE_LEN])
{
    int64_t days, of_day;
    struct date date;

    /* A clock that is set to nonsense must not make a record that nobody can read. */
    us = us < YEAR_0_US ? YEAR_0_US : us >= YEAR_10000_US ? YEAR_10000_US - 1 : us;
    days = us >= 0 ? us / DAY_US : (us - DAY_US + 1) / DAY_US;
    of_day = us - days * DAY_US;
    date = date_from_days(days);
    memcpy(text, "0000-00-00T00:00:00.000000Z", STORE_WARC_DATE_LEN);
    put_digits(text, 4, (uint64_t)date.year);
    put_digits(text + 5, 2, date.month);
    put_digits(text + 8, 2, date.day);
    put_digits(text + 11, 2, (uint64_t)(of_day / 3600000000));
    put_digits(text + 14, 2, (uint64_t)(of_day / 60000000 % 60));
    put_digits(text + 17, 2, (uint64_t)(of_day / 1000000 % 60));
    put_digits(text + 20, 6, (uint64_t)(of_day % 1000000));
}

static bool take_digits(struct str text, size_t at, size_t count, unsigned *ret_number)
{
    uint64_t number;

    if (text.len < at + count || !str_to_u64((struct str){text.ptr + at, count}, &number))
        return false;
    *ret_number = (unsigned)number;
    return true;
}

/* ".123456": 1 to 9 digits behind the point, of which six count. */
static bool take_fraction(struct str fraction, uint64_t *ret_us)
{
    uint64_t number;
    size_t digits = fraction.len - 1;

    if (fraction.ptr[0] != '.' || digits == 0 || digits > 9 || !str_to_u64(str_skip(fraction, 1), &number))
        return false;
    for (; digits < 6; digits++)
        number *= 10;
    for (; digits > 6; digits--)
        number /= 10;
    *ret_us = number;
    return true;
}

bool store_warc_parse_date(struct str text, int64_t *ret_us)
{
    unsigned year, month, day, hour, minute, second;
    uint64_t fraction_us = 0;

    if (text.len < 20 || text.ptr[4] != '-' || text.ptr[7] != '-' || text.ptr[10] != 'T' || text.ptr[13] != ':' ||
        text.ptr[16] != ':' || text.ptr[text.len - 1] != 'Z')
        return false;
    if (!take_digits(text, 0, 4, &year) || !take_digits(text, 5, 2, &month) || !take_digits(text, 8, 2, &day) ||
        !take_digits(text, 11, 2, &hour) || !take_digits(text, 14, 2, &minute) || !take_digits(text, 17, 2, &second))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
        return false;
    if (text.len > 20 && !take_fraction(str_head(str_skip(text, 19), text.len - 20), &fraction_us))
        return false;
    *ret_us = days_from_date(year, month, day) * DAY_US +
              ((int64_t)hour * 3600 + (int64_t)minute * 60 + (int64_t)second) * 1000000 + (int64_t)fraction_us;
    return true;
}

/* unreserved, sub-delims, and what separates the parts of a URI (RFC 3986, 2). */
static bool is_uri_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~!$&'()*+,;=:@/?[]", c) != NULL);
}

static bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

/* `start`: where the URI began, since its length is bounded. */
static void put_uri_part(struct str part, size_t start, struct store_out *out)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < part.len && out->len - start + 3 <= STORE_WARC_URI_MAX; i++) {
        unsigned char c = (unsigned char)part.ptr[i];
        bool is_escape = c == '%' && i + 2 < part.len && is_hex(part.ptr[i + 1]) && is_hex(part.ptr[i + 2]);

        if (is_escape || is_uri_char((char)c)) {
            out->bytes[out->len++] = (char)c;
            continue;
        }
        out->bytes[out->len++] = '%';
        out->bytes[out->len++] = digits[c >> 4];
        out->bytes[out->len++] = digits[c & 15];
    }
}

void store_warc_uri(const struct store_warc_target *target, struct store_out *out)
{
    size_t start = out->len;
    bool is_ip6 = str_find_char(target->host, ':') != STR_ABSENT;

    store_out_room(out, STORE_WARC_URI_MAX);
    if (target->host.len == 0 || target->scheme.len == 0) {
        store_out_put(out, STR("urn:sekisho:exchange:"));
        store_out_number(out, target->exchange);
        return;
    }
    put_uri_part(str_head(target->scheme, 16), start, out);
    store_out_put(out, STR("://"));
    if (is_ip6)
        store_out_put(out, STR("["));
    put_uri_part(str_head(target->host, 1024), start, out);
    if (is_ip6)
        store_out_put(out, STR("]"));
    if (target->port && target->port != http_target_default_port(target->scheme)) {
        store_out_put(out, STR(":"));
        store_out_number(out, target->port);
    }
    /* A path that begins otherwise ("*") must not become part of the port. */
    if (target->path.len && target->path.ptr[0] != '/')
        store_out_put(out, STR("/"));
    put_uri_part(target->path, start, out);
    if (target->has_query && out->len - start < STORE_WARC_URI_MAX) {
        store_out_put(out, STR("?"));
        put_uri_part(target->query, start, out);
    }
}

static void put_field(struct store_out *out, struct str name, struct str value)
{
    if (value.len == 0)
        return;
    store_out_put(out, name);
    store_out_put(out, value);
    store_out_put(out, STR("\r\n"));
}

static void put_number(struct store_out *out, struct str name, uint64_t number)
{
    store_out_put(out, name);
    store_out_number(out, number);
    store_out_put(out, STR("\r\n"));
}

static void put_id(struct store_out *out, struct str name, const struct store_warc_id *id)
{
    static const uint8_t parts[] = {4, 2, 2, 2, 6};
    const uint8_t *at = id->bytes;

    store_out_put(out, name);
    store_out_put(out, STR("<urn:uuid:"));
    for (size_t i = 0; i < sizeof(parts); at += parts[i], i++) {
        if (i)
            store_out_put(out, STR("-"));
        store_out_hex(out, at, parts[i]);
    }
    store_out_put(out, STR(">\r\n"));
}

static void put_digest(struct store_out *out, struct str name, const uint8_t *digest)
{
    store_out_put(out, name);
    store_out_put(out, STR("sha256:"));
    store_out_hex(out, digest, 32);
    store_out_put(out, STR("\r\n"));
}

static void put_date(struct store_out *out, struct str name, int64_t us)
{
    char date[STORE_WARC_DATE_LEN];

    store_warc_format_date(us, date);
    put_field(out, name, (struct str){date, sizeof(date)});
}

static void put_revisit(struct store_out *out, const struct store_warc_head *head)
{
    put_field(out, STR("WARC-Profile: "), STR("http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"));
    put_id(out, STR("WARC-Refers-To: "), head->refers_to);
    put_field(out, STR("WARC-Refers-To-Target-URI: "), head->refers_to_uri);
    put_date(out, STR("WARC-Refers-To-Date: "), head->refers_to_date_us);
    put_number(out, STR("Sekisho-Refers-To-Exchange: "), head->refers_to_exchange);
}

static void put_segment(struct store_out *out, const struct store_warc_head *head)
{
    put_number(out, STR("WARC-Segment-Number: "), head->segment_number);
    if (head->segment_origin)
        put_id(out, STR("WARC-Segment-Origin-ID: "), head->segment_origin);
    if (head->segment_total != STORE_WARC_NO_NUMBER)
        put_number(out, STR("WARC-Segment-Total-Length: "), head->segment_total);
}

static void put_own(struct store_out *out, const struct store_warc_head *head)
{
    if (head->exchange)
        put_number(out, STR("Sekisho-Exchange: "), head->exchange);
    if (head->side != STORE_WARC_NO_NUMBER)
        put_number(out, STR("Sekisho-Side: "), head->side);
    if (head->interim != STORE_WARC_NO_NUMBER)
        put_number(out, STR("Sekisho-Interim: "), head->interim);
    if (head->stream != STORE_WARC_NO_NUMBER)
        put_number(out, STR("Sekisho-Stream: "), head->stream);
    if (head->gap != STORE_WARC_NO_NUMBER)
        put_number(out, STR("Sekisho-Gap: "), head->gap);
    if (head->head_len)
        put_number(out, STR("Sekisho-Head-Length: "), head->head_len);
}

void store_warc_write_head(const struct store_warc_head *head, struct store_out *out)
{
    store_out_room(out, 2048 + head->target_uri.len + head->refers_to_uri.len + head->ip.len + head->content_type.len);
    store_out_put(out, STR("WARC/1.1\r\n"));
    put_field(out, STR("WARC-Type: "), type_names[head->type]);
    put_id(out, STR("WARC-Record-ID: "), &head->id);
    put_date(out, STR("WARC-Date: "), head->date_us);
    put_field(out, STR("WARC-Target-URI: "), head->target_uri);
    put_field(out, STR("WARC-IP-Address: "), head->ip);
    if (head->concurrent_to)
        put_id(out, STR("WARC-Concurrent-To: "), head->concurrent_to);
    put_digest(out, STR("WARC-Block-Digest: "), head->block_digest);
    if (head->payload_digest)
        put_digest(out, STR("WARC-Payload-Digest: "), head->payload_digest);
    if (head->type == STORE_WARC_REVISIT)
        put_revisit(out, head);
    if (head->segment_number)
        put_segment(out, head);
    put_field(out, STR("WARC-Truncated: "), head->truncated);
    put_own(out, head);
    put_field(out, STR("Content-Type: "), head->content_type);
    put_number(out, STR("Content-Length: "), head->content_len);
    store_out_put(out, STR("\r\n"));
}

/* Reading. */

enum field_form {
    FORM_TEXT,
    FORM_NUMBER,
    FORM_ID,
    FORM_DIGEST,
    FORM_DATE,
    FORM_TYPE,
};

struct field {
    struct str name;
    enum field_form form;
    size_t offset;       /* in struct store_warc_head */
    size_t store_offset; /* ID and DIGEST that hang on a pointer: where the value itself is kept; else 0 */
};

#define AT(member) offsetof(struct store_warc_head, member)
#define NAME(literal)                                                                                                  \
    {                                                                                                                  \
        literal, sizeof(literal) - 1                                                                                   \
    }

static const struct field known_fields[] = {
    {NAME("WARC-Type"), FORM_TYPE, AT(type), 0},
    {NAME("WARC-Record-ID"), FORM_ID, 0, AT(id)},
    {NAME("WARC-Date"), FORM_DATE, AT(date_us), 0},
    {NAME("WARC-Target-URI"), FORM_TEXT, AT(target_uri), 0},
    {NAME("WARC-IP-Address"), FORM_TEXT, AT(ip), 0},
    {NAME("WARC-Concurrent-To"), FORM_ID, AT(concurrent_to), AT(own.concurrent_to)},
    {NAME("WARC-Block-Digest"), FORM_DIGEST, AT(block_digest), AT(own.block_digest)},
    {NAME("WARC-Payload-Digest"), FORM_DIGEST, AT(payload_digest), AT(own.payload_digest)},
    {NAME("WARC-Refers-To"), FORM_ID, AT(refers_to), AT(own.refers_to)},
    {NAME("WARC-Refers-To-Target-URI"), FORM_TEXT, AT(refers_to_uri), 0},
    {NAME("WARC-Refers-To-Date"), FORM_DATE, AT(refers_to_date_us), 0},
    {NAME("WARC-Segment-Number"), FORM_NUMBER, AT(segment_number), 0},
    {NAME("WARC-Segment-Origin-ID"), FORM_ID, AT(segment_origin), AT(own.segment_origin)},
    {NAME("WARC-Segment-Total-Length"), FORM_NUMBER, AT(segment_total), 0},
    {NAME("WARC-Truncated"), FORM_TEXT, AT(truncated), 0},
    {NAME("Sekisho-Exchange"), FORM_NUMBER, AT(exchange), 0},
    {NAME("Sekisho-Refers-To-Exchange"), FORM_NUMBER, AT(refers_to_exchange), 0},
    {NAME("Sekisho-Head-Length"), FORM_NUMBER, AT(head_len), 0},
    {NAME("Sekisho-Side"), FORM_NUMBER, AT(side), 0},
    {NAME("Sekisho-Interim"), FORM_NUMBER, AT(interim), 0},
    {NAME("Sekisho-Stream"), FORM_NUMBER, AT(stream), 0},
    {NAME("Sekisho-Gap"), FORM_NUMBER, AT(gap), 0},
    {NAME("Content-Type"), FORM_TEXT, AT(content_type), 0},
    {NAME("Content-Length"), FORM_NUMBER, AT(content_len), 0},
};

#define KNOWN_COUNT (sizeof(known_fields) / sizeof(known_fields[0]))

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool take_hex(struct str text, size_t count, uint8_t *bytes)
{
    if (text.len != 2 * count)
        return false;
    for (size_t i = 0; i < count; i++) {
        int high = hex_digit(text.ptr[2 * i]), low = hex_digit(text.ptr[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        bytes[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

static bool take_id(struct str text, uint8_t *bytes)
{
    static const uint8_t parts[] = {4, 2, 2, 2, 6};
    size_t at = 10;

    if (text.len != ID_LEN || !str_starts(text, STR("<urn:uuid:")) || text.ptr[ID_LEN - 1] != '>')
        return false;
    for (size_t i = 0; i < sizeof(parts); bytes += parts[i], i++) {
        if (i && text.ptr[at++] != '-')
            return false;
        if (!take_hex((struct str){text.ptr + at, (size_t)2 * parts[i]}, parts[i], bytes))
            return false;
        at += (size_t)2 * parts[i];
    }
    return true;
}

static enum store_warc_type take_type(struct str text)
{
    for (size_t i = 1; i < TYPE_COUNT; i++) {
        if (str_eq(text, type_names[i]))
            return (enum store_warc_type)i;
    }
    return STORE_WARC_OTHER;
}

static bool take_value(const struct field *field, struct str value, struct store_warc_head *head)
{
    char *at = (char *)head + field->offset, *kept = (char *)head + field->store_offset;
    bool is_good = true;

    switch (field->form) {
    case FORM_TEXT:
        *(struct str *)at = value;
        return value.len > 0;
    case FORM_NUMBER:
        return str_to_u64(value, (uint64_t *)at) && *(uint64_t *)at <= INT64_MAX;
    case FORM_DATE:
        return store_warc_parse_date(value, (int64_t *)at);
    case FORM_TYPE:
        *(enum store_warc_type *)at = take_type(value);
        return true;
    case FORM_ID:
        is_good = take_id(value, (uint8_t *)kept);
        break;
    case FORM_DIGEST:
        is_good = str_starts(value, STR("sha256:")) && take_hex(str_skip(value, 7), 32, (uint8_t *)kept);
        break;
    }
    if (field->offset)
        *(void **)at = kept;
    return is_good;
}

static struct err take_line(struct str line, struct store_warc_head *head, uint32_t *seen)
{
    struct str name, value;
    size_t i = 0;

    if (!str_cut(line, ':', &name, &value) || name.len == 0)
        return ERR(ERR_DAMAGED, 0, "WARC head: a line without a name");
    if (str_find_char(line, '\n') != STR_ABSENT || str_find_char(line, '\0') != STR_ABSENT)
        return ERR(ERR_DAMAGED, 0, "WARC head: a stray byte");
    while (i < KNOWN_COUNT && !str_eq_nocase(known_fields[i].name, name))
        i++;
    if (i == KNOWN_COUNT)
        return OK;
    if (*seen & 1u << i)
        return ERR(ERR_DAMAGED, 0, "WARC head: a field twice");
    *seen |= 1u << i;
    if (!take_value(&known_fields[i], str_trim(value), head))
        return ERR(ERR_DAMAGED, 0, "WARC head: a bad value");
    return OK;
}

/* Type, id, date and length are mandatory on every record; a digest on every record of a capture. */
static bool has_mandatory(const struct store_warc_head *head, uint32_t seen)
{
    bool needs_uri =
        head->type != STORE_WARC_INFO && head->type != STORE_WARC_METADATA && head->type != STORE_WARC_OTHER;
    bool is_continuation = head->type == STORE_WARC_CONTINUATION;

    if ((seen & 7u) != 7u || !(seen & 1u << (KNOWN_COUNT - 1)) || !head->block_digest)
        return false;
    if (needs_uri && head->target_uri.len == 0)
        return false;
    return !is_continuation || (head->segment_origin && head->segment_number > 1);
}

struct err store_warc_parse_head(struct str bytes, struct store_warc_head *ret_head, size_t *ret_len)
{
    size_t end = str_find(str_head(bytes, STORE_WARC_HEAD_MAX), STR("\r\n\r\n"));
    struct str rest;
    uint32_t seen = 0;

    if (bytes.len >= 10 && !str_starts(bytes, STR("WARC/1.1\r\n")))
        return ERR(ERR_DAMAGED, 0, "WARC head: no version line");
    if (end == STR_ABSENT)
        return bytes.len < STORE_WARC_HEAD_MAX ? ERR(ERR_AGAIN, 0, "WARC head: not whole")
                                               : ERR(ERR_DAMAGED, 0, "WARC head: too long");
    *ret_head = (struct store_warc_head)STORE_WARC_HEAD_NONE;
    rest = (struct str){bytes.ptr + 10, end + 2 - 10};
    if (end < 10)
        return ERR(ERR_DAMAGED, 0, "WARC head: empty");
    while (rest.len) {
        size_t line_end = str_find(rest, STR("\r\n"));

        TRY(take_line(str_head(rest, line_end), ret_head, &seen));
        rest = str_skip(rest, line_end + 2);
    }
    if (!has_mandatory(ret_head, seen))
        return ERR(ERR_DAMAGED, 0, "WARC head: a mandatory field is missing");
    *ret_len = end + 4;
    return OK;
}
