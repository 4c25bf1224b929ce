#include "admin/server.h"

#include "admin/connection.h"
#include "base/log.h"
#include "os/clock.h"
#include "os/tcp.h"
#include "store/project.h"

#include <inttypes.h>

#define CONNECTION_MAX 256
#define THREAD_COUNT 3

struct client {
    struct list node;
    struct admin_server *server;
    struct admin_connection *connection;
};

struct admin_server {
    struct admin_home home;
    struct os_listener *listener; /* NULL once closed */
    struct os_addr addr;
    struct list clients; /* in the order of coming */
    bool is_feed_open;
    bool is_closing;
    void (*on_closed)(void *owner);
    void *owner;
    struct os_post closed_post;
};

static void finish_close(struct admin_server *server);

static void on_gone(void *owner)
{
    struct client *client = owner;
    struct admin_server *server = client->server;

    list_remove(&client->node);
    server->home.connection_count--;
    admin_connection_free(&client->connection);
    free(client);
    if (server->is_closing)
        finish_close(server);
}

/* The longest idle connection gives way, so that holding connections open does not shut anybody out. */
static bool make_room(struct admin_server *server)
{
    for (struct list *node = server->clients.next; node != &server->clients; node = node->next) {
        struct client *client = LIST_OWNER(node, struct client, node);

        if (admin_connection_is_idle(client->connection)) {
            admin_connection_close(client->connection);
            return true;
        }
    }
    return false;
}

static void on_accept(void *owner, int fd)
{
    struct admin_server *server = owner;
    struct client *client;

    if (server->home.connection_count >= server->home.options.connection_max && !make_room(server)) {
        os_tcp_discard(fd);
        return;
    }
    client = calloc(1, sizeof(*client));
    CHECK(client);
    client->server = server;
    if (err_is(admin_connection_new(&server->home, fd, on_gone, client, &client->connection))) {
        free(client);
        return;
    }
    list_push_last(&server->clients, &client->node);
    server->home.connection_count++;
}

static void on_listener_closed(void *owner)
{
    struct admin_server *server = owner;

    server->listener = NULL;
    finish_close(server);
}

static const struct os_listener_events listener_events = {.on_accept = on_accept, .on_closed = on_listener_closed};

static void set_options(struct admin_server *server, const struct admin_server_options *options)
{
    struct admin_home *home = &server->home;
    uint64_t run;

    home->options = *options;
    if (!home->options.connection_max)
        home->options.connection_max = CONNECTION_MAX;
    if (!home->options.body_bytes_max)
        home->options.body_bytes_max = ADMIN_INTAKE_BODY_MAX;
    if (!home->options.thread_count)
        home->options.thread_count = THREAD_COUNT;
    os_clock_random(&run, sizeof(run));
    snprintf(home->run_id, sizeof(home->run_id), "%016" PRIx64, run);
    home->started_us = os_clock_wall_us();
    admin_auth_init(&home->auth, &options->token);
    list_init(&server->clients);
}

static struct err open_worker_and_listener(struct admin_server *server)
{
    struct admin_home *home = &server->home;
    struct admin_worker_options worker = {.loop = home->options.loop,
                                          .project_folder = store_project_folder(home->options.project),
                                          .thread_count = home->options.thread_count,
                                          .waiting_max = home->options.connection_max + 1};

    for (size_t i = 0; i < home->options.host_count; i++)
        TRY(admin_auth_allow_host(&home->auth, home->options.hosts[i]));
    TRY(admin_worker_new(&worker, &home->worker));
    return os_listener_open(home->options.loop, &home->options.listen, &listener_events, server, &server->listener);
}

static void open_feed(struct admin_server *server)
{
    struct admin_home *home = &server->home;
    struct admin_feed_options feed = {
        .loop = home->options.loop, .recorder = home->options.recorder, .worker = home->worker, .run_id = home->run_id};

    if (feed.recorder && err_is(admin_feed_open(&feed, &home->feed)))
        log_write(LOG_WARNING, "the admin page will not update itself: no live feed");
}

struct err admin_server_open(const struct admin_server_options *options, struct admin_server **ret_server)
{
    struct admin_server *server = calloc(1, sizeof(*server));
    struct err err;

    CHECK(server);
    set_options(server, options);
    err = open_worker_and_listener(server);
    if (err_is(err)) {
        admin_worker_free(&server->home.worker);
        free(server);
        return err;
    }
    open_feed(server);
    os_listener_addr(server->listener, &server->addr);
    if (!os_addr_is_loopback(&server->addr))
        log_write(LOG_WARNING, "the admin page is open to other machines: whoever has the token sees all traffic");
    *ret_server = server;
    return OK;
}

static void on_everything_closed(void *owner)
{
    struct admin_server *server = owner;
    void (*on_closed)(void *) = server->on_closed;
    void *closed_owner = server->owner;

    admin_worker_free(&server->home.worker);
    free(server);
    on_closed(closed_owner);
}

static void finish_close(struct admin_server *server)
{
    struct admin_feed *feed = server->home.feed;

    if (!server->is_closing || server->listener || !list_is_empty(&server->clients))
        return;
    server->home.feed = NULL;
    if (feed) {
        admin_feed_close(feed, on_everything_closed, server);
        return;
    }
    server->closed_post = (struct os_post){.fn = on_everything_closed, .owner = server};
    os_loop_post(server->home.options.loop, &server->closed_post);
}

void admin_server_close(struct admin_server *server, void (*on_closed)(void *owner), void *owner)
{
    CHECK(!server->is_closing);
    server->is_closing = true;
    server->on_closed = on_closed;
    server->owner = owner;
    os_listener_close(server->listener);
    for (struct list *node = server->clients.next; node != &server->clients; node = node->next)
        admin_connection_close(LIST_OWNER(node, struct client, node)->connection);
}

uint16_t admin_server_port(const struct admin_server *server) { return server->addr.port; }

const char *admin_server_link(const struct admin_server *server, char *text, size_t size)
{
    struct os_addr addr = server->addr;
    char host[OS_ADDR_TEXT_BYTES];

    if (os_addr_is_unspecified(&addr))
        CHECK(!err_is(os_addr_parse(addr.family == OS_FAMILY_IP6 ? STR("::1") : STR("127.0.0.1"), addr.port, &addr)));
    snprintf(text, size, "http://%s/#token=%s", os_addr_format(&addr, host), server->home.auth.token.text);
    return text;
}
