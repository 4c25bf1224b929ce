/* capture.h - the row of capture files: names, torn tails, and writing in batches.
 *
 * Records are put together in memory, one batch, and go to the file in one write.  A record's place is known at once
 * and true as soon as the batch is written.  A write that fails leaves the batch as it is and takes back what went in
 * of it, so it can be tried again; nobody ever sees half of a batch followed by something else.
 */
#ifndef STORE_CAPTURE_H
#define STORE_CAPTURE_H

#include "store/place.h"
#include "store/warc.h"

#define STORE_CAPTURE_PATH_MAX 4096
#define STORE_CAPTURE_BATCH_MAX ((size_t)64 * 1024 * 1024) /* never reached: the recorder stops at a few MiB */

struct store_capture;

/* ".../capture/000001.warc"; false when the folder's path is too long. */
MUST_CHECK struct err store_capture_path(const char *project_folder, uint32_t file, char path[STORE_CAPTURE_PATH_MAX]);
/* The highest number there is; 0 when none.  Files must be numbered without a hole from 1: ERR_DAMAGED. */
MUST_CHECK struct err store_capture_last_file(const char *project_folder, uint32_t *ret_file);
/* Finds where whole records end, reading from `offset` on; damage in the middle is stepped over. */
MUST_CHECK struct err store_capture_find_end(const char *project_folder, uint32_t file, uint64_t offset,
                                             uint64_t *ret_end);
/* Moves what stands behind `end` into a side file, ".torn-N". */
MUST_CHECK struct err store_capture_cut(const char *project_folder, uint32_t file, uint64_t end);

/* Goes on behind the last file's end, with a warcinfo record of this session in the batch. */
MUST_CHECK struct err store_capture_open(const char *project_folder, uint64_t file_bytes_max,
                                         struct store_capture **ret_capture);
/* What is still in the batch is lost. */
void store_capture_close(struct store_capture **capture);

struct store_warc_id store_capture_next_id(struct store_capture *capture);
/* Adds a record whose block is the parts one after another; sets the head's digest and length. */
struct store_place store_capture_add(struct store_capture *capture, struct store_warc_head *head,
                                     const struct str *parts, size_t part_count);
size_t store_capture_batch_len(const struct store_capture *capture);
/* Writes the batch; begins a new file when this one is full. */
MUST_CHECK struct err store_capture_flush(struct store_capture *capture);
MUST_CHECK struct err store_capture_sync(struct store_capture *capture);
/* The end of what was written. */
void store_capture_written_end(const struct store_capture *capture, uint32_t *ret_file, uint64_t *ret_offset);

#endif
