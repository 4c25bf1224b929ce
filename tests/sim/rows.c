#include "rows.h"

#include <stdlib.h>

/* As much as a test sends in one exchange. */
#define WIRE_BYTES_MAX ((size_t)16 * 1024 * 1024)

static struct rows *from_observer(struct exchange_observer *observer)
{
    return LIST_OWNER(observer, struct rows, observer);
}

static struct rows_row *row_of(struct exchange_observer *observer, const struct exchange *exchange)
{
    struct rows *rows = from_observer(observer);

    for (size_t i = 0; i < rows->count; i++) {
        if (rows->rows[i].id == exchange->facts.id)
            return &rows->rows[i];
    }
    fprintf(stderr, "rows: exchange %llu never began\n", (unsigned long long)exchange->facts.id);
    abort();
}

static void on_begin(struct exchange_observer *self, struct exchange *exchange)
{
    struct rows *rows = from_observer(self);
    struct rows_row *row = &rows->rows[rows->count++];

    CHECK(rows->count <= ROWS_MAX);
    *row = (struct rows_row){.id = exchange->facts.id};
    buf_init(&row->wire[EXCHANGE_REQUEST], WIRE_BYTES_MAX);
    buf_init(&row->wire[EXCHANGE_RESPONSE], WIRE_BYTES_MAX);
}

static void keep(struct exchange_observer *self, const struct exchange *exchange, enum exchange_side side,
                 struct str wire)
{
    CHECK(!err_is(buf_append(&row_of(self, exchange)->wire[side], wire)));
}

static void on_head(struct exchange_observer *self, struct exchange *exchange, enum exchange_side side)
{
    keep(self, exchange, side, exchange->half[side].head);
}

static void on_interim(struct exchange_observer *self, struct exchange *exchange, struct str wire)
{
    (void)wire;
    row_of(self, exchange)->interim_count++;
}

static void on_bytes(struct exchange_observer *self, struct exchange *exchange, enum exchange_side side,
                     struct str wire)
{
    keep(self, exchange, side, wire);
}

static void on_half_end(struct exchange_observer *self, struct exchange *exchange, enum exchange_side side)
{
    (void)self;
    (void)exchange;
    (void)side;
}

static void on_end(struct exchange_observer *self, struct exchange *exchange)
{
    struct rows_row *row = row_of(self, exchange);
    const struct exchange_facts *facts = &exchange->facts;

    CHECK(!row->has_ended);
    row->has_ended = true;
    row->kind = facts->kind;
    row->status = facts->status;
    row->origin_connection = facts->origin_connection;
    CHECK(str_to_c(facts->flags, row->flags, sizeof(row->flags)));
    CHECK(str_to_c(facts->error, row->error, sizeof(row->error)));
}

static const struct exchange_observer_ops observer_ops = {
    .on_begin = on_begin,
    .on_head = on_head,
    .on_interim = on_interim,
    .on_bytes = on_bytes,
    .on_half_end = on_half_end,
    .on_end = on_end,
};

static struct rows *observing; /* one world at a time */

static size_t observers_for(void *owner, struct os_loop *loop, struct exchange_observer **observers, size_t max)
{
    (void)owner;
    (void)loop;
    CHECK(max > 1);
    observers[0] = &observing->proxying->observer;
    observers[1] = &observing->observer;
    return 2;
}

void rows_observe(struct rows *rows, struct proxying *proxying)
{
    *rows = (struct rows){.observer = {&observer_ops}, .proxying = proxying};
    observing = rows;
    proxying->options.observers_for = observers_for;
}

void rows_deinit(struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        buf_deinit(&rows->rows[i].wire[EXCHANGE_REQUEST]);
        buf_deinit(&rows->rows[i].wire[EXCHANGE_RESPONSE]);
    }
    rows->count = 0;
}

bool rows_has_flag(const struct rows_row *row, struct str flag)
{
    struct str rest = str_from(row->flags), name;

    while (rest.len) {
        str_cut(rest, ',', &name, &rest);
        if (str_eq(name, flag))
            return true;
    }
    return false;
}

const struct rows_row *rows_find(const struct rows *rows, struct str flag)
{
    const struct rows_row *found = NULL;

    for (size_t i = 0; i < rows->count; i++) {
        if (!rows->rows[i].has_ended || !rows_has_flag(&rows->rows[i], flag))
            continue;
        if (found)
            return NULL;
        found = &rows->rows[i];
    }
    return found;
}
