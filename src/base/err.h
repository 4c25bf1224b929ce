/* err.h - the one error type.
 *
 * Three kinds of failure, three treatments:
 *   a programmer's mistake    CHECK() stops the program, in release builds too;
 *   a peer or an environment  the function returns a struct err;
 *   memory                    an arena or buffer over its cap gives ERR_LIMIT, malloc failing stops the program.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum err_code {
    ERR_NONE = 0,
    ERR_AGAIN,     /* needs more input or a writable peer; not a failure */
    ERR_CLOSED,    /* the peer ended the stream cleanly */
    ERR_SYNTAX,    /* bytes that break a grammar */
    ERR_LIMIT,     /* a configured limit was reached */
    ERR_IO,        /* the operating system said no */
    ERR_ABSENT,    /* there is no such thing */
    ERR_DENIED,    /* not allowed, by policy or by permission */
    ERR_BUSY,      /* somebody else holds it */
    ERR_TIMEOUT,   /* a wait took longer than its limit */
    ERR_CANCELLED, /* the caller took the request back */
    ERR_RESOLVE,   /* a name has no address */
    ERR_REFUSED,   /* the peer refused the connection */
    ERR_RESET,     /* the peer reset the connection */
    ERR_TLS,       /* a TLS handshake or record failed */
    ERR_VERIFY,    /* a certificate did not pass verification */
    ERR_DAMAGED,   /* stored bytes do not fit their format */
};

struct err {
    enum err_code code;
    unsigned wire; /* what to tell the peer: HTTP status, TLS alert or HTTP/2 code; errno with ERR_IO; 0 for nothing */
    const char *what; /* static text for the log; never allocated, never shown to the peer */
};

#define OK ((struct err){ERR_NONE, 0, NULL})
#define ERR(code, wire, what) ((struct err){(code), (wire), (what)})

/* Functions that return a struct err carry this: an error is never dropped in silence. */
#define MUST_CHECK __attribute__((warn_unused_result))

static inline bool err_is(struct err e) { return e.code != ERR_NONE; }

/* The stable, kebab-case name of a code, for logs and JSON: "timeout", "refused". */
const char *err_name(enum err_code code);

/* The only macro with hidden control flow: passes an error up. */
#define TRY(expr)                                                                                                      \
    do {                                                                                                               \
        struct err try_err_ = (expr);                                                                                  \
        if (err_is(try_err_))                                                                                          \
            return try_err_;                                                                                           \
    } while (0)

/* Drops an error on purpose; the call site says why in a comment. */
#define IGNORE(expr)                                                                                                   \
    do {                                                                                                               \
        struct err ignored_err_ = (expr);                                                                              \
        (void)ignored_err_;                                                                                            \
    } while (0)

#define CHECK(cond)                                                                                                    \
    do {                                                                                                               \
        if (!(cond)) {                                                                                                 \
            fprintf(stderr, "%s:%d: %s: CHECK(%s)\n", __FILE__, __LINE__, __func__, #cond);                            \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

#endif
