/* replay.h - brings the index up to the end of the capture: catching up and reindexing are the same walk.
 *
 * It begins at the index's mark and needs no state but what the index holds.  Records that make no sense (a
 * continuation of nothing, metadata that does not parse) are counted and passed over; damaged stretches too.
 */
#ifndef STORE_REPLAY_H
#define STORE_REPLAY_H

#include "store/index.h"

struct store_replay_options {
    uint64_t total_bytes; /* for progress: of the whole capture */
    bool (*on_progress)(void *owner, uint64_t done_bytes, uint64_t total_bytes); /* may be NULL; false: ERR_CANCELLED */
    void *owner;
};

struct store_replay_result {
    uint64_t record_count;
    uint64_t skipped_count; /* records that made no sense, and damaged stretches */
};

/* From the mark to the end of the last file.  What was done before an error stays, with its mark. */
MUST_CHECK struct err store_replay_run(const char *project_folder, struct store_index *index,
                                       const struct store_replay_options *options,
                                       struct store_replay_result *ret_result);

/* The facts that an exchange's metadata record holds, read from its place; text goes to `arena`. */
struct store_fields;
struct arena;
MUST_CHECK struct err store_replay_read_metadata(const char *project_folder, const struct store_place *place,
                                                 struct arena *arena, struct store_fields *ret_fields);

#endif
