#include "admin/recording.h"

#include "store/recorder.h"

static void write_time_or_null(struct jsonout *out, struct str key, int64_t wall_us)
{
    if (wall_us)
        jsonout_time(out, key, wall_us);
    else
        jsonout_null(out, key);
}

void admin_recording_member(struct jsonout *out, struct str key, struct store_recorder *recorder)
{
    struct store_recorder_status status = {0};

    if (recorder)
        store_recorder_status(recorder, &status);
    jsonout_object_open(out, key);
    jsonout_bool(out, STR("recording"), recorder && status.gap_since_us == 0);
    jsonout_uint(out, STR("recorded"), status.recorded_count);
    jsonout_uint(out, STR("recorded_bytes"), status.recorded_bytes);
    jsonout_uint(out, STR("waiting_bytes"), status.waiting_bytes);
    jsonout_uint(out, STR("living"), status.living_count);
    jsonout_uint(out, STR("gaps"), status.gap_count);
    jsonout_uint(out, STR("lost"), status.lost_count);
    write_time_or_null(out, STR("gap_since"), status.gap_since_us);
    write_time_or_null(out, STR("synced_at"), status.synced_us);
    jsonout_bytes(out, STR("alarm"), str_from(status.alarm));
    jsonout_object_close(out);
}
