/* How fast searches are, on a project made from a seed.  Usage: see bench/search.
 *
 * The project is like a person's browsing: pages, data, scripts, styles and pictures, from a few hundred hosts; a third of
 * the bodies was there before (scripts and pictures more, pages less); half are gzip; pages are UTF-8, Shift_JIS or
 * EUC-JP.  Words are made up and drawn as in real text, few of them often.
 */
#include <iconv.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "http/coding.h"
#include "model/exchange.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/loop.h"
#include "query/parse.h"
#include "store/reader.h"
#include "store/recorder.h"
#include "store/text_index.h"
#include "store/text_indexer.h"

#define MUST(expr) must((expr), #expr)
#define WORDS 20000u
#define BODY_MAX ((size_t)256 * 1024)
#define RUNS 3

static void must(struct err err, const char *what)
{
    if (!err_is(err))
        return;
    fprintf(stderr, "bench/search: %s: %s\n", what, err.what ? err.what : "failed");
    exit(1);
}

struct bench {
    uint64_t exchange_count, seed;
    char folder[300], project_folder[400];
    bool is_kept, is_without_index;
    struct store_project *project;
    struct store_recorder *recorder;
    struct os_loop *loop;
    struct store_recorder_port *port;
    struct exchange_observer *observers[1];
    uint64_t body_bytes, text_bytes;
    double record_s;
};

/* --- numbers and words --- */

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t z = a * UINT64_C(0x9E3779B97F4A7C15) + b * UINT64_C(0xD1B54A32D192ED03) + 1;

    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static char latin[WORDS][16], japanese[WORDS][20];

static void make_words(void)
{
    static const char *const syllables[] = {"ka", "ter", "in", "lo",  "sta", "mer", "ion", "ble", "pre", "qu",
                                            "an", "de",  "vi", "sor", "th",  "ing", "re",  "com", "al",  "un"};

    for (unsigned i = 0; i < WORDS; i++) {
        uint64_t random = mix(77, i);
        size_t len = 0, at = 0;

        for (unsigned k = 0; k < 2 + random % 3; k++)
            len += (size_t)snprintf(latin[i] + len, sizeof(latin[i]) - len, "%s", syllables[mix(random, k) % 20]);
        for (unsigned k = 0; k < 2 + random % 3; k++) {
            /* Kana, and the first two thousand han. */
            uint64_t draw = mix(random, 100 + k);
            uint32_t point = (uint32_t)(draw % 3 ? 0x3042 + draw / 3 % 80 : 0x4e00 + draw / 3 % 600 * 3);

            japanese[i][at++] = (char)(0xe0 | point >> 12);
            japanese[i][at++] = (char)(0x80 | (point >> 6 & 63));
            japanese[i][at++] = (char)(0x80 | (point & 63));
        }
    }
}

/* Few words often, most of them seldom. */
static unsigned draw_word(uint64_t random)
{
    double x = (double)(random >> 11) / (double)(UINT64_C(1) << 53);

    return (unsigned)(pow((double)WORDS, x)) - 1;
}

/* --- bodies --- */

enum kind { PAGE, PAGE_SJIS, PAGE_EUC, DATA, SCRIPT, STYLE, PICTURE, KIND_COUNT };

static const struct {
    const char *type, *name;
    unsigned weight; /* of a hundred */
    size_t len;
    unsigned pool; /* one body in so many exchanges of its kind is new */
} kinds[KIND_COUNT] = {
    {"text/html; charset=utf-8", "page", 25, 14000, 1},
    {"text/html; charset=shift_jis", "sjis", 4, 9000, 1},
    {"text/html; charset=euc-jp", "euc", 4, 9000, 1},
    {"application/json", "data", 27, 5000, 1},
    {"application/javascript", "script", 12, 24000, 20},
    {"text/css", "style", 6, 9000, 20},
    {"image/png", "picture", 22, 10000, 8},
};

static enum kind kind_of(uint64_t random)
{
    unsigned rest = (unsigned)(random % 100), kind = 0;

    while (rest >= kinds[kind].weight)
        rest -= kinds[kind++].weight;
    return (enum kind)kind;
}

static size_t add_words(enum kind kind, uint64_t seed, char *text, size_t len)
{
    bool is_japanese = kind == PAGE_SJIS || kind == PAGE_EUC || (kind == PAGE && seed % 3 == 0);
    size_t at = 0;

    for (uint64_t i = 0; at + 120 < len; i++) {
        uint64_t random = mix(seed, i);
        unsigned word = draw_word(random);

        if (i % 12 == 0)
            at += (size_t)snprintf(text + at, len - at,
                                   kind == DATA     ? "\",\n  \"%s\": \""
                                   : kind == SCRIPT ? ";\n  var %s = \""
                                   : kind == STYLE  ? ";}\n.%s { color: "
                                                    : "</p>\n<p class=\"%s\">",
                                   latin[random % 300]);
        at += (size_t)snprintf(text + at, len - at, "%s%s", is_japanese ? japanese[word] : latin[word],
                               is_japanese ? "" : " ");
    }
    return at;
}

static size_t convert(const char *charset, char *text, size_t len)
{
    static char converted[BODY_MAX];
    iconv_t handle = iconv_open(charset, "UTF-8");
    char *from = text, *to = converted;
    size_t from_left = len, room = sizeof(converted);

    while (from_left && iconv(handle, &from, &from_left, &to, &room) == (size_t)-1) {
        from++; /* a character that the charset lacks */
        from_left--;
    }
    iconv_close(handle);
    memcpy(text, converted, sizeof(converted) - room);
    return sizeof(converted) - room;
}

static size_t make_body(enum kind kind, uint64_t seed, char *text)
{
    size_t len = kinds[kind].len / 2 + mix(seed, 5) % kinds[kind].len;
    size_t at = 0;

    if (kind == PICTURE) {
        for (at = 0; at + 8 <= len; at += 8) {
            uint64_t random = mix(seed, at);

            memcpy(text + at, &random, 8);
        }
        return at;
    }
    at = (size_t)snprintf(text, 200, "<html><head><title>%s %s</title></head><body><p>", latin[seed % WORDS],
                          latin[seed / 7 % WORDS]);
    at += add_words(kind, seed, text + at, len);
    if (seed % 5000 == 17)
        at += (size_t)snprintf(text + at, 100, " zanzibar-needle-%llu ", (unsigned long long)seed);
    if (seed % 97 == 3)
        at += (size_t)snprintf(text + at, 100, " access_token=%016llx ", (unsigned long long)mix(seed, 9));
    if ((kind == PAGE_SJIS || kind == PAGE_EUC) && seed % 400 == 7)
        at += (size_t)snprintf(text + at, 100, "\xe5\x80\x8b\xe4\xba\xba\xe6\x83\x85\xe5\xa0\xb1");
    at += (size_t)snprintf(text + at, 40, "</body></html>\n");
    if (kind == PAGE_SJIS || kind == PAGE_EUC)
        at = convert(kind == PAGE_SJIS ? "CP932" : "EUC-JP", text, at);
    return at;
}

/* --- exchanges --- */

static void set_facts(struct exchange *exchange, uint64_t id, uint64_t seed, enum kind kind)
{
    struct exchange_facts *facts = &exchange->facts;
    struct str target;

    facts->id = id;
    facts->at_us = INT64_C(1790000000000000) + (int64_t)id * 50000;
    exchange->begun_us = os_clock_mono_us();
    facts->method = mix(seed, id) % 20 ? STR("GET") : STR("POST");
    facts->scheme = STR("https");
    facts->port = 443;
    MUST(arena_format(&exchange->arena, &facts->host, "www%u.site-%u.example", (unsigned)(mix(id, 3) % 3),
                      draw_word(mix(id, 4)) % 300));
    MUST(arena_format(&exchange->arena, &target, "/%s/%s/%llu?session=%llu", kinds[kind].name, latin[seed % WORDS],
                      (unsigned long long)(seed % 100000), (unsigned long long)(id / 40)));
    facts->target = target;
    str_cut(target, '?', &facts->path, &facts->query);
    facts->client_version = HTTP_VERSION_11;
    snprintf(facts->client.ip, sizeof(facts->client.ip), "127.0.0.1");
    facts->client.port = (uint16_t)(40000 + id % 1000);
    facts->client_connection = id / 10 + 1;
}

static void send_request(struct exchange *exchange, uint64_t id)
{
    struct exchange_facts *facts = &exchange->facts;
    struct str head;

    MUST(arena_format(
        &exchange->arena, &head,
        "%.*s %.*s HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101\r\n"
        "Accept: */*\r\nAccept-Encoding: gzip\r\nCookie: sid=%016llx; theme=dark\r\n\r\n",
        STR_ARG(facts->method), STR_ARG(facts->target), STR_ARG(facts->host), (unsigned long long)mix(id / 40, 8)));
    exchange_head(exchange, EXCHANGE_REQUEST, head, NULL);
    exchange_half_end(exchange, EXCHANGE_REQUEST, true);
}

static void send_response(struct exchange *exchange, enum kind kind, uint64_t seed, struct str body, bool is_coded)
{
    static const unsigned statuses[] = {200, 200, 200, 200, 200, 200, 200, 200, 404, 302};
    struct exchange_facts *facts = &exchange->facts;
    struct str head, rest;

    facts->status = mix(facts->id, 6) % 5000 == 0 ? 503 : statuses[mix(facts->id, 7) % 10];
    facts->reason = STR("OK");
    str_cut(str_from(kinds[kind].type), ';', &facts->type, &rest);
    facts->origin_version = HTTP_VERSION_11;
    facts->first_byte_us = (int64_t)(mix(facts->id, 8) % 200000);
    MUST(arena_format(&exchange->arena, &head,
                      "HTTP/1.1 %u OK\r\nServer: nginx\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s"
                      "ETag: \"%016llx\"\r\nX-Request-Id: %016llx\r\n\r\n",
                      facts->status, kinds[kind].type, body.len, is_coded ? "Content-Encoding: gzip\r\n" : "",
                      (unsigned long long)mix(seed, 11), (unsigned long long)mix(facts->id, 12)));
    exchange_head(exchange, EXCHANGE_RESPONSE, head, NULL);
    exchange_bytes(exchange, EXCHANGE_RESPONSE, body, body.len);
    exchange_half_end(exchange, EXCHANGE_RESPONSE, true);
    facts->time_us = facts->first_byte_us + (int64_t)(mix(facts->id, 13) % 100000);
}

static void play(struct bench *bench, uint64_t number)
{
    static char text[BODY_MAX];
    struct exchange exchange;
    enum kind kind = kind_of(mix(bench->seed, number));
    uint64_t pool = kinds[kind].pool == 1 ? bench->exchange_count : bench->exchange_count / kinds[kind].pool;
    uint64_t seed = kinds[kind].pool == 1 && mix(number, 20) % 10 ? number : mix(number, 21) % (pool + 1);
    size_t len = make_body(kind, seed, text);
    bool is_coded = kind != PICTURE && seed % 2;
    struct str body = {text, len};
    struct buf coded;

    buf_init(&coded, BODY_MAX);
    bench->text_bytes += kind == PICTURE ? 0 : len;
    if (is_coded) {
        MUST(http_coding_encode(STR("gzip"), body, &coded));
        body = buf_str(&coded);
    }
    bench->body_bytes += len;
    exchange_init(&exchange, 1 << 20, bench->observers, 1);
    set_facts(&exchange, store_recorder_next_id(bench->recorder), seed, kind);
    exchange_begin(&exchange);
    send_request(&exchange, exchange.facts.id);
    send_response(&exchange, kind, seed, body, is_coded);
    exchange_end(&exchange);
    exchange_deinit(&exchange);
    buf_deinit(&coded);
}

static void stop_loop(void *owner) { os_loop_stop(owner); }

static void record(struct bench *bench)
{
    struct os_post post = {.fn = stop_loop};
    uint64_t begun_us = os_clock_mono_us();

    MUST(store_project_open(bench->folder, STR("bench"), STORE_PROJECT_WRITE, &bench->project));
    MUST(store_recorder_open(bench->project, NULL, &bench->recorder));
    MUST(os_loop_new(&bench->loop));
    MUST(store_recorder_port_new(bench->recorder, bench->loop, &bench->port));
    bench->observers[0] = store_recorder_port_observer(bench->port);
    for (uint64_t i = 1; i <= bench->exchange_count; i++) {
        play(bench, i);
        if (i % 200 == 0)
            MUST(store_recorder_flush(bench->recorder, 60000));
    }
    MUST(store_recorder_flush(bench->recorder, 60000));
    bench->record_s = (double)(os_clock_mono_us() - begun_us) / 1e6;
    store_recorder_port_close(&bench->port);
    post.owner = bench->loop;
    os_loop_post(bench->loop, &post);
    os_loop_run(bench->loop);
    MUST(store_recorder_close(&bench->recorder, 60000));
    store_project_close(&bench->project);
    os_loop_free(&bench->loop);
}

/* --- the index --- */

static double process_cpu(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Until every exchange is in a segment. */
static void build_index(struct bench *bench)
{
    struct store_text_indexer_options options = {.idle_ms = 200, .idle_documents_min = 1, .nap_ms = 50};
    struct store_text_indexer_status status, before = {0};
    struct store_text_indexer *indexer;
    double cpu = process_cpu();
    uint64_t begun_us = os_clock_mono_us(), still_us = begun_us;

    MUST(store_text_indexer_start(bench->project_folder, &options, &indexer));
    do {
        usleep(50000);
        store_text_indexer_status(indexer, &status);
        if (status.exchange_count != before.exchange_count || status.segment_bytes != before.segment_bytes ||
            !status.is_idle)
            still_us = os_clock_mono_us();
        before = status;
    } while (os_clock_mono_us() - still_us < 2000000);
    store_text_indexer_stop(&indexer);
    cpu = process_cpu() - cpu;
    printf(
        "  \"index\": {\"exchanges\": %llu, \"distinct_text_mb\": %.1f, \"segments_mb\": %.2f, \"part_of_text\": %.4f, "
        "\"wall_s\": %.2f, \"cpu_s\": %.2f, \"text_mb_per_cpu_s\": %.1f},\n",
        (unsigned long long)status.exchange_count, (double)status.text_bytes / 1e6, (double)status.segment_bytes / 1e6,
        status.text_bytes ? (double)status.segment_bytes / (double)status.text_bytes : 0,
        (double)(still_us - begun_us) / 1e6, cpu, cpu > 0 ? (double)status.text_bytes / 1e6 / cpu : 0);
}

/* --- queries --- */

static const struct {
    const char *text, *order;
} queries[] = {
    {"", ""},
    {"host = \"www1.site-7.example\"", ""},
    {"host : \"site-29\"", ""},
    {"status = 503", ""},
    {"status >= 400 AND method = POST", ""},
    {"res.type = \"image/png\"", ""},
    {"res.len > 30kb", ""},
    {"time > 290ms", ""},
    {"path : \"/script/\"", ""},
    {"path =~ /^\\/page\\/.*9$/", ""},
    {"has:error", ""},
    {"zanzibar-needle", ""},
    {"zanzibar-needle-10017", ""},
    {"\"no such text anywhere\"", ""},
    {"access_token", ""},
    {"res.body : \"access_token=0\"", ""},
    {"\"\xe5\x80\x8b\xe4\xba\xba\xe6\x83\x85\xe5\xa0\xb1\"", ""},
    {"res.body : \"</HTML>\"", ""},
    {"res.body =~ /zanzibar-needle-\\d+17/", ""},
    {"res.body =~ /access_token=[0-9a-f]{4}beef/", ""},
    {"res.body =~ /(zanzi|tanzi)bar-needle/i", ""},
    {"res.body =~ /needle-[0-9]{5}\\b/", ""},
    {"res.headers : \"X-Request-Id: 00\"", ""},
    {"res.header[etag] : \"beef\"", ""},
    {"req.cookie[sid] : \"dead\"", ""},
    {"req.url : \"session=17\"", ""},
    {"zanzibar-needle AND status = 200", ""},
    {"zanzibar-needle OR status = 503", ""},
    {"access_token AND NOT host : \"site-1\"", ""},
    {"", "-res.len"},
    {"", "host"},
    {"", "-time"},
    {"", "status"},
    {"", "path"},
    {"zanzibar-needle", "-res.len"},
};

struct asked {
    uint64_t begun_us, first_us;
    size_t count;
};

static bool on_item(void *owner, const struct store_reader_item *item)
{
    struct asked *asked = owner;

    (void)item;
    if (asked->count++ == 0)
        asked->first_us = os_clock_mono_us() - asked->begun_us;
    return true;
}

static double milliseconds(uint64_t us) { return (double)us / 1e3; }

/* Best of a few, since others use the machine, too; and the first.  What takes long is not asked again. */
static void ask(struct store_reader *reader, const char *text, const char *order, bool is_last)
{
    struct query_parse_options options = {.now_us = INT64_C(1790000000000000)};
    uint64_t first = UINT64_MAX, page = UINT64_MAX, count = UINT64_MAX, page_cold = 0;
    struct store_reader_count total = {0};
    struct query_tree *tree = NULL;
    struct query_error error;

    MUST(query_parse(str_from(text), &options, &tree, &error));
    for (unsigned run = 0; run < RUNS; run++) {
        struct asked asked = {.begun_us = os_clock_mono_us()};
        struct store_reader_query query = {
            .query = tree, .order = str_from(order), .fraction = -1, .limit = 100, .on_item = on_item, .owner = &asked};
        struct store_reader_result result;
        uint64_t us;

        MUST(store_reader_list(reader, &query, &result));
        us = os_clock_mono_us() - asked.begun_us;
        page_cold = run == 0 ? us : page_cold;
        page = us < page ? us : page;
        if (asked.count && asked.first_us < first)
            first = asked.first_us;
        asked.begun_us = os_clock_mono_us();
        MUST(store_reader_count(reader, &query, &total));
        us = os_clock_mono_us() - asked.begun_us;
        count = us < count ? us : count;
        if (us > 1000000)
            break;
    }
    printf("    {\"query\": \"");
    for (const char *c = text; *c; c++)
        printf("%s%c", *c == '"' || *c == '\\' ? "\\" : "", *c);
    printf(
        "\", \"order\": \"%s\", \"matches\": %llu, \"first_hit_ms\": %.2f, \"page_ms\": %.2f, \"page_first_time_ms\": "
        "%.2f, \"count_ms\": %.2f}%s\n",
        order, (unsigned long long)total.count, first == UINT64_MAX ? -1 : milliseconds(first), milliseconds(page),
        milliseconds(page_cold), milliseconds(count), is_last ? "" : ",");
    query_tree_free(&tree);
}

static void ask_all(struct bench *bench)
{
    const size_t count = sizeof(queries) / sizeof(queries[0]);
    struct store_reader *reader;
    struct rusage usage;

    MUST(store_reader_open(bench->project_folder, false, &reader));
    printf("  \"queries\": [\n");
    for (size_t i = 0; i < count; i++) {
        ask(reader, queries[i].text, queries[i].order, i + 1 == count);
        fflush(stdout);
    }
    store_reader_close(&reader);
    getrusage(RUSAGE_SELF, &usage);
    printf("  ],\n  \"peak_memory_mb\": %.1f\n}\n", (double)usage.ru_maxrss / 1024);
}

/* --- all of it --- */

static void read_arguments(struct bench *bench, int count, char **arguments)
{
    const char *base = getenv("TMPDIR");

    bench->exchange_count = 50000;
    bench->seed = 1;
    snprintf(bench->folder, sizeof(bench->folder), "%s/sekisho-bench-XXXXXX", base ? base : "/tmp");
    for (int i = 1; i < count; i++) {
        bool has_value = i + 1 < count;

        if (strcmp(arguments[i], "--without-index") == 0) {
            bench->is_without_index = true;
        } else if (strcmp(arguments[i], "--exchanges") == 0 && has_value) {
            bench->exchange_count = strtoull(arguments[++i], NULL, 10);
        } else if (strcmp(arguments[i], "--seed") == 0 && has_value) {
            bench->seed = strtoull(arguments[++i], NULL, 10);
        } else if (strcmp(arguments[i], "--folder") == 0 && has_value) {
            snprintf(bench->folder, sizeof(bench->folder), "%s", arguments[++i]);
            bench->is_kept = true;
        } else {
            fprintf(stderr, "bench/search: %s: see the head of bench/search\n", arguments[i]);
            exit(2);
        }
    }
    if (!bench->is_kept && !mkdtemp(bench->folder))
        exit(1);
    snprintf(bench->project_folder, sizeof(bench->project_folder), "%s/bench", bench->folder);
}

int main(int argument_count, char **arguments)
{
    static struct bench bench;
    char command[400];

    read_arguments(&bench, argument_count, arguments);
    make_words();
    printf("{\n");
    if (!os_file_exists(bench.project_folder)) {
        record(&bench);
        printf(
            "  \"project\": {\"exchanges\": %llu, \"body_mb\": %.1f, \"text_body_mb\": %.1f, \"made_in_s\": %.1f},\n",
            (unsigned long long)bench.exchange_count, (double)bench.body_bytes / 1e6, (double)bench.text_bytes / 1e6,
            bench.record_s);
    }
    if (!bench.is_without_index)
        build_index(&bench);
    ask_all(&bench);
    snprintf(command, sizeof(command), "rm -rf '%s'", bench.folder);
    return bench.is_kept || system(command) == 0 ? 0 : 1;
}
