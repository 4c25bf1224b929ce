/* A query is one name on its way; look-ups of that name join it.  Queries wait in a queue for a thread; the answer is
 * copied into each look-up, which travels to its loop as a post. */
#include "os/resolver.h"

#include <netdb.h>
#include <stdlib.h>

#include "base/map.h"
#include "os/addr_sys.h"
#include "os/clock.h"
#include "os/thread.h"

#define THREADS_DEFAULT 4
#define THREADS_MAX 64
#define WAITING_DEFAULT 1024
#define NAME_BYTES 256 /* RFC 1035, 2.3.4: at most 253 and a dot */

struct query {
    struct query *next; /* in the queue */
    struct list lookups;
    bool is_running;
    char name[NAME_BYTES];
};

struct answer {
    struct err error;
    size_t addr_count;
    struct os_addr addrs[OS_RESOLVER_ADDR_MAX];
};

struct os_lookup {
    struct list among; /* of the query */
    struct os_resolver *resolver;
    struct query *query; /* NULL once answered; under the resolver's lock */
    struct os_loop *loop;
    uint16_t port;
    void (*on_result)(void *owner, struct err err, const struct os_addr *addrs, size_t addr_count);
    void *owner;
    bool is_cancelled; /* of the loop's thread */
    struct os_post post;
    struct answer answer;
};

struct os_resolver {
    struct os_lock *lock; /* of all of `shared` */
    unsigned waiting_max;
    struct {
        struct map queries; /* by name: waiting and running */
        struct query *first, *last;
        unsigned lookup_count;
        unsigned user_count; /* threads, and the owner; the last one frees */
        bool is_closing;
    } shared;
};

static void deliver(void *owner)
{
    struct os_lookup *lookup = owner;
    const struct answer *answer = &lookup->answer;

    if (!lookup->is_cancelled)
        lookup->on_result(lookup->owner, answer->error, answer->addrs, answer->addr_count);
    free(lookup);
}

static void ask_system(const char *name, struct answer *ret_answer)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *first;
    int status = getaddrinfo(name, NULL, &hints, &first);

    *ret_answer = (struct answer){.error = OK};
    if (status) {
        /* The texts are static. */
        ret_answer->error = ERR(ERR_RESOLVE, 0, gai_strerror(status));
        return;
    }
    for (struct addrinfo *at = first; at && ret_answer->addr_count < OS_RESOLVER_ADDR_MAX; at = at->ai_next) {
        struct sockaddr_storage address = {0};
        struct os_addr *addr = &ret_answer->addrs[ret_answer->addr_count];

        if (at->ai_addrlen > sizeof(address))
            continue;
        memcpy(&address, at->ai_addr, at->ai_addrlen);
        os_addr_from_system(&address, addr);
        ret_answer->addr_count += addr->family != OS_FAMILY_NONE;
    }
    freeaddrinfo(first);
    if (ret_answer->addr_count == 0)
        ret_answer->error = ERR(ERR_RESOLVE, 0, "the name has no address");
}

static void detach(struct os_lookup *lookup)
{
    list_remove(&lookup->among);
    lookup->query = NULL;
    lookup->resolver->shared.lookup_count--;
}

/* With the lock held.  The look-ups are no longer this thread's once they are posted. */
static void answer_all(struct query *query, const struct answer *answer)
{
    struct list *node;

    while ((node = list_first(&query->lookups))) {
        struct os_lookup *lookup = LIST_OWNER(node, struct os_lookup, among);

        detach(lookup);
        lookup->answer = *answer;
        for (size_t i = 0; i < answer->addr_count; i++)
            lookup->answer.addrs[i].port = lookup->port;
        os_loop_post(lookup->loop, &lookup->post);
    }
}

static void free_query(struct query *query)
{
    struct list *node;

    while ((node = list_first(&query->lookups))) {
        struct os_lookup *lookup = LIST_OWNER(node, struct os_lookup, among);

        detach(lookup);
        free(lookup);
    }
    free(query);
}

static struct query *pop_query(struct os_resolver *resolver)
{
    struct query *query = resolver->shared.first;

    if (!query)
        return NULL;
    resolver->shared.first = query->next;
    if (!query->next)
        resolver->shared.last = NULL;
    return query;
}

static void push_query(struct os_resolver *resolver, struct query *query)
{
    if (resolver->shared.last)
        resolver->shared.last->next = query;
    else
        resolver->shared.first = query;
    resolver->shared.last = query;
}

/* With the lock held, which is left. */
static void leave(struct os_resolver *resolver)
{
    bool is_last = --resolver->shared.user_count == 0;

    os_lock_leave(resolver->lock);
    if (!is_last)
        return;
    map_deinit(&resolver->shared.queries);
    os_lock_free(&resolver->lock);
    free(resolver);
}

static void run_resolver_thread(void *owner)
{
    struct os_resolver *resolver = owner;
    struct answer answer;
    struct query *query;

    os_lock_enter(resolver->lock);
    while (!resolver->shared.is_closing) {
        query = pop_query(resolver);
        if (!query) {
            os_lock_wait(resolver->lock, UINT64_MAX);
            continue;
        }
        query->is_running = true;
        os_lock_leave(resolver->lock);
        ask_system(query->name, &answer);
        os_lock_enter(resolver->lock);
        map_remove(&resolver->shared.queries, str_from(query->name));
        if (!resolver->shared.is_closing)
            answer_all(query, &answer);
        free_query(query);
    }
    leave(resolver);
}

static struct err start_thread(struct os_resolver *resolver)
{
    struct os_thread *thread;
    struct err error;

    os_lock_enter(resolver->lock);
    resolver->shared.user_count++;
    os_lock_leave(resolver->lock);
    error = os_thread_start("resolver", run_resolver_thread, resolver, &thread);
    if (!err_is(error)) {
        os_thread_detach(&thread);
        return OK;
    }
    os_lock_enter(resolver->lock);
    leave(resolver);
    return error;
}

struct err os_resolver_new(const struct os_resolver_options *options, struct os_resolver **ret_resolver)
{
    struct os_resolver *resolver = calloc(1, sizeof(*resolver));
    unsigned thread_count = options->thread_count ? options->thread_count : THREADS_DEFAULT;
    uint64_t seed[2];
    struct err error;

    CHECK(resolver);
    CHECK(thread_count <= THREADS_MAX);
    resolver->waiting_max = options->waiting_max ? options->waiting_max : WAITING_DEFAULT;
    os_clock_random(seed, sizeof(seed));
    /* Every query has a look-up, except those whose look-ups were cancelled while they ran. */
    map_init(&resolver->shared.queries, resolver->waiting_max + THREADS_MAX, seed);
    resolver->shared.user_count = 1;
    error = os_lock_new(&resolver->lock);
    if (err_is(error)) {
        map_deinit(&resolver->shared.queries);
        free(resolver);
        return error;
    }
    for (unsigned i = 0; !err_is(error) && i < thread_count; i++)
        error = start_thread(resolver);
    if (err_is(error)) {
        os_resolver_free(&resolver);
        return error;
    }
    *ret_resolver = resolver;
    return OK;
}

void os_resolver_free(struct os_resolver **resolver)
{
    struct os_resolver *freed = *resolver;
    struct query *query;

    if (!freed)
        return;
    *resolver = NULL;
    os_lock_enter(freed->lock);
    freed->shared.is_closing = true;
    os_lock_signal_all(freed->lock);
    while ((query = pop_query(freed)))
        free_query(query);
    leave(freed);
}

/* RFC 6761, 6.3: names under "localhost" always mean this machine; no name server is asked. */
static bool is_under_localhost(struct str host)
{
    return str_ends_nocase(host, STR(".localhost")) || str_ends_nocase(host, STR(".localhost."));
}

/* Answers that need no thread. */
static bool answer_at_once(struct str host, uint16_t port, struct answer *ret_answer)
{
    struct os_addr addr;

    *ret_answer = (struct answer){.error = OK, .addr_count = 1};
    if (!err_is(os_addr_parse(host, port, &addr))) {
        ret_answer->addrs[0] = addr;
        return true;
    }
    if (is_under_localhost(host)) {
        ret_answer->addr_count = 2;
        ret_answer->addrs[0] = (struct os_addr){.family = OS_FAMILY_IP4, .port = port, .ip = {127, 0, 0, 1}};
        ret_answer->addrs[1] = (struct os_addr){.family = OS_FAMILY_IP6, .port = port, .ip = {[15] = 1}};
        return true;
    }
    if (host.len == 0 || host.len >= NAME_BYTES || str_find_char(host, '\0') != STR_ABSENT) {
        *ret_answer = (struct answer){.error = ERR(ERR_RESOLVE, 0, "not a host name")};
        return true;
    }
    return false;
}

/* With the lock held. */
static struct err join_query(struct os_lookup *lookup, struct str host)
{
    struct os_resolver *resolver = lookup->resolver;
    char name[NAME_BYTES];
    struct query *query;

    for (size_t i = 0; i < host.len; i++)
        name[i] = str_fold_char(host.ptr[i]);
    host.ptr = name;
    if (resolver->shared.lookup_count >= resolver->waiting_max)
        return ERR(ERR_LIMIT, 0, "too many look-ups wait");
    query = map_get(&resolver->shared.queries, host);
    if (!query) {
        query = calloc(1, sizeof(*query));
        CHECK(query);
        CHECK(str_to_c(host, query->name, sizeof(query->name)));
        list_init(&query->lookups);
        CHECK(!err_is(map_put(&resolver->shared.queries, host, query)));
        push_query(resolver, query);
        os_lock_signal_all(resolver->lock);
    }
    lookup->query = query;
    list_push_last(&query->lookups, &lookup->among);
    resolver->shared.lookup_count++;
    return OK;
}

/* LIMIT: the contract names all six. */
struct err os_resolver_lookup(struct os_resolver *resolver, struct os_loop *loop, struct str host, uint16_t port,
                              void (*on_result)(void *owner, struct err err, const struct os_addr *addrs,
                                                size_t addr_count),
                              void *owner, struct os_lookup **ret_lookup)
{
    struct os_lookup *lookup = calloc(1, sizeof(*lookup));
    struct err error;

    CHECK(lookup);
    *lookup = (struct os_lookup){.resolver = resolver, .loop = loop, .port = port};
    lookup->on_result = on_result;
    lookup->owner = owner;
    lookup->post = (struct os_post){.fn = deliver, .owner = lookup};
    if (answer_at_once(host, port, &lookup->answer)) {
        os_loop_defer(loop, &lookup->post);
        *ret_lookup = lookup;
        return OK;
    }
    os_lock_enter(resolver->lock);
    error = join_query(lookup, host);
    os_lock_leave(resolver->lock);
    if (err_is(error)) {
        free(lookup);
        return error;
    }
    *ret_lookup = lookup;
    return OK;
}

/* With the lock held: a query that nobody waits for and no thread has taken leaves the queue. */
static void drop_if_unwanted(struct os_resolver *resolver, struct query *query)
{
    struct query **link = &resolver->shared.first;
    struct query *before = NULL;

    if (query->is_running || !list_is_empty(&query->lookups))
        return;
    while (*link != query) {
        before = *link;
        link = &before->next;
    }
    *link = query->next;
    if (resolver->shared.last == query)
        resolver->shared.last = before;
    map_remove(&resolver->shared.queries, str_from(query->name));
    free(query);
}

void os_resolver_cancel(struct os_lookup *lookup)
{
    struct os_resolver *resolver = lookup->resolver;
    struct query *query;

    os_lock_enter(resolver->lock);
    query = lookup->query;
    if (query) {
        detach(lookup);
        drop_if_unwanted(resolver, query);
        free(lookup);
    } else {
        /* Its answer is on the way to this loop. */
        lookup->is_cancelled = true;
    }
    os_lock_leave(resolver->lock);
}
