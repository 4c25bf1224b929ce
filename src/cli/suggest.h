/* suggest.h - the word most like a mistyped one: fewest letters changed, added, dropped or swapped. */
#ifndef CLI_SUGGEST_H
#define CLI_SUGGEST_H

#include "base/str.h"

struct cli_suggest {
    struct str typed;
    const char *best; /* NULL while nothing was near enough: a third of the letters may differ, at least one */
    unsigned best_distance;
};

/* `typed` is borrowed; over 32 bytes nothing is near. */
void cli_suggest_init(struct cli_suggest *suggest, struct str typed);
/* `word` must outlive the use of `best`; of equals the first wins. */
void cli_suggest_try(struct cli_suggest *suggest, const char *word);

#endif
