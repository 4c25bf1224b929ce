/* column.h - the columns of the index that queries are compiled to: one table says name and type of each.
 *
 * The index's table `exchange` has every column listed here, under this name; it may have more.  Its builder fills a
 * row by walking the list and binding query_column_value(); so an exchange evaluated while it lives and its row give
 * the same answer, because both come from the same function.
 *
 * How a value is stored:
 *   absent    NULL.  Never an empty string, and 0 only where 0 is a fact.
 *   integer   INTEGER; times are microseconds, sizes bytes, booleans 0 and 1.
 *   text      TEXT when query_column_is_text() says so, else BLOB, with exactly the bytes of the value; the column is
 *             declared without a type (affinity BLOB), so that SQLite never converts, and with collation BINARY.
 * With this rule `column = ?` compares bytes when the parameter is bound by the same rule, an ordinary index serves it,
 * and other tools show text.  Order is only ever asked for with CAST(column AS BLOB), which is the order of bytes.
 */
#ifndef QUERY_COLUMN_H
#define QUERY_COLUMN_H

#include "base/str.h"
#include "model/facts.h"

#define QUERY_COLUMN_TABLE "exchange"

/* X(NAME, name, type): the order is the order of the table. */
#define QUERY_COLUMNS(X)                                                                                               \
    X(ID, id, INTEGER) /* the primary key */                                                                           \
    X(AT_US, at_us, INTEGER)                                                                                           \
    X(SOURCE, source, TEXT)                                                                                            \
    X(KIND, kind, TEXT)                                                                                                \
    X(METHOD, method, TEXT)                                                                                            \
    X(SCHEME, scheme, TEXT)                                                                                            \
    X(HOST, host, TEXT)                                                                                                \
    X(PORT, port, INTEGER)                                                                                             \
    X(PATH, path, TEXT)                                                                                                \
    X(QUERY, query, TEXT)                                                                                              \
    X(EXT, ext, TEXT)                                                                                                  \
    X(CLIENT_PROTO, client_proto, TEXT)                                                                                \
    X(ORIGIN_PROTO, origin_proto, TEXT)                                                                                \
    X(STATUS, status, INTEGER)                                                                                         \
    X(REASON, reason, TEXT)                                                                                            \
    X(TYPE, type, TEXT)                                                                                                \
    X(TITLE, title, TEXT)                                                                                              \
    X(REQ_LEN, req_len, INTEGER) /* lengths and is-complete: absent when no byte of that half was seen */              \
    X(REQ_BODY_LEN, req_body_len, INTEGER)                                                                             \
    X(REQ_COMPLETE, req_complete, INTEGER)                                                                             \
    X(RES_LEN, res_len, INTEGER)                                                                                       \
    X(RES_BODY_LEN, res_body_len, INTEGER)                                                                             \
    X(RES_COMPLETE, res_complete, INTEGER)                                                                             \
    X(TIME_US, time_us, INTEGER)                                                                                       \
    X(FIRST_BYTE_US, first_byte_us, INTEGER)                                                                           \
    X(DNS_US, dns_us, INTEGER)                                                                                         \
    X(CONNECT_US, connect_us, INTEGER)                                                                                 \
    X(TLS_US, tls_us, INTEGER)                                                                                         \
    X(CLIENT_IP, client_ip, TEXT)                                                                                      \
    X(CLIENT_PORT, client_port, INTEGER)                                                                               \
    X(ORIGIN_IP, origin_ip, TEXT)                                                                                      \
    X(ORIGIN_PORT, origin_port, INTEGER)                                                                               \
    X(CLIENT_CONNECTION, client_connection, INTEGER)                                                                   \
    X(ORIGIN_CONNECTION, origin_connection, INTEGER)                                                                   \
    X(CLIENT_TLS_VERSION, client_tls_version, TEXT)                                                                    \
    X(CLIENT_TLS_CIPHER, client_tls_cipher, TEXT)                                                                      \
    X(CLIENT_TLS_ALPN, client_tls_alpn, TEXT)                                                                          \
    X(CLIENT_TLS_SNI, client_tls_sni, TEXT)                                                                            \
    X(CLIENT_TLS_JA4, client_tls_ja4, TEXT)                                                                            \
    X(ORIGIN_TLS_VERSION, origin_tls_version, TEXT)                                                                    \
    X(ORIGIN_TLS_CIPHER, origin_tls_cipher, TEXT)                                                                      \
    X(ORIGIN_TLS_ALPN, origin_tls_alpn, TEXT)                                                                          \
    X(ORIGIN_TLS_SNI, origin_tls_sni, TEXT)                                                                            \
    X(ORIGIN_TLS_VERIFY, origin_tls_verify, TEXT)                                                                      \
    X(ORIGIN_TLS_SUBJECT, origin_tls_subject, TEXT)                                                                    \
    X(ORIGIN_TLS_ISSUER, origin_tls_issuer, TEXT)                                                                      \
    X(ORIGIN_TLS_SHA256, origin_tls_sha256, TEXT)                                                                      \
    X(FLAGS, flags, TEXT) /* stable names joined by ',' */                                                             \
    X(ERROR, error, TEXT)                                                                                              \
    X(ERROR_TEXT, error_text, TEXT)

#define QUERY_COLUMN_ENUM(NAME, name, type) QUERY_COLUMN_##NAME,
enum query_column { QUERY_COLUMNS(QUERY_COLUMN_ENUM) QUERY_COLUMN_COUNT };
#undef QUERY_COLUMN_ENUM

enum query_column_type {
    QUERY_COLUMN_INTEGER,
    QUERY_COLUMN_TEXT,
};

struct query_column_value {
    bool is_present;
    enum query_column_type type;
    int64_t integer; /* INTEGER */
    struct str text; /* TEXT: borrowed from the facts, never empty when present */
};

const char *query_column_name(enum query_column column);
enum query_column_type query_column_type(enum query_column column);

/* The column's value of an exchange, living or complete. */
struct query_column_value query_column_value(const struct exchange_facts *facts, enum query_column column);

/* Whether bytes are stored and bound as TEXT: valid UTF-8 (RFC 3629) without NUL.  Else as BLOB. */
bool query_column_is_text(struct str bytes);

#endif
