/* cells.h - text in the cells of a terminal: how wide it is, and cutting and padding it. */
#ifndef CLI_CELLS_H
#define CLI_CELLS_H

#include "base/buf.h"

/* Cells of UTF-8 text that log_safe() has made: East Asian wide characters take two, combining marks none. */
unsigned cli_cells_width(struct str text);
/* Appends exactly `width` cells: the text, cut with one "…" when it is too long, and blanks. */
MUST_CHECK struct err cli_cells_append(struct buf *line, struct str text, unsigned width, bool is_right);

#endif
