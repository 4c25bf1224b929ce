/* columns.h - the table of `sekisho log`: which columns, how wide, how each is written.
 *
 * For a person (a terminal) values are short, coloured and cut to the terminal's width; else they are whole, exact, in
 * the units of the names (time_us, res_len) and separated by tabs.  Either way bytes from outside are made printable.
 */
#ifndef CLI_COLUMNS_H
#define CLI_COLUMNS_H

#include "store/reader.h"

#define CLI_COLUMNS_MAX 24

struct cli_column;

struct cli_columns {
    const struct cli_column *items[CLI_COLUMNS_MAX];
    unsigned widths[CLI_COLUMNS_MAX]; /* in terminal cells */
    size_t count;
    bool is_for_person;
    bool has_color;
};

/* `names` joined by ','; NULL: the usual ones.  False with a sentence in `problem`. */
bool cli_columns_choose(struct cli_columns *columns, const char *names, char *problem, size_t problem_size);
/* For a person, on a terminal of that many cells. */
void cli_columns_fit(struct cli_columns *columns, unsigned width, bool has_color);

/* Appends a line, with its end.  ERR_LIMIT when the buffer is full. */
MUST_CHECK struct err cli_columns_heading(const struct cli_columns *columns, struct buf *line);
MUST_CHECK struct err cli_columns_row(const struct cli_columns *columns, const struct store_reader_item *item,
                                      struct buf *line);
/* "id, at, ...": every name that may be chosen. */
void cli_columns_names(char *text, size_t size);

#endif
