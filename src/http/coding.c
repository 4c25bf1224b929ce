#include "http/coding.h"

#include "http/coding/brotli.h"
#include "http/coding/kind.h"
#include "http/coding/zlib.h"
#include "http/coding/zstd.h"
#include "http/field.h"

#define OUTPUT_BYTES_MAX ((uint64_t)64 * 1024 * 1024)
/* deflate reaches 1032 (RFC 1951: 258 bytes in two bits); what goes beyond is brotli or zstd of one repeated byte. */
#define RATIO_MAX ((uint64_t)1100)
#define RATIO_FREE_BYTES ((uint64_t)1024 * 1024)
#define ROOM_BYTES ((size_t)16 * 1024)
/* 128 MiB for a coding that stands alone; what RFC 9659 allows, 8 MiB, for each of a stack. */
#define WINDOW_LOG_ALONE 27u
#define WINDOW_LOG_STACKED 23u

enum layer_state {
    LAYER_EMPTY, /* no input yet */
    LAYER_OPEN,
    LAYER_ENDED, /* complete as it is */
    LAYER_DAMAGED,
    LAYER_CUT,
};

struct layer {
    const struct http_coding_kind *kind;
    void *decoder;
    enum layer_state state;
    bool has_surplus;
    uint64_t input_len;
    uint64_t output_len;
    char room[ROOM_BYTES];
};

struct http_coding {
    struct http_coding_limits limits;
    struct http_sink sink;
    uint64_t sunk_len;
    bool is_stopped; /* nothing more can come out */
    bool is_cut;     /* without layers */
    size_t layer_count;
    struct layer *layers; /* the first takes what is fed, that is the last coding of the list */
};

static const struct http_coding_kind *const kinds[] = {
    &http_coding_zlib_gzip,
    &http_coding_zlib_deflate,
    &http_coding_brotli_br,
    &http_coding_zstd,
};

static bool is_identity(struct str name) { return str_eq_nocase(name, STR("identity")); }

static const struct http_coding_kind *find_kind(struct str name)
{
    /* RFC 9110, 8.4.1.3: x-gzip is gzip. */
    if (str_eq_nocase(name, STR("x-gzip")))
        name = STR("gzip");
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (str_eq_nocase(kinds[i]->name, name))
            return kinds[i];
    }
    return NULL;
}

bool http_coding_find_unknown(struct str list, struct str *ret_unknown)
{
    struct str member;

    while (http_field_next_member(&list, &member)) {
        if (!is_identity(member) && !find_kind(member)) {
            *ret_unknown = member;
            return true;
        }
    }
    return false;
}

/* The kinds of a list without identity, in its order. */
static struct err read_list(struct str list, const struct http_coding_kind *stack[HTTP_CODING_STACK_MAX],
                            size_t *ret_count)
{
    struct str member;
    size_t count = 0;

    if (http_coding_find_unknown(list, &member))
        return ERR(ERR_ABSENT, 0, "unknown content coding");
    while (http_field_next_member(&list, &member)) {
        if (is_identity(member))
            continue;
        if (count == HTTP_CODING_STACK_MAX)
            return ERR(ERR_LIMIT, 0, "too many content codings");
        stack[count++] = find_kind(member);
    }
    *ret_count = count;
    return OK;
}

static void set_limits(struct http_coding *coding, const struct http_coding_limits *limits)
{
    if (limits)
        coding->limits = *limits;
    if (!coding->limits.output_bytes_max)
        coding->limits.output_bytes_max = OUTPUT_BYTES_MAX;
    if (!coding->limits.ratio_max)
        coding->limits.ratio_max = RATIO_MAX;
}

static void add_layer(struct http_coding *coding, const struct http_coding_kind *kind, unsigned window_log_max)
{
    struct layer *layer = &coding->layers[coding->layer_count++];

    layer->kind = kind;
    layer->state = LAYER_EMPTY;
    layer->decoder = kind->decoder_new(window_log_max);
}

struct err http_coding_new(struct str list, const struct http_coding_limits *limits, struct http_sink sink,
                           struct http_coding **ret_coding)
{
    const struct http_coding_kind *stack[HTTP_CODING_STACK_MAX];
    struct http_coding *coding;
    size_t count;

    TRY(read_list(list, stack, &count));
    coding = calloc(1, sizeof(*coding));
    CHECK(coding);
    coding->sink = sink;
    set_limits(coding, limits);
    coding->layers = calloc(count ? count : 1, sizeof(*coding->layers));
    CHECK(coding->layers);
    /* RFC 9110, 8.4: the codings are listed in the order in which they were applied. */
    for (size_t i = count; i > 0; i--)
        add_layer(coding, stack[i - 1], count > 1 ? WINDOW_LOG_STACKED : WINDOW_LOG_ALONE);
    *ret_coding = coding;
    return OK;
}

void http_coding_free(struct http_coding **coding)
{
    if (!*coding)
        return;
    for (size_t i = 0; i < (*coding)->layer_count; i++)
        (*coding)->layers[i].kind->decoder_free((*coding)->layers[i].decoder);
    free((*coding)->layers);
    free(*coding);
    *coding = NULL;
}

/* How much a layer may have put out by now. */
static uint64_t output_allowed(const struct http_coding_limits *limits, const struct layer *layer)
{
    uint64_t by_ratio = UINT64_MAX;

    if (layer->input_len < (UINT64_MAX - RATIO_FREE_BYTES) / limits->ratio_max)
        by_ratio = RATIO_FREE_BYTES + layer->input_len * limits->ratio_max;
    return by_ratio < limits->output_bytes_max ? by_ratio : limits->output_bytes_max;
}

static struct err sink_bytes(struct http_coding *coding, struct str bytes)
{
    struct err e;

    if (!bytes.len)
        return OK;
    coding->sunk_len += bytes.len;
    e = coding->sink.on_bytes(coding->sink.owner, bytes);
    coding->is_stopped |= err_is(e);
    return e;
}

static void note_progress(struct http_coding *coding, struct layer *layer, enum http_coding_progress progress)
{
    switch (progress) {
    case HTTP_CODING_PROGRESS_MORE:
        layer->state = LAYER_OPEN;
        return;
    case HTTP_CODING_PROGRESS_ENDED:
        layer->state = LAYER_ENDED;
        return;
    case HTTP_CODING_PROGRESS_SURPLUS:
        layer->state = LAYER_ENDED;
        layer->has_surplus = true;
        return;
    case HTTP_CODING_PROGRESS_DAMAGED:
        layer->state = LAYER_DAMAGED;
        break;
    case HTTP_CODING_PROGRESS_TOO_LARGE:
        layer->state = LAYER_CUT;
        break;
    }
    coding->is_stopped = true;
}

static struct err feed_layer(struct http_coding *coding, size_t index, struct str input);

/* One step of a decoder, whose output goes to the next layer.  *ret_is_idle: it can do nothing more with this input. */
static struct err step_layer(struct http_coding *coding, size_t index, struct str *input, bool *ret_is_idle)
{
    struct layer *layer = &coding->layers[index];
    struct http_coding_room room = {.bytes = layer->room, .size = ROOM_BYTES};
    struct str before = *input;
    enum http_coding_progress progress = layer->kind->decode(layer->decoder, input, &room);
    uint64_t allowed;

    layer->input_len += before.len - input->len;
    allowed = output_allowed(&coding->limits, layer) - layer->output_len;
    note_progress(coding, layer, progress);
    *ret_is_idle = progress != HTTP_CODING_PROGRESS_ENDED && room.len < room.size;
    if (progress == HTTP_CODING_PROGRESS_ENDED)
        *ret_is_idle = !input->len;
    if (room.len > allowed) {
        room.len = (size_t)allowed;
        layer->state = LAYER_CUT;
        coding->is_stopped = true;
    }
    layer->output_len += room.len;
    return feed_layer(coding, index + 1, (struct str){room.bytes, room.len});
}

/* A layer that stops the coding has still what came out before passed on, so the layers behind it go on. */
static struct err feed_layer(struct http_coding *coding, size_t index, struct str input)
{
    struct layer *layer;
    bool is_idle = false;

    if (index == coding->layer_count)
        return sink_bytes(coding, input);
    layer = &coding->layers[index];
    if (!input.len || layer->state == LAYER_DAMAGED || layer->state == LAYER_CUT)
        return OK;
    while (!is_idle && layer->state != LAYER_DAMAGED && layer->state != LAYER_CUT && !layer->has_surplus)
        TRY(step_layer(coding, index, &input, &is_idle));
    layer->has_surplus |= layer->state == LAYER_ENDED && input.len > 0;
    return OK;
}

/* No codings: only the limit is watched. */
static struct err feed_plain(struct http_coding *coding, struct str input)
{
    uint64_t allowed = coding->limits.output_bytes_max - coding->sunk_len;

    if (input.len > allowed) {
        input = str_head(input, (size_t)allowed);
        coding->is_cut = true;
        coding->is_stopped = true;
    }
    return sink_bytes(coding, input);
}

struct err http_coding_feed(struct http_coding *coding, struct str coded)
{
    if (coding->is_stopped)
        return OK;
    return coding->layer_count ? feed_layer(coding, 0, coded) : feed_plain(coding, coded);
}

bool http_coding_is_over(const struct http_coding *coding)
{
    return coding->is_stopped || (coding->layer_count && coding->layers[0].has_surplus);
}

/* Worse outcomes hide better ones. */
static enum http_coding_outcome layer_outcome(const struct layer *layer)
{
    switch (layer->state) {
    case LAYER_EMPTY:
    case LAYER_ENDED:
        return HTTP_CODING_COMPLETE;
    case LAYER_OPEN:
        return HTTP_CODING_TRUNCATED;
    case LAYER_DAMAGED:
        return HTTP_CODING_DAMAGED;
    case LAYER_CUT:
        break;
    }
    return HTTP_CODING_CUT;
}

struct http_coding_result http_coding_finish(struct http_coding *coding)
{
    struct http_coding_result result = {
        .outcome = coding->is_cut ? HTTP_CODING_CUT : HTTP_CODING_COMPLETE,
        .output_len = coding->sunk_len,
    };

    coding->is_stopped = true;
    for (size_t i = 0; i < coding->layer_count; i++) {
        enum http_coding_outcome outcome = layer_outcome(&coding->layers[i]);

        if (outcome > result.outcome)
            result.outcome = outcome;
        result.has_surplus |= coding->layers[i].has_surplus;
    }
    return result;
}

struct http_coding_result http_coding_decode(struct str list, struct str coded, const struct http_coding_limits *limits,
                                             struct buf *decoded)
{
    struct http_coding_result result = {.outcome = HTTP_CODING_UNKNOWN};
    struct http_coding *coding;
    struct err e;

    if (err_is(http_coding_new(list, limits, http_sink_to_buf(decoded), &coding))) {
        result.unknown = str_head(list, 0);
        http_coding_find_unknown(list, &result.unknown);
        return result;
    }
    e = http_coding_feed(coding, coded);
    result = http_coding_finish(coding);
    if (err_is(e))
        result.outcome = HTTP_CODING_CUT;
    http_coding_free(&coding);
    return result;
}

/* Codes with all kinds but the last, which the caller does: two buffers change places. */
static struct err encode_stack(const struct http_coding_kind *const *stack, size_t count, struct str content,
                               struct buf *coded)
{
    struct buf buffers[2];
    struct err e = OK;

    buf_init(&buffers[0], coded->max_bytes);
    buf_init(&buffers[1], coded->max_bytes);
    for (size_t i = 0; i < count && !err_is(e); i++) {
        struct buf *to = i + 1 == count ? coded : &buffers[i % 2];

        if (to != coded)
            buf_clear(to);
        e = stack[i]->encode(content, to);
        content = buf_str(to);
    }
    buf_deinit(&buffers[0]);
    buf_deinit(&buffers[1]);
    return e;
}

struct err http_coding_encode(struct str list, struct str content, struct buf *coded)
{
    const struct http_coding_kind *stack[HTTP_CODING_STACK_MAX];
    size_t count;

    TRY(read_list(list, stack, &count));
    return count ? encode_stack(stack, count, content, coded) : buf_append(coded, content);
}

const char *http_coding_outcome_name(enum http_coding_outcome outcome)
{
    static const char *const names[] = {"complete", "truncated", "damaged", "cut", "unknown"};

    return names[outcome];
}
