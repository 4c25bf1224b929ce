#include "base/err.h"

const char *err_name(enum err_code code)
{
    static const char *const names[] = {
        [ERR_NONE] = "ok",         [ERR_AGAIN] = "again",         [ERR_CLOSED] = "closed",
        [ERR_SYNTAX] = "syntax",   [ERR_LIMIT] = "limit",         [ERR_IO] = "io",
        [ERR_ABSENT] = "absent",   [ERR_DENIED] = "denied",       [ERR_BUSY] = "busy",
        [ERR_TIMEOUT] = "timeout", [ERR_CANCELLED] = "cancelled", [ERR_RESOLVE] = "resolve",
        [ERR_REFUSED] = "refused", [ERR_RESET] = "reset",         [ERR_TLS] = "tls",
        [ERR_VERIFY] = "verify",   [ERR_DAMAGED] = "damaged",
    };

    return (size_t)code < sizeof(names) / sizeof(names[0]) ? names[code] : "unknown";
}
