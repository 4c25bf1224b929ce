#include "cli/suggest.h"

#define WORD_MAX 32

void cli_suggest_init(struct cli_suggest *suggest, struct str typed)
{
    unsigned allowed = (unsigned)(typed.len / 3);

    *suggest = (struct cli_suggest){.typed = typed, .best_distance = (allowed ? allowed : 1) + 1};
}

static unsigned least(unsigned a, unsigned b) { return a < b ? a : b; }

/* Optimal string alignment: edits of single letters and swaps of neighbours. */
static unsigned distance(struct str a, struct str b)
{
    unsigned rows[3][WORD_MAX + 1] = {{0}};

    for (unsigned j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned *now = rows[i % 3], *last = rows[(i - 1) % 3], *before = rows[(i + 1) % 3];

        now[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            bool is_same = str_fold_char(a.ptr[i - 1]) == str_fold_char(b.ptr[j - 1]);

            now[j] = least(last[j - 1] + !is_same, least(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1])
                now[j] = least(now[j], before[j - 2] + 1);
        }
    }
    return rows[a.len % 3][b.len];
}

void cli_suggest_try(struct cli_suggest *suggest, const char *word)
{
    struct str candidate = str_from(word);
    unsigned here;

    if (suggest->typed.len == 0 || suggest->typed.len > WORD_MAX || candidate.len > WORD_MAX)
        return;
    here = distance(suggest->typed, candidate);
    if (here < suggest->best_distance) {
        suggest->best_distance = here;
        suggest->best = word;
    }
}
