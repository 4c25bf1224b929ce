#include "os/addr.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>

#include "os/addr_sys.h"
#include "os/clock.h"

#define LOCAL_MAX 512
#define LOCAL_KEEP_US ((uint64_t)5 * 1000 * 1000)
#define MAPPED_LEN 12

static const uint8_t mapped_prefix[MAPPED_LEN] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static struct os_addr from_ip4(const void *ip, uint16_t port)
{
    struct os_addr addr = {.family = OS_FAMILY_IP4, .port = port};

    memcpy(addr.ip, ip, 4);
    return addr;
}

static struct os_addr from_ip6(const void *ip, uint16_t port, uint32_t scope_id)
{
    struct os_addr addr = {.family = OS_FAMILY_IP6, .port = port, .scope_id = scope_id};

    if (memcmp(ip, mapped_prefix, MAPPED_LEN) == 0)
        return from_ip4((const char *)ip + MAPPED_LEN, port);
    memcpy(addr.ip, ip, 16);
    return addr;
}

/* "eth0" or "2". */
static bool parse_scope(struct str text, uint32_t *ret_scope_id)
{
    char name[IF_NAMESIZE];
    uint64_t number;

    if (text.len == 0 || !str_to_c(text, name, sizeof(name)))
        return false;
    if (str_to_u64(text, &number) && number > 0 && number <= UINT32_MAX)
        *ret_scope_id = (uint32_t)number;
    else
        *ret_scope_id = if_nametoindex(name);
    return *ret_scope_id != 0;
}

static bool parse_ip6(struct str text, uint16_t port, struct os_addr *ret_addr)
{
    struct str ip, scope;
    char c_text[INET6_ADDRSTRLEN];
    uint32_t scope_id = 0;
    uint8_t bytes[16];

    if (str_cut(text, '%', &ip, &scope) && !parse_scope(scope, &scope_id))
        return false;
    if (!str_to_c(ip, c_text, sizeof(c_text)) || inet_pton(AF_INET6, c_text, bytes) != 1)
        return false;
    *ret_addr = from_ip6(bytes, port, scope_id);
    return true;
}

struct err os_addr_parse(struct str text, uint16_t port, struct os_addr *ret_addr)
{
    char c_text[INET_ADDRSTRLEN];
    uint8_t bytes[4];

    if (text.len > 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']') {
        if (parse_ip6((struct str){text.ptr + 1, text.len - 2}, port, ret_addr))
            return OK;
    } else if (str_to_c(text, c_text, sizeof(c_text)) && inet_pton(AF_INET, c_text, bytes) == 1) {
        *ret_addr = from_ip4(bytes, port);
        return OK;
    } else if (parse_ip6(text, port, ret_addr)) {
        return OK;
    }
    return ERR(ERR_SYNTAX, 0, "not an IP address");
}

struct err os_addr_parse_with_port(struct str text, struct os_addr *ret_addr)
{
    size_t colon = str_find_last_char(text, ':');
    struct str host = str_head(text, colon == STR_ABSENT ? 0 : colon);
    uint64_t port;

    if (colon == STR_ABSENT || !str_to_u64(str_skip(text, colon + 1), &port) || port > UINT16_MAX)
        return ERR(ERR_SYNTAX, 0, "not an address with a port");
    if (host.len == 0)
        host = STR("127.0.0.1");
    /* Without brackets it would be unclear where an IPv6 address ends. */
    if (host.ptr[0] != '[' && str_find_char(host, ':') != STR_ABSENT)
        return ERR(ERR_SYNTAX, 0, "an IPv6 address with a port needs brackets");
    return os_addr_parse(host, (uint16_t)port, ret_addr);
}

static const char *format_scope(uint32_t scope_id, char text[IF_NAMESIZE + 1])
{
    char name[IF_NAMESIZE];

    text[0] = '\0';
    if (scope_id && if_indextoname(scope_id, name))
        snprintf(text, IF_NAMESIZE + 1, "%%%s", name);
    else if (scope_id)
        snprintf(text, IF_NAMESIZE + 1, "%%%u", scope_id);
    return text;
}

const char *os_addr_format_ip(const struct os_addr *addr, char text[OS_ADDR_TEXT_BYTES])
{
    char ip[INET6_ADDRSTRLEN] = "-";
    char scope[IF_NAMESIZE + 1];

    if (addr->family != OS_FAMILY_NONE)
        inet_ntop(addr->family == OS_FAMILY_IP4 ? AF_INET : AF_INET6, addr->ip, ip, sizeof(ip));
    snprintf(text, OS_ADDR_TEXT_BYTES, "%s%s", ip, format_scope(addr->scope_id, scope));
    return text;
}

const char *os_addr_format(const struct os_addr *addr, char text[OS_ADDR_TEXT_BYTES])
{
    char ip[OS_ADDR_TEXT_BYTES];

    os_addr_format_ip(addr, ip);
    /* The longest address with its scope takes 62 bytes, which leaves room for brackets and port. */
    snprintf(text, OS_ADDR_TEXT_BYTES, addr->family == OS_FAMILY_IP6 ? "[%.70s]:%u" : "%.70s:%u", ip,
             (unsigned)addr->port);
    return text;
}

bool os_addr_is_loopback(const struct os_addr *addr)
{
    static const uint8_t loopback6[16] = {[15] = 1};

    if (addr->family == OS_FAMILY_IP4)
        return addr->ip[0] == 127;
    return addr->family == OS_FAMILY_IP6 && memcmp(addr->ip, loopback6, 16) == 0;
}

bool os_addr_is_unspecified(const struct os_addr *addr)
{
    static const uint8_t zero[16] = {0};

    return addr->family != OS_FAMILY_NONE && memcmp(addr->ip, zero, 16) == 0;
}

bool os_addr_same_ip(const struct os_addr *a, const struct os_addr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, 16) == 0 && a->scope_id == b->scope_id;
}

bool os_addr_same(const struct os_addr *a, const struct os_addr *b)
{
    return os_addr_same_ip(a, b) && a->port == b->port;
}

socklen_t os_addr_to_system(const struct os_addr *addr, struct sockaddr_storage *ret_address)
{
    struct sockaddr_in *ip4 = (struct sockaddr_in *)ret_address;
    struct sockaddr_in6 *ip6 = (struct sockaddr_in6 *)ret_address;

    memset(ret_address, 0, sizeof(*ret_address));
    if (addr->family == OS_FAMILY_IP4) {
        ip4->sin_family = AF_INET;
        ip4->sin_port = htons(addr->port);
        memcpy(&ip4->sin_addr, addr->ip, 4);
        return sizeof(*ip4);
    }
    if (addr->family != OS_FAMILY_IP6)
        return 0;
    ip6->sin6_family = AF_INET6;
    ip6->sin6_port = htons(addr->port);
    ip6->sin6_scope_id = addr->scope_id;
    memcpy(&ip6->sin6_addr, addr->ip, 16);
    return sizeof(*ip6);
}

void os_addr_from_system(const struct sockaddr_storage *address, struct os_addr *ret_addr)
{
    const struct sockaddr_in *ip4 = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *ip6 = (const struct sockaddr_in6 *)address;

    *ret_addr = (struct os_addr){0};
    if (address->ss_family == AF_INET)
        *ret_addr = from_ip4(&ip4->sin_addr, ntohs(ip4->sin_port));
    else if (address->ss_family == AF_INET6)
        *ret_addr = from_ip6(&ip6->sin6_addr, ntohs(ip6->sin6_port), ip6->sin6_scope_id);
}

/* The addresses of this machine's interfaces, as they were at most LOCAL_KEEP_US ago. */
static struct {
    pthread_mutex_t lock; /* of all below */
    uint64_t read_us;     /* 0: never */
    size_t count;
    struct os_addr addrs[LOCAL_MAX];
} local = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void read_local_addrs(void)
{
    struct ifaddrs *first;

    local.read_us = os_clock_mono_us();
    if (getifaddrs(&first))
        return;
    local.count = 0;
    for (struct ifaddrs *at = first; at && local.count < LOCAL_MAX; at = at->ifa_next) {
        struct sockaddr_storage address = {0};
        bool is_ip6 = at->ifa_addr && at->ifa_addr->sa_family == AF_INET6;

        if (!is_ip6 && !(at->ifa_addr && at->ifa_addr->sa_family == AF_INET))
            continue;
        memcpy(&address, at->ifa_addr, is_ip6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
        os_addr_from_system(&address, &local.addrs[local.count++]);
    }
    freeifaddrs(first);
}

static bool is_of_interface(const struct os_addr *addr)
{
    for (size_t i = 0; i < local.count; i++) {
        if (local.addrs[i].family == addr->family && memcmp(local.addrs[i].ip, addr->ip, 16) == 0)
            return true;
    }
    return false;
}

bool os_addr_is_local(const struct os_addr *addr)
{
    bool is_local;

    if (os_addr_is_loopback(addr) || os_addr_is_unspecified(addr))
        return true;
    pthread_mutex_lock(&local.lock);
    if (local.read_us == 0 || os_clock_mono_us() - local.read_us > LOCAL_KEEP_US)
        read_local_addrs();
    is_local = is_of_interface(addr);
    pthread_mutex_unlock(&local.lock);
    return is_local;
}
