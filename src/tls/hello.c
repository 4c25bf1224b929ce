#include "tls/hello.h"

#include "tls/ja4.h"
#include "tls/wire.h"

#define RECORD_HANDSHAKE 22
#define RECORD_PAYLOAD_MAX 16384 /* RFC 8446, 5.1 */
#define MESSAGE_HEADER_BYTES 4
#define MESSAGE_CLIENT_HELLO 1

enum {
    EXTENSION_SNI = 0x0000,
    EXTENSION_SIGNATURE_ALGORITHMS = 0x000D,
    EXTENSION_ALPN = 0x0010,
    EXTENSION_SUPPORTED_VERSIONS = 0x002B,
    EXTENSION_ECH = 0xFE0D,
};

_Static_assert(TLS_HELLO_JA4_BYTES == TLS_JA4_BYTES, "one size of a fingerprint");

void tls_hello_init(struct tls_hello *hello)
{
    *hello = (struct tls_hello){.state = TLS_HELLO_MORE};
    buf_init(&hello->message, MESSAGE_HEADER_BYTES + TLS_HELLO_MAX);
}

void tls_hello_deinit(struct tls_hello *hello) { buf_deinit(&hello->message); }

bool tls_hello_offers(const struct tls_hello *hello, struct str protocol)
{
    for (size_t i = 0; i < hello->alpn_count; i++)
        if (str_eq(hello->alpn[i], protocol))
            return true;
    return false;
}

static enum tls_hello_state refuse(struct tls_hello *hello, const char *why_not)
{
    hello->why_not = why_not;
    hello->state = TLS_HELLO_NOT;
    return hello->state;
}

/* ServerNameList: the first host_name (RFC 6066, 3). */
static bool read_sni(struct tls_hello *hello, struct str body)
{
    struct tls_wire wire = tls_wire_of(body);
    struct tls_wire names = tls_wire_of(tls_wire_run(&wire, 2));
    bool is_found = false;

    hello->has_sni = true;
    while (!tls_wire_is_empty(&names) && !names.is_broken) {
        size_t type = tls_wire_number(&names, 1);
        struct str name = tls_wire_run(&names, 2);

        if (type == 0 && !is_found) {
            hello->sni = name;
            is_found = true;
        }
    }
    return !wire.is_broken && !names.is_broken && tls_wire_is_empty(&wire);
}

/* ProtocolNameList (RFC 7301, 3.1). */
static bool read_alpn(struct tls_hello *hello, struct str body)
{
    struct tls_wire wire = tls_wire_of(body);
    struct tls_wire names = tls_wire_of(tls_wire_run(&wire, 2));

    while (!tls_wire_is_empty(&names) && !names.is_broken) {
        struct str name = tls_wire_run(&names, 1);

        if (hello->alpn_count < TLS_HELLO_ALPN_MAX)
            hello->alpn[hello->alpn_count++] = name;
    }
    return !wire.is_broken && !names.is_broken && tls_wire_is_empty(&wire);
}

/* RFC 8446, 4.2.1: the list, and not legacy_version, says what the client speaks. */
static bool read_versions(struct tls_hello *hello, struct str body)
{
    struct tls_wire wire = tls_wire_of(body);
    struct tls_wire versions = tls_wire_of(tls_wire_run(&wire, 1));
    uint16_t highest = 0;

    while (!tls_wire_is_empty(&versions)) {
        uint16_t version = (uint16_t)tls_wire_number(&versions, 2);

        if (!tls_ja4_is_grease(version) && version > highest)
            highest = version;
    }
    if (highest)
        hello->version_max = highest;
    return !wire.is_broken && !versions.is_broken && tls_wire_is_empty(&wire);
}

static bool read_extension(struct tls_hello *hello, size_t type, struct str body, struct tls_ja4_input *ja4)
{
    struct tls_wire wire = tls_wire_of(body);

    switch (type) {
    case EXTENSION_SNI:
        return hello->has_sni || read_sni(hello, body);
    case EXTENSION_ALPN:
        return hello->alpn_count || read_alpn(hello, body);
    case EXTENSION_SUPPORTED_VERSIONS:
        return read_versions(hello, body);
    case EXTENSION_SIGNATURE_ALGORITHMS:
        ja4->signature_algorithms = tls_wire_run(&wire, 2);
        return !wire.is_broken;
    case EXTENSION_ECH:
        hello->has_ech = true;
        return true;
    default:
        return true;
    }
}

/* `types` gets the extensions' types as they stand on the wire. */
static bool read_extensions(struct tls_hello *hello, struct str block, struct buf *types, struct tls_ja4_input *ja4)
{
    struct tls_wire wire = tls_wire_of(block);

    while (!tls_wire_is_empty(&wire)) {
        struct str type = str_head(wire.left, 2);
        size_t number = tls_wire_number(&wire, 2);
        struct str body = tls_wire_run(&wire, 2);

        if (wire.is_broken || !read_extension(hello, number, body, ja4) || err_is(buf_append(types, type)))
            return false;
    }
    return true;
}

/* ClientHello (RFC 8446, 4.1.2); one without any extension ends after the compression methods. */
static bool read_body(struct tls_hello *hello, struct str body)
{
    struct tls_wire wire = tls_wire_of(body);
    struct tls_ja4_input ja4 = {0};
    struct str session_id, compressions;
    struct str extensions = STR_NONE;
    struct buf types;
    bool is_read;

    hello->legacy_version = hello->version_max = (uint16_t)tls_wire_number(&wire, 2);
    (void)tls_wire_bytes(&wire, 32);
    session_id = tls_wire_run(&wire, 1);
    ja4.ciphers = tls_wire_run(&wire, 2);
    compressions = tls_wire_run(&wire, 1);
    if (!tls_wire_is_empty(&wire))
        extensions = tls_wire_run(&wire, 2);
    if (wire.is_broken || !tls_wire_is_empty(&wire) || session_id.len > 32 || ja4.ciphers.len % 2 ||
        compressions.len == 0)
        return false;
    buf_init(&types, TLS_HELLO_MAX);
    is_read = read_extensions(hello, extensions, &types, &ja4);
    if (is_read) {
        ja4.version = hello->version_max;
        ja4.has_sni = hello->has_sni;
        ja4.alpn_first = hello->alpn_count ? hello->alpn[0] : STR_NONE;
        ja4.extensions = buf_str(&types);
        tls_ja4_format(&ja4, hello->ja4);
    }
    buf_deinit(&types);
    return is_read;
}

/* Looks at the message as far as it is there. */
static enum tls_hello_state look_at_message(struct tls_hello *hello)
{
    struct tls_wire wire = tls_wire_of(buf_str(&hello->message));
    size_t type, len;

    if (hello->message.len && hello->message.bytes[hello->message.start] != MESSAGE_CLIENT_HELLO)
        return refuse(hello, "the first handshake message is no ClientHello");
    if (hello->message.len < MESSAGE_HEADER_BYTES)
        return TLS_HELLO_MORE;
    type = tls_wire_number(&wire, 1);
    len = tls_wire_number(&wire, 3);
    (void)type;
    if (len > TLS_HELLO_MAX)
        return refuse(hello, "the ClientHello is too large");
    if (wire.left.len < len)
        return TLS_HELLO_MORE;
    if (!read_body(hello, str_head(wire.left, len)))
        return refuse(hello, "the ClientHello is malformed");
    hello->state = TLS_HELLO_IS;
    return hello->state;
}

/* TLSPlaintext (RFC 8446, 5.1): type, version, length.  Judged byte by byte: what is not TLS may stop anywhere. */
static enum tls_hello_state push_header_byte(struct tls_hello *hello, unsigned char byte)
{
    unsigned at = hello->header_len++;

    hello->header[at] = byte;
    if (at == 0 && byte != RECORD_HANDSHAKE)
        return refuse(hello, "the first byte starts no TLS handshake");
    if (at == 1 && byte != 3)
        return refuse(hello, "the record's version is not of TLS");
    if (at < 4)
        return TLS_HELLO_MORE;
    hello->record_left = (size_t)hello->header[3] << 8 | hello->header[4];
    if (hello->record_left == 0 || hello->record_left > RECORD_PAYLOAD_MAX)
        return refuse(hello, "the record's length is not of TLS");
    return TLS_HELLO_MORE;
}

/* Takes payload of the current record off the front of *bytes. */
static enum tls_hello_state push_payload(struct tls_hello *hello, struct str *bytes)
{
    struct str payload = str_head(*bytes, hello->record_left);

    *bytes = str_skip(*bytes, payload.len);
    hello->record_left -= payload.len;
    if (hello->record_left == 0)
        hello->header_len = 0;
    /* What follows the hello in its record is not looked at. */
    payload = str_head(payload, hello->message.max_bytes - hello->message.len);
    if (err_is(buf_append(&hello->message, payload)))
        return refuse(hello, "the ClientHello is too large");
    return look_at_message(hello);
}

enum tls_hello_state tls_hello_push(struct tls_hello *hello, struct str bytes)
{
    CHECK(hello->state == TLS_HELLO_MORE);
    bytes = str_head(bytes, TLS_HELLO_RAW_MAX - hello->pushed_bytes);
    hello->pushed_bytes += bytes.len;
    while (bytes.len && hello->state == TLS_HELLO_MORE) {
        if (hello->header_len == sizeof(hello->header)) {
            (void)push_payload(hello, &bytes);
        } else {
            (void)push_header_byte(hello, (unsigned char)bytes.ptr[0]);
            bytes = str_skip(bytes, 1);
        }
    }
    if (hello->state == TLS_HELLO_MORE && hello->pushed_bytes == TLS_HELLO_RAW_MAX)
        return refuse(hello, "the ClientHello is spread over too many records");
    return hello->state;
}
