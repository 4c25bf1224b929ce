/* recording.h - the recorder's state as JSON: for the status and for the feed. */
#ifndef ADMIN_RECORDING_H
#define ADMIN_RECORDING_H

#include "base/jsonout.h"

struct store_recorder;

/* An object: recording, recorded, recorded_bytes, waiting_bytes, living, gaps, lost, gap_since, synced_at, alarm.
 * `recorder` NULL: nothing is being recorded. */
void admin_recording_member(struct jsonout *out, struct str key, struct store_recorder *recorder);

#endif
