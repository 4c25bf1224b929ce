/* kit.h - what the tests of the store share: a folder of their own, exchanges made from a number, how to check them.
 *
 * An exchange is a function of its id: whoever reads it back can say what its bytes must be.
 */
#ifndef UNIT_STORE_KIT_H
#define UNIT_STORE_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "model/exchange.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/loop.h"
#include "store/reader.h"
#include "store/recorder.h"

#define KIT_UNUSED __attribute__((unused))
#define must(expr) kit_must((expr), #expr, __FILE__, __LINE__)

static inline void kit_must(struct err err, const char *what, const char *file, int line)
{
    if (err_is(err)) {
        fprintf(stderr, "%s: %s: %s (%u)\n", what, err_name(err.code), err.what ? err.what : "", err.wire);
        _fail(file, line);
    }
}

/* A new empty folder; kit_remove() takes it away with all that is in it. */
KIT_UNUSED static void kit_folder(char path[256])
{
    const char *base = getenv("TMPDIR");

    snprintf(path, 256, "%s/sekisho-store-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(path));
}

/* Runs a program, its output unseen, and gives its exit status. */
static inline int kit_run(const char *const *words)
{
    pid_t pid = fork();
    int status = 0;

    assert_true(pid >= 0);
    if (pid == 0) {
        if (freopen("/dev/null", "w", stdout))
            execvp(words[0], (char *const *)(uintptr_t)words);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

KIT_UNUSED static void kit_remove(const char *path)
{
    const char *const words[] = {"rm", "-rf", path, NULL};

    assert_int_equal(kit_run(words), 0);
}

/* A project with a recorder and one port, used from the thread that made it. */
struct kit {
    char folder[256];
    struct store_project *project;
    struct store_recorder *recorder;
    struct os_loop *loop;
    struct store_recorder_port *port;
    struct exchange_observer *observers[1];
};

KIT_UNUSED static void kit_open_in(struct kit *kit, const struct store_recorder_options *options)
{
    must(store_project_open(kit->folder, STR("test"), STORE_PROJECT_WRITE, &kit->project));
    must(store_recorder_open(kit->project, options, &kit->recorder));
    must(os_loop_new(&kit->loop));
    must(store_recorder_port_new(kit->recorder, kit->loop, &kit->port));
    kit->observers[0] = store_recorder_port_observer(kit->port);
}

KIT_UNUSED static void kit_open(struct kit *kit, const struct store_recorder_options *options)
{
    *kit = (struct kit){.loop = NULL};
    kit_folder(kit->folder);
    kit_open_in(kit, options);
}

static inline void kit_stop(void *owner) { os_loop_stop(owner); }

/* Lets what waits on the loop run. */
KIT_UNUSED static void kit_turn(struct kit *kit)
{
    struct os_post post = {.fn = kit_stop, .owner = kit->loop};

    os_loop_post(kit->loop, &post);
    os_loop_run(kit->loop);
}

KIT_UNUSED static void kit_close_recorder(struct kit *kit)
{
    store_recorder_port_close(&kit->port);
    kit_turn(kit);
    must(store_recorder_close(&kit->recorder, 20000));
    store_project_close(&kit->project);
    kit_turn(kit);
    os_loop_free(&kit->loop);
}

KIT_UNUSED static void kit_close(struct kit *kit)
{
    kit_close_recorder(kit);
    kit_remove(kit->folder);
}

KIT_UNUSED static void kit_project_path(const struct kit *kit, char path[300])
{
    snprintf(path, 300, "%s/test", kit->folder);
}

/* A stream of numbers from a seed (xorshift64*). */
struct kit_random {
    uint64_t state;
};

static inline struct kit_random kit_random(uint64_t seed)
{
    return (struct kit_random){(seed + 1) * UINT64_C(0x9E3779B97F4A7C15) | 1};
}

static inline uint64_t kit_next(struct kit_random *random)
{
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return random->state * UINT64_C(0x2545F4914F6CDD1D);
}

/* What an exchange is made of. */
struct kit_plan {
    uint64_t id;
    size_t request_body_len, response_body_len;
    uint64_t body_seed; /* equal seeds and lengths: equal bodies */
    unsigned interim_count;
    bool has_no_response;
    bool is_response_cut; /* the half ends before its framing says so */
};

static inline struct kit_plan kit_plan(uint64_t id, size_t body_max)
{
    struct kit_random random = kit_random(id);
    struct kit_plan plan = {.id = id, .body_seed = id};

    plan.request_body_len = kit_next(&random) % 3 ? 0 : kit_next(&random) % body_max;
    plan.response_body_len = kit_next(&random) % body_max;
    plan.interim_count = kit_next(&random) % 8 == 0;
    plan.has_no_response = kit_next(&random) % 16 == 0;
    plan.is_response_cut = !plan.has_no_response && kit_next(&random) % 16 == 0;
    return plan;
}

static inline struct str kit_request_head(const struct kit_plan *plan, char text[512])
{
    int len = snprintf(text, 512,
                       "%s /item/%llu?x=%%41&n=\xe5\x95\x86 HTTP/1.1\r\nHost: host-%llu.example\r\n"
                       "Content-Length: %zu\r\n\r\n",
                       plan->request_body_len ? "POST" : "GET", (unsigned long long)plan->id,
                       (unsigned long long)plan->id % 7, plan->request_body_len);

    return (struct str){text, (size_t)len};
}

static inline struct str kit_response_head(const struct kit_plan *plan, char text[512])
{
    int len = snprintf(text, 512,
                       "HTTP/1.1 200 Fine\r\nContent-Type: text/plain\r\nX-Id: %llu\r\nContent-Length: %zu\r\n\r\n",
                       (unsigned long long)plan->id, plan->response_body_len);

    return (struct str){text, (size_t)len};
}

static inline struct str kit_interim(unsigned index, char text[512])
{
    int len = snprintf(text, 512, "HTTP/1.1 103 Early Hints\r\nLink: <%u>\r\n\r\n", index);

    return (struct str){text, (size_t)len};
}

/* Bytes from `offset` of the body of one side; any slice of it can be made alone. */
static inline void kit_body(const struct kit_plan *plan, enum exchange_side side, uint64_t offset, char *bytes,
                            size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint64_t at = offset + i, word = (at / 8 + plan->body_seed * 1000003 + side) * UINT64_C(0x9E3779B97F4A7C15);

        bytes[i] = (char)(word >> 8 * (at % 8));
    }
}

/* An exchange on its way: the caller moves it on in steps of its own choice. */
struct kit_exchange {
    struct kit_plan plan;
    struct exchange exchange;
    size_t sent[2]; /* bytes of the bodies */
    bool is_head_sent[2], is_half_ended[2], is_done;
    unsigned interims_sent;
};

static inline void kit_begin(struct kit *kit, struct kit_exchange *going, struct kit_plan plan)
{
    struct exchange *exchange = &going->exchange;
    struct exchange_facts *facts = &exchange->facts;
    struct str text;

    *going = (struct kit_exchange){.plan = plan};
    exchange_init(exchange, 1 << 20, kit->observers, 1);
    facts->id = plan.id;
    facts->at_us = 1700000000000000 + (int64_t)plan.id * 1000;
    exchange->begun_us = os_clock_mono_us();
    facts->method = plan.request_body_len ? STR("POST") : STR("GET");
    facts->scheme = STR("http");
    must(arena_format(&exchange->arena, &facts->host, "host-%llu.example", (unsigned long long)plan.id % 7));
    facts->port = 80;
    must(arena_format(&exchange->arena, &text, "/item/%llu?x=%%41&n=\xe5\x95\x86", (unsigned long long)plan.id));
    facts->target = text;
    str_cut(text, '?', &facts->path, &facts->query);
    facts->client_version = HTTP_VERSION_11;
    snprintf(facts->client.ip, sizeof(facts->client.ip), "127.0.0.1");
    facts->client.port = (uint16_t)(40000 + plan.id % 1000);
    facts->client_connection = plan.id % 100 + 1;
    exchange_begin(exchange);
}

static inline void kit_send_head(struct kit_exchange *going, enum exchange_side side)
{
    struct exchange_facts *facts = &going->exchange.facts;
    char text[512];
    struct str head =
        side == EXCHANGE_REQUEST ? kit_request_head(&going->plan, text) : kit_response_head(&going->plan, text);

    must(arena_copy(&going->exchange.arena, head, &head));
    if (side == EXCHANGE_RESPONSE) {
        facts->status = 200;
        facts->reason = STR("Fine");
        facts->type = STR("text/plain");
        facts->origin_version = HTTP_VERSION_11;
        facts->first_byte_us = 1234;
    }
    going->is_head_sent[side] = true;
    exchange_head(&going->exchange, side, head, NULL);
}

static inline size_t kit_body_len(const struct kit_exchange *going, enum exchange_side side)
{
    size_t len = side == EXCHANGE_REQUEST ? going->plan.request_body_len : going->plan.response_body_len;

    return side == EXCHANGE_RESPONSE && going->plan.is_response_cut ? len / 2 : len;
}

/* Up to `max` bytes more of a body. */
static inline void kit_send_bytes(struct kit_exchange *going, enum exchange_side side, size_t max)
{
    static _Thread_local char bytes[65536];
    size_t left = kit_body_len(going, side) - going->sent[side], len = left < max ? left : max;

    len = len < sizeof(bytes) ? len : sizeof(bytes);
    if (len == 0)
        return;
    kit_body(&going->plan, side, going->sent[side], bytes, len);
    going->sent[side] += len;
    exchange_bytes(&going->exchange, side, (struct str){bytes, len}, len);
}

static inline void kit_end_half(struct kit_exchange *going, enum exchange_side side)
{
    going->is_half_ended[side] = true;
    exchange_half_end(&going->exchange, side, !(side == EXCHANGE_RESPONSE && going->plan.is_response_cut));
}

static inline void kit_end(struct kit_exchange *going)
{
    going->exchange.facts.time_us = 4321;
    if (going->plan.has_no_response)
        going->exchange.facts.error = STR("refused");
    exchange_end(&going->exchange);
    exchange_deinit(&going->exchange);
    going->is_done = true;
}

/* The next thing of a half: head, bytes, or its end.  False when it has ended. */
static inline bool kit_step_half(struct kit_exchange *going, enum exchange_side side, size_t max)
{
    if (going->is_half_ended[side])
        return false;
    if (!going->is_head_sent[side])
        kit_send_head(going, side);
    else if (going->sent[side] < kit_body_len(going, side))
        kit_send_bytes(going, side, max);
    else
        kit_end_half(going, side);
    return true;
}

/* One step of the whole exchange, chosen by `random`; ends it when nothing is left. */
static inline void kit_step(struct kit_exchange *going, struct kit_random *random, size_t max)
{
    bool is_request_first = kit_next(random) % 2;
    size_t len = 1 + kit_next(random) % max;

    if (!going->is_head_sent[EXCHANGE_REQUEST]) {
        kit_send_head(going, EXCHANGE_REQUEST);
        return;
    }
    if (going->interims_sent < going->plan.interim_count && !going->is_head_sent[EXCHANGE_RESPONSE]) {
        char text[512];

        exchange_interim(&going->exchange, kit_interim(going->interims_sent++, text));
        return;
    }
    if (is_request_first && kit_step_half(going, EXCHANGE_REQUEST, len))
        return;
    if (!going->plan.has_no_response && kit_step_half(going, EXCHANGE_RESPONSE, len))
        return;
    if (!kit_step_half(going, EXCHANGE_REQUEST, len))
        kit_end(going);
}

/* A whole exchange at once. */
KIT_UNUSED static void kit_play(struct kit *kit, struct kit_plan plan)
{
    struct kit_random random = kit_random(plan.id);
    struct kit_exchange going;

    kit_begin(kit, &going, plan);
    while (!going.is_done)
        kit_step(&going, &random, 65536);
}

/* Reads a whole half; the caller frees. */
KIT_UNUSED static char *kit_raw(struct store_reader *reader, uint64_t id, enum exchange_side side, size_t *ret_len)
{
    struct store_reader_range range = {.id = id, .side = side};
    uint64_t len;
    char *bytes;

    must(store_reader_raw_len(reader, id, side, &len));
    bytes = malloc(len + 1);
    assert_non_null(bytes);
    range.len = len;
    must(store_reader_raw(reader, &range, bytes, ret_len));
    assert_int_equal(*ret_len, len);
    return bytes;
}

/* Whether what the reader gives is what the plan says. */
KIT_UNUSED static void kit_check_half(struct store_reader *reader, const struct kit_plan *plan, enum exchange_side side)
{
    struct kit_exchange as_played = {.plan = *plan};
    char head_text[512], *bytes, *expected;
    struct str head = side == EXCHANGE_REQUEST ? kit_request_head(plan, head_text) : kit_response_head(plan, head_text);
    size_t len, body_len = kit_body_len(&as_played, side);

    bytes = kit_raw(reader, plan->id, side, &len);
    if (side == EXCHANGE_RESPONSE && plan->has_no_response) {
        assert_int_equal(len, 0);
        free(bytes);
        return;
    }
    assert_int_equal(len, head.len + body_len);
    assert_memory_equal(bytes, head.ptr, head.len);
    expected = malloc(body_len + 1);
    assert_non_null(expected);
    kit_body(plan, side, 0, expected, body_len);
    if (body_len)
        assert_memory_equal(bytes + head.len, expected, body_len);
    free(expected);
    free(bytes);
}

/* Facts and bytes of a finished exchange. */
KIT_UNUSED static void kit_check(struct store_reader *reader, const struct kit_plan *plan)
{
    struct store_reader_item item;
    struct buf interim;
    struct arena arena;
    char text[512];

    arena_init(&arena, 1 << 22);
    must(store_reader_get(reader, plan->id, &arena, &item));
    assert_int_equal(item.facts.id, plan->id);
    assert_false(item.is_open);
    assert_int_equal(item.facts.at_us, 1700000000000000 + (int64_t)plan->id * 1000);
    assert_true(str_eq(item.facts.method, plan->request_body_len ? STR("POST") : STR("GET")));
    assert_int_equal(item.facts.status, plan->has_no_response ? 0 : 200);
    assert_int_equal(item.facts.time_us, 4321);
    assert_int_equal(item.facts.half[EXCHANGE_RESPONSE].is_complete, !plan->has_no_response && !plan->is_response_cut);
    kit_check_half(reader, plan, EXCHANGE_REQUEST);
    kit_check_half(reader, plan, EXCHANGE_RESPONSE);
    buf_init(&interim, 1 << 20);
    for (unsigned i = 0; i < plan->interim_count; i++) {
        must(store_reader_interim(reader, plan->id, i, &interim));
        assert_true(str_eq(buf_str(&interim), kit_interim(i, text)));
        buf_clear(&interim);
    }
    assert_int_equal(store_reader_interim(reader, plan->id, plan->interim_count, &interim).code, ERR_ABSENT);
    buf_deinit(&interim);
    arena_deinit(&arena);
}

#endif
