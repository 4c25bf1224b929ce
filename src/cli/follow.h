/* follow.h - exchanges as they are recorded, whoever records them.
 *
 * Looks at the index a few times a second.  An exchange gets its id when it begins, and appears in the index when it
 * ends or has been under way for a moment; so ids appear out of order.  What is missing below the highest id, or has no
 * answer yet, is kept as pending and looked at again; missing ones for ten seconds, at most CLI_FOLLOW_PENDING_MAX in
 * all.
 */
#ifndef CLI_FOLLOW_H
#define CLI_FOLLOW_H

#include "cli/command.h"
#include "store/reader.h"

#define CLI_FOLLOW_PENDING_MAX 1024
#define CLI_FOLLOW_READY_MAX 4096

struct cli_follow_pending {
    uint64_t id;
    uint64_t since_us; /* monotonic */
};

struct cli_follow {
    struct store_reader *reader;
    struct str query; /* as typed, and found right before; empty: all */
    /* Told once each, when it has an answer or has ended, and matches.  CLI_DONE: go on. */
    int (*on_id)(void *owner, uint64_t id);
    void *owner;

    uint64_t high; /* the highest id seen */
    struct cli_follow_pending pending[CLI_FOLLOW_PENDING_MAX];
    size_t pending_count;
    uint64_t ready[CLI_FOLLOW_READY_MAX]; /* to be matched, of this look */
    size_t ready_count;
};

/* Takes what is there now as seen. */
MUST_CHECK struct err cli_follow_begin(struct cli_follow *follow);
/* Whether it was there at the beginning, or has been told since. */
bool cli_follow_has_seen(const struct cli_follow *follow, uint64_t id);
/* Looks once.  The exit status. */
int cli_follow_look(struct cli_follow *follow, const struct cli_env *env);
/* Looks until on_id or reading fails. */
int cli_follow_run(struct cli_follow *follow, const struct cli_env *env);

#endif
