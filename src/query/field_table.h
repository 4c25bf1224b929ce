/* field_table.h - the fields of the query language, in the manual's order; LIMIT: a table. */
#ifndef QUERY_FIELD_TABLE_H
#define QUERY_FIELD_TABLE_H

#include "query/field.h"

#define REQ EXCHANGE_REQUEST
#define RES EXCHANGE_RESPONSE
/* A field that is a column: name, aliases, type, column, phase, traits, JSON key, what it is. */
#define COLUMN(name, aliases, type, column, phase, traits, json, about)                                                \
    {                                                                                                                  \
        name, aliases, QUERY_##type, QUERY_FROM_COLUMN, QUERY_COLUMN_##column, REQ, QUERY_AT_##phase, traits, json,    \
            about                                                                                                      \
    }
/* A field that is not: name, aliases, type, origin, side, phase, traits, JSON key, what it is. */
#define PART(name, aliases, type, origin, side, phase, traits, json, about)                                            \
    {                                                                                                                  \
        name, aliases, QUERY_##type, QUERY_FROM_##origin, QUERY_COLUMN_ID, side, QUERY_AT_##phase, traits, json, about \
    }
#define NAMED QUERY_FIELD_NAMED
#define LIST QUERY_FIELD_LIST
#define NOCASE QUERY_FIELD_NOCASE
#define LOWER QUERY_FIELD_LOWER
#define ORIG QUERY_FIELD_ORIGINAL
#define BYTES QUERY_FIELD_BYTES

/* clang-format off */
static const struct query_field fields[] = {
    COLUMN("id", "req.id", INTEGER, ID, BEGIN, 0, "id", "number of the exchange"),
    COLUMN("at", "req.timestamp req.created_at timestamp", TIME, AT_US, BEGIN, 0, "at", "when its first byte came"),
    COLUMN("source", "", TEXT, SOURCE, BEGIN, 0, "source", "proxy, sender or import"),
    COLUMN("kind", "", TEXT, KIND, RESPONSE_HEAD, 0, "kind", "http, websocket, tunnel or handshake"),
    PART("project", "", TEXT, PROJECT, REQ, BEGIN, 0, "", "name of the project"),

    COLUMN("req.method", "method", TEXT, METHOD, REQUEST_HEAD, ORIG, "method", "method, as written"),
    COLUMN("req.scheme", "scheme", TEXT, SCHEME, REQUEST_HEAD, 0, "scheme", "http, https, tcp or tls"),
    COLUMN("req.host", "host", TEXT, HOST, REQUEST_HEAD, LOWER, "host", "where the connection goes"),
    COLUMN("req.port", "port", INTEGER, PORT, REQUEST_HEAD, 0, "port", "port the connection goes to"),
    PART("req.url", "url", TEXT, URL, REQ, REQUEST_HEAD, 0, "url", "scheme, host, port, path and query"),
    COLUMN("req.path", "path", TEXT, PATH, REQUEST_HEAD, ORIG, "path", "path, as written, without the query"),
    COLUMN("req.query", "query", TEXT, QUERY, REQUEST_HEAD, ORIG, "query", "query, as written, without '?'"),
    COLUMN("req.ext", "ext", TEXT, EXT, REQUEST_HEAD, ORIG, "", "file extension of the path, without the dot"),
    COLUMN("req.proto", "client.proto", TEXT, CLIENT_PROTO, REQUEST_HEAD, ORIG, "client_proto",
           "version the client spoke, as HTTP/1.1"),
    PART("req.header", "", TEXT, HEADER, REQ, REQUEST_HEAD, NAMED | ORIG, "", "value of a request header, any occurrence"),
    PART("req.headers", "", TEXT, HEADERS, REQ, REQUEST_HEAD, ORIG, "", "each request header line, as Name: value"),
    PART("req.cookie", "", TEXT, COOKIE, REQ, REQUEST_HEAD, NAMED | ORIG, "", "value of a cookie sent"),
    PART("req.param", "param", TEXT, PARAM, REQ, REQUEST_END, NAMED | ORIG, "",
         "decoded parameter of query, form or JSON body"),
    PART("req.body", "", TEXT, BODY, REQ, REQUEST_END, ORIG, "", "request body, decoded"),
    PART("req.raw", "", TEXT, RAW, REQ, REQUEST_END, ORIG | BYTES, "", "request, bytes as on the wire"),
    COLUMN("req.len", "", SIZE, REQ_LEN, REQUEST_END, 0, "req_len", "size of the request on the wire"),
    COLUMN("req.body.len", "", SIZE, REQ_BODY_LEN, REQUEST_END, 0, "req_body_len", "size of its content"),
    COLUMN("req.complete", "", BOOLEAN, REQ_COMPLETE, REQUEST_END, 0, "req_complete", "whether it came whole"),

    COLUMN("res.status", "status res.code res.statusCode code", INTEGER, STATUS, RESPONSE_HEAD, ORIG, "status",
           "status code"),
    COLUMN("res.reason", "reason res.statusReason", TEXT, REASON, RESPONSE_HEAD, ORIG, "reason", "reason phrase"),
    COLUMN("res.proto", "origin.proto", TEXT, ORIGIN_PROTO, RESPONSE_HEAD, ORIG, "origin_proto",
           "version the origin spoke"),
    COLUMN("res.type", "type", TEXT, TYPE, RESPONSE_HEAD, ORIG | LOWER, "type", "media type, lower-case, as text/html"),
    COLUMN("res.title", "title", TEXT, TITLE, END, 0, "title", "title of an HTML page"),
    PART("res.header", "", TEXT, HEADER, RES, RESPONSE_HEAD, NAMED | ORIG, "",
         "value of a response header, any occurrence"),
    PART("res.headers", "", TEXT, HEADERS, RES, RESPONSE_HEAD, ORIG, "", "each response header line, as Name: value"),
    PART("res.cookie", "", TEXT, COOKIE, RES, RESPONSE_HEAD, NAMED | ORIG, "", "value of a cookie set"),
    PART("res.body", "", TEXT, BODY, RES, RESPONSE_END, ORIG, "", "response body, decoded"),
    PART("res.raw", "", TEXT, RAW, RES, RESPONSE_END, ORIG | BYTES, "", "response, bytes as on the wire"),
    COLUMN("res.len", "", SIZE, RES_LEN, END, 0, "res_len", "size of the response on the wire"),
    COLUMN("res.body.len", "", SIZE, RES_BODY_LEN, END, 0, "res_body_len", "size of its content"),
    COLUMN("res.complete", "", BOOLEAN, RES_COMPLETE, END, 0, "res_complete", "whether it came whole"),

    COLUMN("time", "res.roundtrip", DURATION, TIME_US, END, 0, "time_us", "from first to last byte"),
    COLUMN("time.first", "", DURATION, FIRST_BYTE_US, RESPONSE_HEAD, 0, "first_byte_us", "to the response's first byte"),
    COLUMN("time.dns", "", DURATION, DNS_US, RESPONSE_HEAD, 0, "dns_us", "looking up the origin's name"),
    COLUMN("time.connect", "", DURATION, CONNECT_US, RESPONSE_HEAD, 0, "connect_us", "connecting to the origin"),
    COLUMN("time.tls", "", DURATION, TLS_US, RESPONSE_HEAD, 0, "tls_us", "TLS handshake with the origin"),

    COLUMN("client.ip", "", TEXT, CLIENT_IP, BEGIN, 0, "client_ip", "address of the client"),
    COLUMN("client.port", "", INTEGER, CLIENT_PORT, BEGIN, 0, "client_port", "port of the client"),
    COLUMN("client.connection", "", INTEGER, CLIENT_CONNECTION, BEGIN, 0, "client_connection",
           "number of the client's connection"),
    COLUMN("origin.ip", "", TEXT, ORIGIN_IP, RESPONSE_HEAD, 0, "origin_ip", "address of the origin"),
    COLUMN("origin.port", "", INTEGER, ORIGIN_PORT, RESPONSE_HEAD, 0, "origin_port", "port of the origin's address"),
    COLUMN("origin.connection", "", INTEGER, ORIGIN_CONNECTION, RESPONSE_HEAD, 0, "origin_connection",
           "number of the connection to the origin"),

    COLUMN("client.tls.version", "", TEXT, CLIENT_TLS_VERSION, BEGIN, 0, "client_tls.version", "as TLSv1.3"),
    COLUMN("client.tls.cipher", "", TEXT, CLIENT_TLS_CIPHER, BEGIN, 0, "client_tls.cipher", "cipher suite"),
    COLUMN("client.tls.alpn", "", TEXT, CLIENT_TLS_ALPN, BEGIN, 0, "client_tls.alpn", "protocol agreed on"),
    COLUMN("client.tls.sni", "", TEXT, CLIENT_TLS_SNI, BEGIN, NOCASE, "client_tls.sni", "server name asked for"),
    COLUMN("client.tls.ja4", "tls.ja4", TEXT, CLIENT_TLS_JA4, BEGIN, 0, "client_tls.ja4", "JA4 fingerprint"),
    COLUMN("origin.tls.version", "", TEXT, ORIGIN_TLS_VERSION, RESPONSE_HEAD, 0, "origin_tls.version", "as TLSv1.3"),
    COLUMN("origin.tls.cipher", "", TEXT, ORIGIN_TLS_CIPHER, RESPONSE_HEAD, 0, "origin_tls.cipher", "cipher suite"),
    COLUMN("origin.tls.alpn", "", TEXT, ORIGIN_TLS_ALPN, RESPONSE_HEAD, 0, "origin_tls.alpn", "protocol agreed on"),
    COLUMN("origin.tls.sni", "", TEXT, ORIGIN_TLS_SNI, RESPONSE_HEAD, NOCASE, "origin_tls.sni", "server name asked for"),
    COLUMN("origin.tls.verify", "tls.verify", TEXT, ORIGIN_TLS_VERIFY, RESPONSE_HEAD, 0, "origin_tls.verify",
           "ok, or the check that failed"),
    COLUMN("origin.tls.subject", "tls.subject", TEXT, ORIGIN_TLS_SUBJECT, RESPONSE_HEAD, 0, "origin_tls.subject",
           "subject of the origin's certificate"),
    COLUMN("origin.tls.issuer", "tls.issuer", TEXT, ORIGIN_TLS_ISSUER, RESPONSE_HEAD, 0, "origin_tls.issuer",
           "issuer of the origin's certificate"),
    COLUMN("origin.tls.sha256", "tls.sha256", TEXT, ORIGIN_TLS_SHA256, RESPONSE_HEAD, 0, "origin_tls.sha256",
           "fingerprint of the origin's certificate, in hex"),

    PART("ws.text", "", TEXT, WS, REQ, END, 0, "", "text of WebSocket messages, one a line"),
    PART("ws.count", "", INTEGER, WS, REQ, END, 0, "", "number of WebSocket messages"),

    PART("note", "", TEXT, MARKS, REQ, END, 0, "note", "note a person wrote"),
    PART("tag", "tags", TEXT, MARKS, REQ, END, LIST, "tags", "tag, any of them"),
    PART("color", "colour", TEXT, MARKS, REQ, END, 0, "color", "colour of the row"),
    COLUMN("flag", "flags", TEXT, FLAGS, REQUEST_HEAD, LIST, "flags", "flag, any of them: ambiguous, truncated, edited, ..."),
    COLUMN("error", "", TEXT, ERROR, END, 0, "error", "cause of failure: dns, refused, reset, tls, verify, timeout, ..."),
    COLUMN("error.text", "", TEXT, ERROR_TEXT, END, 0, "error_text", "the failure, as a sentence"),
};
/* clang-format on */

/* Short names that mean either of two fields. */
static const struct {
    const char *name;
    const char *fields[2];
} either[] = {
    {"header", {"req.header", "res.header"}},
    {"headers", {"req.headers", "res.headers"}},
    {"cookie", {"req.cookie", "res.cookie"}},
    {"body", {"req.body", "res.body"}},
    {"raw", {"req.raw", "res.raw"}},
    {"proto", {"req.proto", "res.proto"}},
    {"tls.version", {"client.tls.version", "origin.tls.version"}},
    {"tls.cipher", {"client.tls.cipher", "origin.tls.cipher"}},
    {"tls.alpn", {"client.tls.alpn", "origin.tls.alpn"}},
    {"tls.sni", {"client.tls.sni", "origin.tls.sni"}},
};

/* Beginnings of names that mean the same. */
static const struct {
    struct str written, meant;
} prefixes[] = {
    {{"resp.", 5}, {"res.", 4}},
    {{"response.", 9}, {"res.", 4}},
    {{"request.", 8}, {"req.", 4}},
};

#undef REQ
#undef RES
#undef COLUMN
#undef PART
#undef NAMED
#undef LIST
#undef NOCASE
#undef LOWER
#undef ORIG
#undef BYTES

#endif
