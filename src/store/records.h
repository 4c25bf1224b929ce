/* records.h - turns exchanges into records of the capture and rows of the index.
 *
 * docs/project-format.md, 1.2 to 1.5, says which records there are and in which order.  Everything goes to the
 * capture's batch and to the queue of rows; nothing here touches a disk but the look at a body seen before.
 */
#ifndef STORE_RECORDS_H
#define STORE_RECORDS_H

#include "store/capture.h"
#include "store/fields.h"
#include "store/index_queue.h"
#include "store/living.h"

struct store_records;

/* All of them must outlive it. */
struct store_records *store_records_new(const char *project_folder, struct store_capture *capture,
                                        struct store_index_queue *queue);
void store_records_free(struct store_records **records);

/* Writes what waits of an exchange that goes on. */
void store_records_write_part(struct store_records *records, struct store_living_exchange *exchange);
/* Writes the rest of an exchange that has ended, with its final facts. */
void store_records_finish(struct store_records *records, struct store_living_exchange *exchange,
                          const struct exchange_facts *facts);
/* The same for one that a gap cut off: the facts known last, and the flag. */
void store_records_cut_off(struct store_records *records, struct store_living_exchange *exchange);
/* Final facts of an exchange of which a gap swallowed a part. */
void store_records_late(struct store_records *records, const struct exchange_facts *facts);
/* Closes what a killed program left open: its last metadata, and how long its parts are. */
void store_records_interrupted(struct store_records *records, const struct store_fields *fields,
                               const struct store_index_known *known);
void store_records_gap(struct store_records *records, const struct store_index_gap *gap);

#endif
