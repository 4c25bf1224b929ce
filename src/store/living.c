#include "store/living.h"

#include <stdlib.h>

#include "store/stream.h"

#define FIRST_BUCKETS 1024u
#define SPARE_MAX 1024u
/* The recorder writes what waits long before; only an event that brings more than it may is stopped by this. */
#define BYTES_MAX ((size_t)16 * 1024 * 1024)

void store_living_init(struct store_living *living)
{
    *living = (struct store_living){.bucket_count = FIRST_BUCKETS};
    living->buckets = calloc(living->bucket_count, sizeof(struct store_living_exchange *));
    CHECK(living->buckets);
    list_init(&living->waiting);
}

static void free_exchange(struct store_living_exchange *exchange)
{
    for (int side = 0; side < 2; side++) {
        buf_deinit(&exchange->half[side].bytes);
        store_digest_free(&exchange->half[side].whole);
    }
    buf_deinit(&exchange->facts);
    buf_deinit(&exchange->interims);
    buf_deinit(&exchange->stream);
    free(exchange);
}

void store_living_deinit(struct store_living *living)
{
    for (size_t i = 0; i < living->bucket_count; i++) {
        while (living->buckets[i])
            store_living_remove(living, living->buckets[i]);
    }
    while (living->spare) {
        struct store_living_exchange *exchange = living->spare;

        living->spare = exchange->next_in_bucket;
        free_exchange(exchange);
    }
    free(living->buckets);
    living->buckets = NULL;
}

static struct store_living_exchange **link_of(struct store_living *living, uint64_t id)
{
    struct store_living_exchange **link = &living->buckets[id & (living->bucket_count - 1)];

    while (*link && (*link)->id != id)
        link = &(*link)->next_in_bucket;
    return link;
}

struct store_living_exchange *store_living_find(struct store_living *living, uint64_t id)
{
    return *link_of(living, id);
}

static void grow(struct store_living *living)
{
    struct store_living_exchange **old = living->buckets;
    size_t old_count = living->bucket_count;

    living->bucket_count *= 2;
    living->buckets = calloc(living->bucket_count, sizeof(struct store_living_exchange *));
    CHECK(living->buckets);
    for (size_t i = 0; i < old_count; i++) {
        while (old[i]) {
            struct store_living_exchange *exchange = old[i], **link;

            old[i] = exchange->next_in_bucket;
            link = &living->buckets[exchange->id & (living->bucket_count - 1)];
            exchange->next_in_bucket = *link;
            *link = exchange;
        }
    }
    free(old);
}

static struct store_living_exchange *take_spare(struct store_living *living)
{
    struct store_living_exchange *exchange = living->spare;

    if (exchange) {
        living->spare = exchange->next_in_bucket;
        living->spare_count--;
        return exchange;
    }
    exchange = calloc(1, sizeof(*exchange));
    CHECK(exchange);
    for (int side = 0; side < 2; side++)
        buf_init(&exchange->half[side].bytes, BYTES_MAX);
    buf_init(&exchange->facts, BYTES_MAX);
    buf_init(&exchange->interims, BYTES_MAX);
    buf_init(&exchange->stream, BYTES_MAX);
    return exchange;
}

struct store_living_exchange *store_living_add(struct store_living *living, uint64_t id, unsigned port)
{
    struct store_living_exchange *exchange = take_spare(living), **link;

    if (living->count >= living->bucket_count)
        grow(living);
    exchange->id = id;
    exchange->port = port;
    exchange->next_in_bucket = NULL;
    list_init(&exchange->waiting);
    link = link_of(living, id);
    CHECK(!*link);
    *link = exchange;
    living->count++;
    return exchange;
}

/* Everything but the memory goes back to the beginning. */
static void clear(struct store_living_exchange *exchange)
{
    struct store_living_exchange cleared = {
        .facts = exchange->facts, .interims = exchange->interims, .stream = exchange->stream};

    for (int side = 0; side < 2; side++) {
        store_digest_free(&exchange->half[side].whole);
        cleared.half[side].bytes = exchange->half[side].bytes;
        buf_clear(&cleared.half[side].bytes);
    }
    buf_clear(&cleared.facts);
    buf_clear(&cleared.interims);
    buf_clear(&cleared.stream);
    *exchange = cleared;
}

void store_living_remove(struct store_living *living, struct store_living_exchange *exchange)
{
    struct store_living_exchange **link = link_of(living, exchange->id);

    CHECK(*link == exchange);
    *link = exchange->next_in_bucket;
    living->count--;
    living->waiting_bytes -= store_living_waiting_len(exchange);
    list_remove(&exchange->waiting);
    if (living->spare_count >= SPARE_MAX) {
        free_exchange(exchange);
        return;
    }
    clear(exchange);
    exchange->next_in_bucket = living->spare;
    living->spare = exchange;
    living->spare_count++;
}

size_t store_living_waiting_len(const struct store_living_exchange *exchange)
{
    return exchange->half[0].bytes.len + exchange->half[1].bytes.len + exchange->interims.len + exchange->stream.len;
}

/* Events are small and what waits is written long before a buffer is full. */
static void append(struct buf *buf, struct str bytes) { CHECK(!err_is(buf_append(buf, bytes))); }

void store_living_take_facts(struct store_living_exchange *exchange, struct str facts)
{
    exchange->facts.len = exchange->facts.start = 0; /* kept, unlike by buf_clear(): the next is as long */
    append(&exchange->facts, facts);
    exchange->has_new_facts = true;
}

static void take_stream(struct store_living_exchange *exchange, const struct store_event *event, struct str bytes)
{
    struct store_stream_frame frame = {
        .side = event->side, .kind = STORE_STREAM_BYTES, .len = (uint32_t)bytes.len, .at_us = event->since_us};
    char head[STORE_STREAM_HEAD_BYTES];

    store_stream_write_head(&frame, head);
    append(&exchange->stream, (struct str){head, sizeof(head)});
    append(&exchange->stream, bytes);
    exchange->stream_waiting_len[event->side] += bytes.len;
}

void store_living_take(struct store_living *living, struct store_living_exchange *exchange,
                       const struct store_event *event, struct str bytes)
{
    bool is_stream = event->exchange_kind == EXCHANGE_TUNNEL || event->exchange_kind == EXCHANGE_WEBSOCKET;
    struct store_living_half *half = &exchange->half[event->side & 1];
    size_t before = store_living_waiting_len(exchange);
    uint32_t len = (uint32_t)bytes.len;

    switch (event->kind) {
    case STORE_EVENT_HEAD:
        half->head_len += bytes.len;
        append(&half->bytes, bytes);
        break;
    case STORE_EVENT_INTERIM:
        append(&exchange->interims, (struct str){(const char *)&len, sizeof(len)});
        append(&exchange->interims, bytes);
        break;
    case STORE_EVENT_BYTES:
        if (is_stream)
            take_stream(exchange, event, bytes);
        else
            append(&half->bytes, bytes);
        break;
    case STORE_EVENT_HALF_END:
        half->is_ended = true;
        half->is_complete = event->is_complete;
        break;
    default:
        break;
    }
    if (before == 0 && store_living_waiting_len(exchange) > 0) {
        exchange->waiting_since_us = event->at_us;
        list_push_last(&living->waiting, &exchange->waiting);
    }
    living->waiting_bytes += store_living_waiting_len(exchange) - before;
}

void store_living_wrote(struct store_living *living, struct store_living_exchange *exchange, size_t before)
{
    size_t after = store_living_waiting_len(exchange);

    living->waiting_bytes -= before - after;
    if (after == 0)
        list_remove(&exchange->waiting);
}

struct store_living_exchange *store_living_oldest(struct store_living *living)
{
    struct list *first = list_first(&living->waiting);

    return first ? LIST_OWNER(first, struct store_living_exchange, waiting) : NULL;
}

struct store_living_exchange *store_living_of_port(struct store_living *living, unsigned port)
{
    for (size_t i = 0; i < living->bucket_count; i++) {
        for (struct store_living_exchange *exchange = living->buckets[i]; exchange;
             exchange = exchange->next_in_bucket) {
            if (exchange->port == port)
                return exchange;
        }
    }
    return NULL;
}
