/* facts.h - what is known of one exchange apart from its bytes: one row of the log.
 *
 * The proxy fills it while the exchange lives; the recorder writes it to the capture's metadata record and to the
 * index; readers, the query language, the API and the command line get the same struct back.  Adding a fact means a
 * field here, a key in the metadata and a column: nothing else knows the list.
 *
 * All text is as received (any bytes), borrowed from the exchange's arena or from the reader's.
 */
#ifndef MODEL_FACTS_H
#define MODEL_FACTS_H

#include "base/str.h"
#include "http/message.h"

enum exchange_side {
    EXCHANGE_REQUEST,
    EXCHANGE_RESPONSE,
};

/* What kind of traffic the row stands for. */
enum exchange_kind {
    EXCHANGE_HTTP,      /* a request and its response */
    EXCHANGE_TUNNEL,    /* bytes that are not HTTP; request: from the client, response: from the origin */
    EXCHANGE_HANDSHAKE, /* a TLS handshake with the client that failed: no request was seen */
    EXCHANGE_WEBSOCKET, /* a request answered by 101 and the frames after it */
};

/* Who made the request. */
enum exchange_source {
    EXCHANGE_FROM_PROXY,
    EXCHANGE_FROM_SENDER,
    EXCHANGE_FROM_IMPORT,
};

#define FACTS_UNKNOWN_US ((int64_t)-1)

struct facts_tls {
    struct str version; /* "TLSv1.3"; empty: no TLS on that side, as every text here */
    struct str cipher;
    struct str alpn;
    struct str sni;
    struct str verify; /* origin: "ok" or the failed check: "expired", "self-signed", ... ; "off" is never said alone */
    struct str ja4;    /* client */
    struct str subject; /* origin's certificate */
    struct str issuer;
    struct str sha256;                /* of the certificate, lower-case hex */
    struct str not_before, not_after; /* RFC 3339 */
    bool is_resumed;
};

/* One direction's bytes. */
struct facts_half {
    uint64_t wire_len; /* bytes on the wire, head and framing included; interim responses not */
    uint64_t head_len; /* of them the head's */
    uint64_t body_len; /* content: framing left out, content coding kept */
    bool is_chunked;
    bool is_complete; /* ended as its framing says */
};

struct facts_address {
    char ip[64]; /* text; empty when unknown */
    uint16_t port;
};

struct exchange_facts {
    uint64_t id; /* 1 and up, in the order of the requests' first bytes */
    enum exchange_kind kind;
    enum exchange_source source;
    int64_t at_us; /* wall clock, the request's first byte */

    struct str method; /* empty when there was no request */
    struct str scheme; /* "http", "https", "tcp", "tls" */
    struct str host;   /* where the connection goes: lower-case, no brackets; for plain HTTP the target's authority */
    uint16_t port;
    struct str target;      /* as received */
    struct str sent_target; /* as sent on; empty when the same */
    struct str path;        /* of the target, as written, without the query */
    struct str query;       /* without '?' */
    enum http_version client_version;
    enum http_version origin_version; /* UNKNOWN before a response */
    unsigned status;                  /* 0: none */
    struct str reason;
    struct str type;  /* response media type, lower-case */
    struct str title; /* of an HTML page; the recorder fills it */

    struct facts_half half[2]; /* by enum exchange_side */

    int64_t dns_us, connect_us, tls_us; /* FACTS_UNKNOWN_US when the exchange came over an open connection */
    int64_t first_byte_us;              /* from at_us to the response's first byte */
    int64_t time_us;                    /* from at_us to the end */

    struct facts_address client, origin, listener;
    struct facts_tls client_tls, origin_tls;
    uint64_t client_connection, origin_connection; /* numbers that tell which exchanges shared one; 0: none */

    struct str flags;      /* stable names joined by ',': "ambiguous,cl-and-te,truncated,browser-noise" */
    struct str error;      /* stable name: "dns", "refused", "reset", "tls", "verify", "timeout", ...; empty: none */
    struct str error_text; /* one sentence for a person */
};

/* "proxy", "sender", "import"; "http", "tunnel", "handshake", "websocket"; and back (false when unknown). */
struct str facts_source_name(enum exchange_source source);
bool facts_source_parse(struct str name, enum exchange_source *ret_source);
struct str facts_kind_name(enum exchange_kind kind);
bool facts_kind_parse(struct str name, enum exchange_kind *ret_kind);
/* "HTTP/1.1"; empty for unknown; and back. */
bool facts_version_parse(struct str name, enum http_version *ret_version);

#endif
