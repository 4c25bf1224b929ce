#include "proxy/offer.h"

#include <stdlib.h>

#include "os/clock.h"
#include "os/thread.h"

#define TOKEN_BYTES 16
#define TOKEN_CHARS (TOKEN_BYTES * 2)
#define GOOD_FOR_US (10 * 60 * (uint64_t)1000000)
#define HOST_BYTES 256
#define TARGET_BYTES 2048

struct offer {
    char token[TOKEN_CHARS];
    char host[HOST_BYTES];
    size_t host_len;
    uint16_t port;
    char sha256[64];
    char target[TARGET_BYTES];
    size_t target_len;
    uint64_t made_us; /* 0: free */
};

struct proxy_offers {
    struct os_lock *lock;
    struct {
        struct offer offers[PROXY_OFFER_COUNT_MAX];
    } shared; /* under the lock */
};

struct err proxy_offer_table_new(struct proxy_offers **ret_offers)
{
    struct proxy_offers *offers = calloc(1, sizeof(*offers));
    struct err err;

    CHECK(offers);
    err = os_lock_new(&offers->lock);
    if (err_is(err))
        free(offers);
    else
        *ret_offers = offers;
    return err;
}

void proxy_offer_table_free(struct proxy_offers **offers)
{
    if (!*offers)
        return;
    os_lock_free(&(*offers)->lock);
    free(*offers);
    *offers = NULL;
}

static void make_token(char token[TOKEN_CHARS])
{
    static const char hex[] = "0123456789abcdef";
    unsigned char bytes[TOKEN_BYTES];

    os_clock_random(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        token[2 * i] = hex[bytes[i] >> 4];
        token[2 * i + 1] = hex[bytes[i] & 15];
    }
}

static struct offer *oldest(struct proxy_offers *offers)
{
    struct offer *found = &offers->shared.offers[0];

    for (size_t i = 1; i < PROXY_OFFER_COUNT_MAX; i++) {
        if (offers->shared.offers[i].made_us < found->made_us)
            found = &offers->shared.offers[i];
    }
    return found;
}

struct str proxy_offer_make(const struct proxy_worker *worker, const struct exchange *exchange,
                            const struct proxy_origin_facts *facts)
{
    struct str host = exchange->facts.host, target = exchange->facts.target, path = STR_NONE;
    struct proxy_offers *offers = worker->offers;
    char token[TOKEN_CHARS];
    struct offer *offer;

    if (!offers || !worker->options->on_trust || !facts->has_certificate || facts->tls.sha256.len != 64 ||
        host.len > HOST_BYTES)
        return STR_NONE;
    if (target.len == 0 || target.ptr[0] != '/' || target.len > TARGET_BYTES)
        target = STR("/");
    make_token(token);
    os_lock_enter(offers->lock);
    offer = oldest(offers);
    memcpy(offer->token, token, TOKEN_CHARS);
    memcpy(offer->host, host.ptr, host.len);
    offer->host_len = host.len;
    offer->port = exchange->facts.port;
    memcpy(offer->sha256, facts->tls.sha256.ptr, 64);
    memcpy(offer->target, target.ptr, target.len);
    offer->target_len = target.len;
    offer->made_us = os_clock_mono_us();
    os_lock_leave(offers->lock);
    /* Without memory for it the page has no button; the command it names does the same. */
    IGNORE(arena_format(os_loop_scratch(worker->loop), &path, PROXY_OFFER_PATH "%.*s", TOKEN_CHARS, token));
    return path;
}

static bool find(struct proxy_offers *offers, struct str token, struct str host, uint16_t port, struct offer *ret_offer)
{
    bool is_found = false;

    os_lock_enter(offers->lock);
    for (size_t i = 0; i < PROXY_OFFER_COUNT_MAX && !is_found; i++) {
        struct offer *offer = &offers->shared.offers[i];

        if (!offer->made_us || offer->port != port || !str_eq((struct str){offer->token, TOKEN_CHARS}, token) ||
            !str_eq((struct str){offer->host, offer->host_len}, host))
            continue;
        is_found = os_clock_mono_us() - offer->made_us <= GOOD_FOR_US;
        *ret_offer = *offer;
        offer->made_us = 0;
    }
    os_lock_leave(offers->lock);
    return is_found;
}

bool proxy_offer_take(const struct proxy_worker *worker, struct str path, struct str host, uint16_t port,
                      struct str *ret_target)
{
    const struct proxy_options *options = worker->options;
    struct offer offer;

    if (!worker->offers || !options->on_trust || !str_starts(path, STR(PROXY_OFFER_PATH)))
        return false;
    if (!find(worker->offers, str_skip(path, sizeof(PROXY_OFFER_PATH) - 1), host, port, &offer))
        return false;
    if (err_is(arena_copy(os_loop_scratch(worker->loop), (struct str){offer.target, offer.target_len}, ret_target)))
        *ret_target = STR("/");
    options->on_trust(options->owner, host, port, (struct str){offer.sha256, 64});
    return true;
}
