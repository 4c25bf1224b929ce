/* What recording costs: plays exchanges through real ports and prints JSON.
 *
 *   recorder [FOLDER [CASE]]     FOLDER: where the projects are made; default $TMPDIR or /tmp.  CASE: "1 KiB", ...
 *
 * CPU is user + system of the whole process (observer calls, recorder thread, syncer), less what the loop itself costs
 * when nobody observes; "observer" is the traffic thread's part alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "model/exchange.h"
#include "os/clock.h"
#include "os/loop.h"
#include "store/recorder.h"

#define MUST(expr)                                                                                                     \
    do {                                                                                                               \
        struct err must_err_ = (expr);                                                                                 \
        if (err_is(must_err_)) {                                                                                       \
            fprintf(stderr, "%s: %s\n", #expr, must_err_.what);                                                        \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

struct bench {
    char folder[300];
    struct store_project *project;
    struct store_recorder *recorder;
    struct os_loop *loop;
    struct store_recorder_port *port;
    struct exchange_observer *observers[1];
    char *body;
    uint64_t last_id;
    const char *only; /* the case to run; NULL: all */
};

static double seconds(struct timeval time) { return (double)time.tv_sec + (double)time.tv_usec / 1e6; }

static double process_cpu(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

static double thread_cpu(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void set_facts(struct exchange_facts *facts)
{
    facts->at_us = os_clock_wall_us();
    facts->method = STR("GET");
    facts->scheme = STR("https");
    facts->host = STR("www.example.com");
    facts->port = 443;
    facts->target = STR("/assets/app.js?v=12345");
    facts->path = STR("/assets/app.js");
    facts->query = STR("v=12345");
    facts->client_version = HTTP_VERSION_11;
    memcpy(facts->client.ip, "127.0.0.1", 10);
    memcpy(facts->origin.ip, "93.184.216.34", 14);
    facts->client.port = 50123;
    facts->origin.port = 443;
    facts->client_tls = (struct facts_tls){.version = STR("TLSv1.3"),
                                           .cipher = STR("TLS_AES_256_GCM_SHA384"),
                                           .alpn = STR("http/1.1"),
                                           .sni = STR("www.example.com"),
                                           .ja4 = STR("t13d1516h2_8daaf6152771_e5627efa2ab1")};
    facts->origin_tls = (struct facts_tls){.version = STR("TLSv1.3"),
                                           .cipher = STR("TLS_AES_256_GCM_SHA384"),
                                           .alpn = STR("http/1.1"),
                                           .sni = STR("www.example.com"),
                                           .verify = STR("ok"),
                                           .subject = STR("CN=www.example.com"),
                                           .issuer = STR("CN=Example CA")};
    facts->client_connection = facts->origin_connection = 17;
}

static void play(struct bench *bench, struct exchange_observer *const *observers, size_t count, size_t body_len)
{
    static const char request_head[] = "GET /assets/app.js?v=12345 HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: "
                                       "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
                                       "Chrome/120.0 Safari/537.36\r\nAccept: */*\r\nAccept-Encoding: gzip, br\r\n\r\n";
    static const char response_head[] = "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sun, 22 Nov 2026 11:00:00 GMT\r\n"
                                        "Content-Type: application/javascript\r\nContent-Length: 1024\r\n"
                                        "Connection: keep-alive\r\nETag: \"65f1c\"\r\nAccept-Ranges: bytes\r\n\r\n";
    struct exchange exchange;
    uint64_t id = ++bench->last_id;

    exchange_init(&exchange, 1 << 20, observers, count);
    exchange.facts.id = count ? store_recorder_next_id(bench->recorder) : id;
    exchange.begun_us = os_clock_mono_us();
    set_facts(&exchange.facts);
    memcpy(bench->body, &id, sizeof(id)); /* no two bodies are the same */
    exchange_begin(&exchange);
    exchange_head(&exchange, EXCHANGE_REQUEST, STR(request_head), NULL);
    exchange_half_end(&exchange, EXCHANGE_REQUEST, true);
    exchange.facts.status = 200;
    exchange.facts.reason = STR("OK");
    exchange.facts.type = STR("application/javascript");
    exchange.facts.origin_version = HTTP_VERSION_11;
    exchange_head(&exchange, EXCHANGE_RESPONSE, STR(response_head), NULL);
    for (size_t at = 0; at < body_len; at += 65536) {
        size_t len = body_len - at < 65536 ? body_len - at : 65536;

        while (count && !observers[0]->ops->has_room(observers[0]))
            usleep(500);
        exchange_bytes(&exchange, EXCHANGE_RESPONSE, (struct str){bench->body + at, len}, len);
    }
    exchange_half_end(&exchange, EXCHANGE_RESPONSE, true);
    exchange.facts.time_us = 1000;
    exchange_end(&exchange);
    exchange_deinit(&exchange);
}

/* At the pace asked for, as traffic comes: in small bursts. */
static void run(struct bench *bench, const char *name, size_t body_len, unsigned count)
{
    double base, observer, process, wall, start;
    struct store_recorder_status before, after;
    uint64_t begun_us;

    if (bench->only && strcmp(bench->only, name) != 0)
        return;
    start = thread_cpu();
    for (unsigned i = 0; i < count; i++)
        play(bench, NULL, 0, body_len);
    base = thread_cpu() - start;
    store_recorder_status(bench->recorder, &before);
    begun_us = os_clock_mono_us();
    process = process_cpu();
    start = thread_cpu();
    for (unsigned i = 0; i < count; i++) {
        play(bench, bench->observers, 1, body_len);
        while (!bench->observers[0]->ops->has_room(bench->observers[0]))
            usleep(500);
    }
    observer = thread_cpu() - start;
    MUST(store_recorder_flush(bench->recorder, 60000));
    process = process_cpu() - process;
    wall = (double)(os_clock_mono_us() - begun_us) / 1e6;
    store_recorder_status(bench->recorder, &after);
    printf("{\"name\":\"%s\",\"count\":%u,\"body_bytes\":%zu,\"cpu_s_per_10k\":%.4f,\"observer_cpu_s_per_10k\":%.4f,"
           "\"per_second\":%.0f,\"mb_per_s\":%.1f,\"recorded_bytes_each\":%.0f}\n",
           name, count, body_len, (process - base) / count * 1e4, (observer - base) / count * 1e4, count / wall,
           (double)body_len * count / wall / 1e6, (double)(after.recorded_bytes - before.recorded_bytes) / count);
    fflush(stdout);
}

static void stop(void *owner) { os_loop_stop(owner); }

int main(int argc, char **argv)
{
    const char *base = argc > 1 ? argv[1] : getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    struct bench bench = {.only = argc > 2 ? argv[2] : NULL};
    struct os_post post = {.fn = stop};
    char command[400];

    snprintf(bench.folder, sizeof(bench.folder), "%s/sekisho-bench-XXXXXX", base);
    if (!mkdtemp(bench.folder))
        return 1;
    bench.body = malloc(100 << 20);
    CHECK(bench.body);
    for (size_t i = 0; i < 100 << 20; i++)
        bench.body[i] = (char)(i * 2654435761u >> 13);
    MUST(store_project_open(bench.folder, STR("bench"), STORE_PROJECT_WRITE, &bench.project));
    MUST(store_recorder_open(bench.project, NULL, &bench.recorder));
    MUST(os_loop_new(&bench.loop));
    MUST(store_recorder_port_new(bench.recorder, bench.loop, &bench.port));
    bench.observers[0] = store_recorder_port_observer(bench.port);
    run(&bench, "warm-up", 1024, 20000);
    run(&bench, "1 KiB", 1024, 100000);
    run(&bench, "10 KiB", 10240, 50000);
    run(&bench, "100 MiB", 100 << 20, 5);
    store_recorder_port_close(&bench.port);
    post.owner = bench.loop;
    os_loop_post(bench.loop, &post);
    os_loop_run(bench.loop);
    MUST(store_recorder_close(&bench.recorder, 60000));
    store_project_close(&bench.project);
    os_loop_free(&bench.loop);
    free(bench.body);
    snprintf(command, sizeof(command), "rm -rf '%s'", bench.folder);
    return system(command) ? 1 : 0;
}
