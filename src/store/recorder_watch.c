/* Who wants to know of changes: ids wait in a bounded list until their loop takes them. */
#include <stdlib.h>

#include "store/recorder_core.h"

#define IDS_MAX 4096u

struct store_recorder_watch {
    struct store_recorder *recorder;
    struct os_loop *loop;
    void (*on_change)(void *owner, const struct store_recorder_change *change);
    void *owner;
    struct os_post post;
    struct list link; /* the recorder's; under its lock, as are is_posted, has_overflowed, count, ids */
    bool is_posted;   /* `post` is on its way */
    bool is_freed;    /* the loop's: free it when `post` arrives */
    bool has_overflowed;
    size_t count;
    uint64_t ids[IDS_MAX];
    uint64_t told[IDS_MAX]; /* the loop's: what on_change looks at */
};

static void on_posted(void *owner)
{
    struct store_recorder_watch *watch = owner;
    struct store_recorder_change change = {.ids = watch->told};

    /* Freed on this thread since; the recorder may be gone too. */
    if (watch->is_freed) {
        free(watch);
        return;
    }
    os_lock_enter(watch->recorder->lock);
    watch->is_posted = false;
    change.count = watch->count;
    change.has_overflowed = watch->has_overflowed;
    memcpy(watch->told, watch->ids, watch->count * sizeof(watch->ids[0]));
    watch->count = 0;
    watch->has_overflowed = false;
    os_lock_leave(watch->recorder->lock);
    watch->on_change(watch->owner, &change);
}

struct err store_recorder_watch_new(struct store_recorder *recorder, struct os_loop *loop,
                                    void (*on_change)(void *owner, const struct store_recorder_change *change),
                                    void *owner, struct store_recorder_watch **ret_watch)
{
    struct store_recorder_watch *watch = calloc(1, sizeof(*watch));

    CHECK(watch);
    watch->recorder = recorder;
    watch->loop = loop;
    watch->on_change = on_change;
    watch->owner = owner;
    watch->post = (struct os_post){.fn = on_posted, .owner = watch};
    os_lock_enter(recorder->lock);
    list_push_last(&recorder->locked.watches, &watch->link);
    os_lock_leave(recorder->lock);
    *ret_watch = watch;
    return OK;
}

void store_recorder_watch_free(struct store_recorder_watch **watch)
{
    struct store_recorder_watch *freed = *watch;
    bool is_posted;

    if (!freed)
        return;
    *watch = NULL;
    os_lock_enter(freed->recorder->lock);
    list_remove(&freed->link);
    is_posted = freed->is_posted;
    os_lock_leave(freed->recorder->lock);
    freed->is_freed = true;
    if (!is_posted)
        free(freed);
}

static void add(struct store_recorder_watch *watch, const uint64_t *ids, size_t count, bool has_overflowed)
{
    size_t room = IDS_MAX - watch->count, taken = count < room ? count : room;

    memcpy(watch->ids + watch->count, ids, taken * sizeof(ids[0]));
    watch->count += taken;
    watch->has_overflowed = watch->has_overflowed || has_overflowed || taken < count;
    if (!watch->is_posted) {
        watch->is_posted = true;
        os_loop_post(watch->loop, &watch->post);
    }
}

void store_recorder_watch_tell(struct store_recorder *recorder, const uint64_t *ids, size_t count, bool has_overflowed)
{
    struct list *watches = &recorder->locked.watches;

    if (count == 0 && !has_overflowed)
        return;
    os_lock_enter(recorder->lock);
    for (struct list *node = watches->next; node != watches; node = node->next)
        add(LIST_OWNER(node, struct store_recorder_watch, link), ids, count, has_overflowed);
    os_lock_leave(recorder->lock);
}
