/* repair.h - makes capture and index agree when a project is opened for writing, whatever happened before.
 *
 * A torn tail goes to a side file; an index that cannot be used is set aside and made anew; rows that point behind the
 * end of the capture are taken back; what the index lacks is added.  The project's lock must be held.
 */
#ifndef STORE_REPAIR_H
#define STORE_REPAIR_H

#include "store/index.h"
#include "store/project.h"

struct store_repair_options {
    bool is_anew; /* the index is made again from nothing */
    bool (*on_progress)(void *owner, uint64_t done_bytes, uint64_t total_bytes); /* may be NULL; false: ERR_CANCELLED */
    void *owner;
};

struct store_repair_result {
    uint64_t record_count;  /* that were added to the index */
    uint64_t skipped_count; /* records and stretches of the capture that make no sense */
    uint64_t torn_bytes;    /* cut off into a side file */
    bool is_index_new;      /* the old one was missing, damaged, foreign, or not wanted */
};

/* `options` and `ret_result` may be NULL. */
MUST_CHECK struct err store_repair_open(const char *project_folder, const struct store_repair_options *options,
                                        struct store_repair_result *ret_result, struct store_index **ret_index);

/* `sekisho project reindex`: the project must be open for writing and have no recorder.  A cancelled one goes on with
 * the next opening. */
MUST_CHECK struct err store_repair_reindex(struct store_project *project, const struct store_repair_options *options,
                                           struct store_repair_result *ret_result);

#endif
