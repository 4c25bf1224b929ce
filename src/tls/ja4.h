/* ja4.h - the JA4 fingerprint of a TLS client, after FoxIO's public description (github.com/FoxIO-LLC/ja4, JA4.md).
 *
 *   t13d1516h2_8daaf6152771_e5627efa2ab1
 *   | | | | |  |            |
 *   | | | | |  |            sorted extensions without SNI and ALPN, then signature algorithms as sent (SHA-256, 12
 *   digits)
 *   | | | | |  sorted cipher suites (SHA-256, 12 digits)
 *   | | | | first and last character of the first ALPN value, "00" without
 *   | | | number of extensions, at most 99
 *   | | number of cipher suites, at most 99
 *   | d: SNI is there, i: it is not
 *   t: over TCP, then the highest version
 *
 * GREASE values (RFC 8701) count nowhere.
 */
#ifndef TLS_JA4_H
#define TLS_JA4_H

#include "base/str.h"

#define TLS_JA4_BYTES 37 /* 36 characters and NUL */

struct tls_ja4_input {
    uint16_t version;
    bool has_sni;
    struct str alpn_first; /* empty: none */
    struct str ciphers;    /* 16-bit numbers as on the wire, as in the two below */
    struct str extensions; /* types only */
    struct str signature_algorithms;
};

void tls_ja4_format(const struct tls_ja4_input *input, char text[TLS_JA4_BYTES]);

/* RFC 8701: 0x0A0A, 0x1A1A, ... 0xFAFA. */
static inline bool tls_ja4_is_grease(uint16_t value)
{
    return (value & 0x0F0F) == 0x0A0A && (value >> 8) == (value & 0xFF);
}

#endif
