/* Covers tls/hello and tls/ja4: hellos whole and in pieces, names and protocols, limits, and published fingerprints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <openssl/ssl.h>
#include <cmocka.h>

#include "tls/hello.h"
#include "tls/ja4.h"

#define RAW_ROOM (400 * 1024)

/* Bytes under construction. */
struct bytes {
    unsigned char at[RAW_ROOM];
    size_t len;
};

static void put(struct bytes *bytes, size_t value, size_t count)
{
    assert_true(bytes->len + count <= RAW_ROOM);
    while (count-- > 0)
        bytes->at[bytes->len++] = (unsigned char)(value >> (8 * count));
}

static void put_run(struct bytes *bytes, struct str run)
{
    assert_true(bytes->len + run.len <= RAW_ROOM);
    if (run.len)
        memcpy(bytes->at + bytes->len, run.ptr, run.len);
    bytes->len += run.len;
}

static struct str as_str(const struct bytes *bytes) { return (struct str){(const char *)bytes->at, bytes->len}; }

static void put_extension(struct bytes *bytes, size_t type, struct str body)
{
    put(bytes, type, 2);
    put(bytes, body.len, 2);
    put_run(bytes, body);
}

static void put_sni(struct bytes *bytes, struct str name)
{
    put(bytes, 0, 2);
    put(bytes, name.len + 5, 2);
    put(bytes, name.len + 3, 2);
    put(bytes, 0, 1);
    put(bytes, name.len, 2);
    put_run(bytes, name);
}

/* The handshake message around the extensions, as records of `piece` bytes of payload. */
static void put_hello(struct bytes *raw, const struct bytes *extensions, size_t piece)
{
    static struct bytes message;

    message.len = 0;
    put(&message, 1, 1);
    put(&message, 2 + 32 + 1 + 2 + 4 + 2 + 2 + extensions->len, 3);
    put(&message, 0x0303, 2);
    for (int i = 0; i < 8; i++)
        put(&message, 0xABABABAB, 4);
    put(&message, 0, 1);
    put(&message, 4, 2);
    put(&message, 0x1301, 2);
    put(&message, 0xC02B, 2);
    put(&message, 0x0100, 2);
    put(&message, extensions->len, 2);
    put_run(&message, as_str(extensions));
    raw->len = 0;
    for (size_t at = 0; at < message.len; at += piece) {
        struct str part = str_head(str_skip(as_str(&message), at), piece);

        put(raw, 0x160301, 3);
        put(raw, part.len, 2);
        put_run(raw, part);
    }
}

/* Pushes all of it, `step` bytes a time, until there is an answer. */
static enum tls_hello_state push_in_steps(struct tls_hello *hello, struct str raw, size_t step)
{
    enum tls_hello_state state = TLS_HELLO_MORE;

    tls_hello_init(hello);
    while (raw.len && state == TLS_HELLO_MORE) {
        state = tls_hello_push(hello, str_head(raw, step));
        raw = str_skip(raw, step);
    }
    return state;
}

/* Every input twice: whole and one byte at a time; both must agree. */
static enum tls_hello_state push(struct tls_hello *hello, struct str raw)
{
    struct tls_hello slow;
    enum tls_hello_state state = push_in_steps(hello, raw, raw.len);

    assert_int_equal(push_in_steps(&slow, raw, 1), state);
    assert_true(str_eq(slow.sni, hello->sni));
    assert_string_equal(slow.ja4, hello->ja4);
    tls_hello_deinit(&slow);
    return state;
}

static struct bytes raw, extensions;

static void hello_reads_name_protocols_and_versions(void **state)
{
    struct tls_hello hello;

    (void)state;
    extensions.len = 0;
    put_sni(&extensions, STR("www.example.com"));
    put_extension(&extensions, 0x10, STR("\0\x0c\x02h2\x08http/1.1"));
    put_extension(&extensions, 0x2B, STR("\x06\x3a\x3a\x03\x04\x03\x03"));
    put_hello(&raw, &extensions, 16384);
    assert_int_equal(push(&hello, as_str(&raw)), TLS_HELLO_IS);
    assert_true(hello.has_sni);
    assert_true(str_eq(hello.sni, STR("www.example.com")));
    assert_int_equal(hello.alpn_count, 2);
    assert_true(tls_hello_offers(&hello, STR("h2")));
    assert_true(tls_hello_offers(&hello, STR("http/1.1")));
    assert_false(tls_hello_offers(&hello, STR("http/1.0")));
    assert_int_equal(hello.version_max, 0x0304);
    assert_false(hello.has_ech);
    tls_hello_deinit(&hello);
}

static void hello_may_come_one_byte_a_record(void **state)
{
    struct tls_hello hello;

    (void)state;
    extensions.len = 0;
    put_sni(&extensions, STR("a.test"));
    put_hello(&raw, &extensions, 1);
    assert_int_equal(push(&hello, as_str(&raw)), TLS_HELLO_IS);
    assert_true(str_eq(hello.sni, STR("a.test")));
    tls_hello_deinit(&hello);
}

static void hello_without_name_or_extensions_is_one(void **state)
{
    struct tls_hello hello;

    (void)state;
    extensions.len = 0;
    put_hello(&raw, &extensions, 16384);
    assert_int_equal(push(&hello, as_str(&raw)), TLS_HELLO_IS);
    assert_false(hello.has_sni);
    assert_int_equal(hello.version_max, 0x0303);
    assert_string_equal(hello.ja4, "t12i020000_777cda164f4b_000000000000");
    tls_hello_deinit(&hello);
}

static void hello_gives_hostile_names_as_they_are(void **state)
{
    static const struct {
        struct str name;
    } cases[] = {{STR_NONE},        {STR("a\0b.test")},     {STR("..")},    {STR("::1")},
                 {STR("10.0.0.1")}, {STR("\xc3\xa9.test")}, {STR("../etc")}};
    struct tls_hello hello;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        extensions.len = 0;
        put_sni(&extensions, cases[i].name);
        put_hello(&raw, &extensions, 16384);
        assert_int_equal(push(&hello, as_str(&raw)), TLS_HELLO_IS);
        assert_true(hello.has_sni);
        assert_true(str_eq(hello.sni, cases[i].name));
        tls_hello_deinit(&hello);
    }
}

/* A hello of exactly `len` bytes of body, padded. */
static void put_hello_of(size_t len)
{
    size_t fixed = 2 + 32 + 1 + 2 + 4 + 2 + 2;

    extensions.len = 0;
    put(&extensions, 21, 2);
    put(&extensions, len - fixed - 4, 2);
    while (extensions.len < len - fixed)
        put(&extensions, 0, 1);
    put_hello(&raw, &extensions, 16384);
}

static void hello_has_a_largest_size(void **state)
{
    static const size_t max = TLS_HELLO_MAX;
    struct tls_hello hello;

    (void)state;
    put_hello_of(16385);
    assert_int_equal(push(&hello, as_str(&raw)), TLS_HELLO_IS);
    tls_hello_deinit(&hello);
    put_hello_of(max - 1);
    assert_int_equal(push(&hello, as_str(&raw)), TLS_HELLO_IS);
    tls_hello_deinit(&hello);
    put_hello_of(max);
    assert_int_equal(push(&hello, as_str(&raw)), TLS_HELLO_IS);
    tls_hello_deinit(&hello);
    put_hello_of(max);
    raw.at[8]++; /* the last byte of the message's length: max + 1 */
    assert_int_equal(push(&hello, as_str(&raw)), TLS_HELLO_NOT);
    tls_hello_deinit(&hello);
}

static void hello_spread_too_thin_is_not_waited_for(void **state)
{
    struct tls_hello hello;

    (void)state;
    put_hello_of(40000);
    put_hello(&raw, &extensions, 1);
    assert_int_equal(push(&hello, as_str(&raw)), TLS_HELLO_NOT);
    assert_true(hello.pushed_bytes <= TLS_HELLO_RAW_MAX);
    tls_hello_deinit(&hello);
}

static void hello_with_ten_thousand_extensions_is_read(void **state)
{
    struct tls_hello hello;

    (void)state;
    extensions.len = 0;
    for (size_t i = 0; i < 10000; i++)
        put_extension(&extensions, 0x4000 + i, STR_NONE);
    put_hello(&raw, &extensions, 16384);
    assert_int_equal(push(&hello, as_str(&raw)), TLS_HELLO_IS);
    assert_memory_equal(hello.ja4, "t12i029900_", 11);
    tls_hello_deinit(&hello);
}

static void hello_tells_other_protocols_apart_early(void **state)
{
    static const struct {
        struct str bytes;
        size_t needed; /* how many bytes decide */
    } cases[] = {{STR("GET / HTTP/1.1\r\n"), 1},
                 {STR("PRI * HTTP/2.0\r\n"), 1},
                 {STR("\x05\x01\x00"), 1},
                 {STR("SSH-2.0-x\r\n"), 1},
                 {STR("\x80\x2e\x01\x00\x02"), 1},
                 {STR("\x16\x02\x00\x00\x05"), 2},
                 {STR("\x16\x03\x01\x00\x00"), 5},
                 {STR("\x16\x03\x01\x40\x01"), 5},
                 {STR("\x16\x03\x01\x00\x05\x02"), 6},
                 {STR("\x15\x03\x01\x00\x02\x02\x28"), 1}};
    struct tls_hello hello;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t len = 0; len <= cases[i].needed; len++) {
            enum tls_hello_state expected = len < cases[i].needed ? TLS_HELLO_MORE : TLS_HELLO_NOT;

            assert_int_equal(push(&hello, str_head(cases[i].bytes, len)), expected);
            tls_hello_deinit(&hello);
        }
    }
}

static void hello_cut_or_corrupted_anywhere_is_never_trusted(void **state)
{
    struct tls_hello hello;

    (void)state;
    extensions.len = 0;
    put_sni(&extensions, STR("www.example.com"));
    put_extension(&extensions, 0x10, STR("\0\x0c\x02h2\x08http/1.1"));
    put_hello(&raw, &extensions, 16384);
    for (size_t len = 0; len < raw.len; len++) {
        assert_int_equal(push(&hello, str_head(as_str(&raw), len)), TLS_HELLO_MORE);
        tls_hello_deinit(&hello);
    }
    /* Every length field made one larger breaks the nesting. */
    for (size_t at = 0; at < raw.len; at++) {
        raw.at[at] ^= 0xFF;
        (void)push(&hello, as_str(&raw));
        tls_hello_deinit(&hello);
        raw.at[at] ^= 0xFF;
    }
    raw.at[raw.len - 13 - 1]++;
    assert_int_equal(push(&hello, as_str(&raw)), TLS_HELLO_NOT);
    assert_non_null(hello.why_not);
    tls_hello_deinit(&hello);
}

static void hello_of_openssl_is_read(void **state)
{
    SSL_CTX *client = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(client);
    BIO *written = BIO_new(BIO_s_mem());
    struct tls_hello hello;
    char *bytes;

    (void)state;
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), written);
    assert_true(SSL_set_tlsext_host_name(ssl, "host.example"));
    assert_int_equal(SSL_connect(ssl), -1);
    raw.len = (size_t)BIO_get_mem_data(written, &bytes);
    memcpy(raw.at, bytes, raw.len);
    assert_int_equal(push(&hello, as_str(&raw)), TLS_HELLO_IS);
    assert_true(str_eq(hello.sni, STR("host.example")));
    assert_int_equal(hello.version_max, 0x0304);
    assert_int_equal(strlen(hello.ja4), TLS_HELLO_JA4_BYTES - 1);
    assert_memory_equal(hello.ja4, "t13d", 4);
    tls_hello_deinit(&hello);
    SSL_free(ssl);
    SSL_CTX_free(client);
}

/* "002f,0035" as the numbers of the wire. */
static struct str numbers(const char *text, struct bytes *list)
{
    list->len = 0;
    for (; *text; text += *text == ',')
        for (size_t i = 0, value = 0; i < 4; i++, text++) {
            value = value << 4 | (size_t)(*text <= '9' ? *text - '0' : *text - 'a' + 10);
            if (i == 3)
                put(list, value, 2);
        }
    return as_str(list);
}

static void ja4_gives_the_published_fingerprints(void **state)
{
    static struct bytes ciphers, types, algorithms;
    struct tls_ja4_input input = {
        .version = 0x0304,
        .has_sni = true,
        .alpn_first = STR("h2"),
        .ciphers = numbers("1a1a,1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035", &ciphers),
        .extensions = numbers(
            "2a2a,001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015,fafa", &types),
        .signature_algorithms = numbers("0403,0804,0401,0503,0805,0501,0806,0601", &algorithms),
    };
    char text[TLS_JA4_BYTES];

    (void)state;
    tls_ja4_format(&input, text);
    assert_string_equal(text, "t13d1516h2_8daaf6152771_e5627efa2ab1");
    input.extensions =
        numbers("002d,0033,0010,fe0d,0017,44cd,0000,000b,000a,002b,ff01,0023,0012,0005,000d,001b", &types);
    tls_ja4_format(&input, text);
    assert_string_equal(text, "t13d1516h2_8daaf6152771_d8a2da3f94cd");
}

static void ja4_writes_odd_protocols_in_hex(void **state)
{
    static const struct {
        struct str protocol;
        const char *text;
    } cases[] = {{STR_NONE, "00"},        {STR("h"), "hh"},        {STR("http/1.1"), "h1"},        {STR("\xAB"), "ab"},
                 {STR("\xAB\xCD"), "ad"}, {STR("\x30\xAB"), "3b"}, {STR("\x30\x31\xAB\xCD"), "3d"}};
    struct tls_ja4_input input = {.version = 0x0302};
    char text[TLS_JA4_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        input.alpn_first = cases[i].protocol;
        tls_ja4_format(&input, text);
        assert_memory_equal(text, "t11i0000", 8);
        assert_memory_equal(text + 8, cases[i].text, 2);
        assert_string_equal(text + 10, "_000000000000_000000000000");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_reads_name_protocols_and_versions),
        cmocka_unit_test(hello_may_come_one_byte_a_record),
        cmocka_unit_test(hello_without_name_or_extensions_is_one),
        cmocka_unit_test(hello_gives_hostile_names_as_they_are),
        cmocka_unit_test(hello_has_a_largest_size),
        cmocka_unit_test(hello_spread_too_thin_is_not_waited_for),
        cmocka_unit_test(hello_with_ten_thousand_extensions_is_read),
        cmocka_unit_test(hello_tells_other_protocols_apart_early),
        cmocka_unit_test(hello_cut_or_corrupted_anywhere_is_never_trusted),
        cmocka_unit_test(hello_of_openssl_is_read),
        cmocka_unit_test(ja4_gives_the_published_fingerprints),
        cmocka_unit_test(ja4_writes_odd_protocols_in_hex),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
