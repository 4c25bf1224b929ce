#include "os/resolver.h"

#include <stdlib.h>

#include "world.h"

#define WAITING_DEFAULT 1024

struct os_resolver {
    unsigned waiting_max;
    unsigned waiting_count;
    struct list lookups;
};

struct os_lookup {
    struct list among;
    struct os_resolver *resolver;
    void (*on_result)(void *owner, struct err err, const struct os_addr *addrs, size_t addr_count);
    void *owner;
    struct world_event answer;
    uint16_t port;
    char host[256];
};

struct err os_resolver_new(const struct os_resolver_options *options, struct os_resolver **ret_resolver)
{
    struct os_resolver *resolver = calloc(1, sizeof(*resolver));

    CHECK(resolver);
    resolver->waiting_max = options->waiting_max ? options->waiting_max : WAITING_DEFAULT;
    list_init(&resolver->lookups);
    *ret_resolver = resolver;
    return OK;
}

static void free_lookup(struct os_lookup *lookup)
{
    world_event_stop(&lookup->answer);
    list_remove(&lookup->among);
    lookup->resolver->waiting_count--;
    world_closed(WORLD_LOOKUP);
    free(lookup);
}

void os_resolver_free(struct os_resolver **resolver)
{
    struct list *node;

    if (!*resolver)
        return;
    while ((node = list_first(&(*resolver)->lookups)))
        free_lookup(LIST_OWNER(node, struct os_lookup, among));
    free(*resolver);
    *resolver = NULL;
}

static size_t find_addrs(struct str host, uint16_t port, struct os_addr *addrs)
{
    size_t count = 0;

    if (!err_is(os_addr_parse(host, port, &addrs[0])))
        return 1;
    for (struct list *node = world->names.next; node != &world->names; node = node->next) {
        struct world_name *name = LIST_OWNER(node, struct world_name, among);

        if (count == OS_RESOLVER_ADDR_MAX || !str_eq_nocase(str_from(name->text), host))
            continue;
        addrs[count] = name->addr;
        addrs[count++].port = port;
    }
    return count;
}

static void answer(void *owner)
{
    struct os_lookup *lookup = owner;
    struct os_addr addrs[OS_RESOLVER_ADDR_MAX];
    size_t count = world_fails(SIM_FAULT_RESOLVE) ? 0 : find_addrs(str_from(lookup->host), lookup->port, addrs);
    struct os_lookup told = *lookup;

    free_lookup(lookup);
    told.on_result(told.owner, count ? OK : ERR(ERR_RESOLVE, 0, "Name or service not known"), addrs, count);
}

/* LIMIT: the signature is the real one's. */
struct err os_resolver_lookup(struct os_resolver *resolver, struct os_loop *loop, struct str host, uint16_t port,
                              void (*on_result)(void *owner, struct err err, const struct os_addr *addrs,
                                                size_t addr_count),
                              void *owner, struct os_lookup **ret_lookup)
{
    struct os_lookup *lookup;

    if (resolver->waiting_count >= resolver->waiting_max || world_fails(SIM_FAULT_LOOKUP))
        return ERR(ERR_LIMIT, 0, "too many look-ups wait");
    lookup = calloc(1, sizeof(*lookup));
    CHECK(lookup);
    *lookup = (struct os_lookup){.resolver = resolver, .on_result = on_result, .owner = owner, .port = port};
    /* What does not fit is no name, and nobody has registered the empty one. */
    if (!str_to_c(host, lookup->host, sizeof(lookup->host)))
        lookup->host[0] = '\0';
    list_push_last(&resolver->lookups, &lookup->among);
    resolver->waiting_count++;
    world_opened(WORLD_LOOKUP);
    world_event_init(&lookup->answer, "answer", loop, answer, lookup);
    world_event_start(&lookup->answer, world->resolve_delay_us + world_latency_us());
    *ret_lookup = lookup;
    return OK;
}

void os_resolver_cancel(struct os_lookup *lookup) { free_lookup(lookup); }

void sim_name(struct sim *sim, const char *name, struct os_addr addr)
{
    struct world_name *entry = calloc(1, sizeof(*entry));

    CHECK(entry);
    CHECK(str_to_c(str_from(name), entry->text, sizeof(entry->text)));
    entry->addr = addr;
    list_push_last(&sim->names, &entry->among);
}

void sim_forget_name(struct sim *sim, const char *name)
{
    struct list *next;

    for (struct list *node = sim->names.next; node != &sim->names; node = next) {
        struct world_name *entry = LIST_OWNER(node, struct world_name, among);

        next = node->next;
        if (!str_eq_nocase(str_from(entry->text), str_from(name)))
            continue;
        list_remove(node);
        free(entry);
    }
}

void sim_resolve_delay_ms(struct sim *sim, uint64_t delay_ms) { sim->resolve_delay_us = delay_ms * 1000; }
