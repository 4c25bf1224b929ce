#include "model/exchange.h"

void exchange_init(struct exchange *exchange, size_t arena_max_bytes, struct exchange_observer *const *observers,
                   size_t observer_count)
{
    *exchange = (struct exchange){
        .facts = {.dns_us = FACTS_UNKNOWN_US,
                  .connect_us = FACTS_UNKNOWN_US,
                  .tls_us = FACTS_UNKNOWN_US,
                  .first_byte_us = FACTS_UNKNOWN_US,
                  .time_us = FACTS_UNKNOWN_US},
        .observers = observers,
        .observer_count = observer_count,
    };
    arena_init(&exchange->arena, arena_max_bytes);
}

void exchange_reuse(struct exchange *exchange)
{
    struct arena arena = exchange->arena;

    arena_reset(&arena);
    exchange_init(exchange, arena.max_bytes, exchange->observers, exchange->observer_count);
    exchange->arena = arena;
}

void exchange_deinit(struct exchange *exchange) { arena_deinit(&exchange->arena); }

/* Calls one operation of every observer. */
#define TELL(exchange, operation, ...)                                                                                 \
    do {                                                                                                               \
        for (size_t i_ = 0; i_ < (exchange)->observer_count; i_++) {                                                   \
            struct exchange_observer *observer_ = (exchange)->observers[i_];                                           \
                                                                                                                       \
            if (observer_->ops->operation)                                                                             \
                observer_->ops->operation(observer_, __VA_ARGS__);                                                     \
        }                                                                                                              \
    } while (0)

static void move(struct exchange *exchange, enum exchange_side side, enum exchange_phase phase)
{
    struct exchange_half *half = &exchange->half[side];

    CHECK(phase > half->phase);
    half->phase = phase;
}

void exchange_begin(struct exchange *exchange) { TELL(exchange, on_begin, exchange); }

void exchange_head(struct exchange *exchange, enum exchange_side side, struct str wire,
                   const struct http_message *message)
{
    struct facts_half *facts = &exchange->facts.half[side];

    move(exchange, side, EXCHANGE_HEAD);
    exchange->half[side].head = wire;
    exchange->half[side].message = message;
    facts->head_len = wire.len;
    facts->wire_len += wire.len;
    TELL(exchange, on_head, exchange, side);
}

void exchange_interim(struct exchange *exchange, struct str wire) { TELL(exchange, on_interim, exchange, wire); }

void exchange_bytes(struct exchange *exchange, enum exchange_side side, struct str wire, size_t payload_len)
{
    struct facts_half *facts = &exchange->facts.half[side];

    if (exchange->half[side].phase < EXCHANGE_BODY)
        move(exchange, side, EXCHANGE_BODY);
    CHECK(exchange->half[side].phase == EXCHANGE_BODY);
    facts->wire_len += wire.len;
    facts->body_len += payload_len;
    TELL(exchange, on_bytes, exchange, side, wire);
}

void exchange_half_end(struct exchange *exchange, enum exchange_side side, bool is_complete)
{
    move(exchange, side, EXCHANGE_ENDED);
    exchange->facts.half[side].is_complete = is_complete;
    TELL(exchange, on_half_end, exchange, side);
}

void exchange_end(struct exchange *exchange) { TELL(exchange, on_end, exchange); }

bool exchange_has_flag(const struct exchange *exchange, struct str name)
{
    struct str rest = exchange->facts.flags;

    while (rest.len) {
        struct str flag;

        str_cut(rest, ',', &flag, &rest);
        if (str_eq(flag, name))
            return true;
    }
    return false;
}

void exchange_flag(struct exchange *exchange, struct str name)
{
    struct str flags = exchange->facts.flags, joined;

    if (name.len == 0 || exchange_has_flag(exchange, name))
        return;
    if (err_is(
            arena_format(&exchange->arena, &joined, "%.*s%s%.*s", STR_ARG(flags), flags.len ? "," : "", STR_ARG(name))))
        return;
    exchange->facts.flags = joined;
}
