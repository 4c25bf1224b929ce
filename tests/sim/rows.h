/* rows.h - an observer that keeps what it is told of each exchange, for simulations of the proxy that look at it.
 *
 *     struct rows rows;
 *     proxying_init(&proxying, seed);
 *     rows_observe(&rows, &proxying);      (before proxying_start)
 *     ... rows_find(&rows, STR("orphan")) ...
 *     proxying_stop(&proxying);
 *     rows_deinit(&rows);
 */
#ifndef SIM_ROWS_H
#define SIM_ROWS_H

#include "base/buf.h"
#include "proxying.h"

#define ROWS_MAX 64

struct rows_row {
    uint64_t id;
    enum exchange_kind kind;
    char flags[256];
    char error[32];
    unsigned status;
    uint64_t origin_connection;
    struct buf wire[2]; /* heads and bodies as told, by enum exchange_side */
    unsigned interim_count;
    bool has_ended;
};

struct rows {
    struct exchange_observer observer;
    struct proxying *proxying;
    struct rows_row rows[ROWS_MAX];
    size_t count;
};

void rows_observe(struct rows *rows, struct proxying *proxying);
void rows_deinit(struct rows *rows);
/* The only row that has ended and whose flags hold this one; NULL for none or several. */
const struct rows_row *rows_find(const struct rows *rows, struct str flag);
bool rows_has_flag(const struct rows_row *row, struct str flag);

#endif
