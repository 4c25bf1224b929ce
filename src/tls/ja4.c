#include "tls/ja4.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"

#define EXTENSION_SNI 0x0000
#define EXTENSION_ALPN 0x0010
#define HASH_DIGITS 12

/* The numbers of a list that count, in their order. */
struct numbers {
    uint16_t *values;
    size_t count;
};

static struct numbers numbers_of(struct str list)
{
    struct numbers numbers = {malloc(list.len + 1), 0};

    CHECK(numbers.values);
    for (size_t i = 0; i + 1 < list.len; i += 2) {
        uint16_t value = (uint16_t)((unsigned char)list.ptr[i] << 8 | (unsigned char)list.ptr[i + 1]);

        if (!tls_ja4_is_grease(value))
            numbers.values[numbers.count++] = value;
    }
    return numbers;
}

static int compare(const void *a, const void *b) { return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b; }

static void sort(struct numbers *numbers)
{
    if (numbers->count)
        qsort(numbers->values, numbers->count, sizeof(numbers->values[0]), compare);
}

static void drop_names_and_protocols(struct numbers *numbers)
{
    size_t kept = 0;

    for (size_t i = 0; i < numbers->count; i++)
        if (numbers->values[i] != EXTENSION_SNI && numbers->values[i] != EXTENSION_ALPN)
            numbers->values[kept++] = numbers->values[i];
    numbers->count = kept;
}

/* "1301,1302"; the text must hold 5 characters a number. */
static size_t put_numbers(const struct numbers *numbers, char *text)
{
    static const char digits[] = "0123456789abcdef";
    size_t len = 0;

    for (size_t i = 0; i < numbers->count; i++) {
        if (i)
            text[len++] = ',';
        for (int shift = 12; shift >= 0; shift -= 4)
            text[len++] = digits[numbers->values[i] >> shift & 15];
    }
    return len;
}

/* Twelve digits of the hash of both lists; zeros when the first is empty. */
static void put_hash(const struct numbers *sorted, const struct numbers *as_sent, char digits[HASH_DIGITS + 1])
{
    size_t size = (sorted->count + (as_sent ? as_sent->count : 0)) * 5 + 1;
    unsigned char hash[SHA256_DIGEST_LENGTH];
    char *text;
    size_t len;

    if (sorted->count == 0) {
        snprintf(digits, HASH_DIGITS + 1, "000000000000");
        return;
    }
    text = malloc(size + 1);
    CHECK(text);
    len = put_numbers(sorted, text);
    if (as_sent && as_sent->count) {
        text[len++] = '_';
        len += put_numbers(as_sent, text + len);
    }
    SHA256((const unsigned char *)text, len, hash);
    free(text);
    for (size_t i = 0; i < HASH_DIGITS / 2; i++)
        snprintf(digits + i * 2, 3, "%02x", hash[i]);
}

static const char *version_text(uint16_t version)
{
    switch (version) {
    case 0x0304:
        return "13";
    case 0x0303:
        return "12";
    case 0x0302:
        return "11";
    case 0x0301:
        return "10";
    case 0x0300:
        return "s3";
    case 0x0002:
        return "s2";
    default:
        return "00";
    }
}

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Where an end of the value is not a letter or digit, the first and last digit of the value in hex stand in. */
static void put_protocol(struct str protocol, char text[3])
{
    static const char digits[] = "0123456789abcdef";
    char first, last;

    snprintf(text, 3, "00");
    if (protocol.len == 0)
        return;
    first = protocol.ptr[0];
    last = protocol.ptr[protocol.len - 1];
    if (is_alphanumeric(first) && is_alphanumeric(last)) {
        text[0] = first;
        text[1] = last;
    } else {
        text[0] = digits[(unsigned char)first >> 4];
        text[1] = digits[(unsigned char)last & 15];
    }
}

static unsigned count_of(const struct numbers *numbers) { return numbers->count < 99 ? (unsigned)numbers->count : 99; }

void tls_ja4_format(const struct tls_ja4_input *input, char text[TLS_JA4_BYTES])
{
    struct numbers ciphers = numbers_of(input->ciphers);
    struct numbers extensions = numbers_of(input->extensions);
    struct numbers algorithms = numbers_of(input->signature_algorithms);
    char protocol[3], cipher_hash[HASH_DIGITS + 1], extension_hash[HASH_DIGITS + 1];
    unsigned extension_count = count_of(&extensions);

    sort(&ciphers);
    drop_names_and_protocols(&extensions);
    sort(&extensions);
    put_protocol(input->alpn_first, protocol);
    put_hash(&ciphers, NULL, cipher_hash);
    put_hash(&extensions, &algorithms, extension_hash);
    snprintf(text, TLS_JA4_BYTES, "t%s%c%02u%02u%s_%s_%s", version_text(input->version), input->has_sni ? 'd' : 'i',
             count_of(&ciphers), extension_count, protocol, cipher_hash, extension_hash);
    free(ciphers.values);
    free(extensions.values);
    free(algorithms.values);
}
