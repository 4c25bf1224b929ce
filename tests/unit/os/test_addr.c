/* Covers os/addr: what is an address, its text, and whether it is this machine's. */
#include "looping.h"

#include <ifaddrs.h>
#include <string.h>

#include "os/addr_sys.h"

static void strict_forms_parse_and_print_back(void **state)
{
    static const char *const texts[][2] = {
        {"1.2.3.4", "1.2.3.4"},
        {"255.255.255.255", "255.255.255.255"},
        {"::1", "::1"},
        {"[::1]", "::1"},
        {"::", "::"},
        {"2001:DB8::0:1", "2001:db8::1"},
        {"::ffff:10.1.2.3", "10.1.2.3"},
        {"[::ffff:7f00:1]", "127.0.0.1"},
        {"fe80::1%1", "fe80::1%lo"},
        {"fe80::1%lo", "fe80::1%lo"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct os_addr addr;
        char text[OS_ADDR_TEXT_BYTES];

        assert_ok(os_addr_parse(str_from(texts[i][0]), 80, &addr));
        assert_string_equal(os_addr_format_ip(&addr, text), texts[i][1]);
        assert_int_equal(addr.port, 80);
    }
}

static void other_spellings_of_numbers_are_no_addresses(void **state)
{
    static const char *const texts[] = {
        "",          "127.1",     "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.01", "1.2.3",
        "1.2.3.4.5", "256.1.1.1", "1.2.3.4 ",   " 1.2.3.4",   "1.2.3.4:80", "localhost",  ":::",
        "[1.2.3.4]", "[::1",      "::1]",       "[]",         "1::2::3",    "fe80::1%",   "fe80::1%no-such-interface",
        "::1%lo%lo", "12345::",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct os_addr addr = {.port = 7};

        assert_err(os_addr_parse(str_from(texts[i]), 80, &addr), ERR_SYNTAX);
        assert_int_equal(addr.port, 7);
    }
    assert_err(os_addr_parse((struct str){"1.2.3.4\0", 8}, 80, &(struct os_addr){0}), ERR_SYNTAX);
}

static void addresses_with_ports(void **state)
{
    struct os_addr addr;
    char text[OS_ADDR_TEXT_BYTES];
    static const char *const wrong[] = {"127.0.0.1",  "::1:80",     "[::1]", "[::1]80", "1.2.3.4:", "1.2.3.4:65536",
                                        "1.2.3.4:-1", "1.2.3.4:8o", "",      ":",       "name:80"};

    (void)state;
    assert_ok(os_addr_parse_with_port(STR("127.0.0.1:8080"), &addr));
    assert_string_equal(os_addr_format(&addr, text), "127.0.0.1:8080");
    assert_ok(os_addr_parse_with_port(STR("[::1]:0"), &addr));
    assert_string_equal(os_addr_format(&addr, text), "[::1]:0");
    assert_ok(os_addr_parse_with_port(STR(":65535"), &addr));
    assert_string_equal(os_addr_format(&addr, text), "127.0.0.1:65535");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_err(os_addr_parse_with_port(str_from(wrong[i]), &addr), ERR_SYNTAX);
}

static struct os_addr parsed(const char *text, uint16_t port)
{
    struct os_addr addr;

    assert_ok(os_addr_parse(str_from(text), port, &addr));
    return addr;
}

static void sameness_is_of_value(void **state)
{
    struct os_addr a = parsed("10.0.0.1", 80);
    struct os_addr b = parsed("::ffff:10.0.0.1", 80);
    struct os_addr c = parsed("10.0.0.1", 81);
    struct os_addr d = parsed("10.0.0.2", 80);

    (void)state;
    assert_true(os_addr_same(&a, &b));
    assert_true(os_addr_same_ip(&a, &c));
    assert_false(os_addr_same(&a, &c));
    assert_false(os_addr_same_ip(&a, &d));
}

static void the_longest_address_fits_its_text(void **state)
{
    struct os_addr addr = {.family = OS_FAMILY_IP6, .port = 65535, .scope_id = UINT32_MAX};
    char text[OS_ADDR_TEXT_BYTES];

    (void)state;
    memset(addr.ip, 0xff, sizeof(addr.ip));
    assert_string_equal(os_addr_format(&addr, text), "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535");
}

static void loopback_and_unspecified_are_local(void **state)
{
    static const char *const local[] = {"127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::"};
    static const char *const foreign[] = {"192.0.2.1", "2001:db8::1", "128.0.0.1", "1.0.0.0"};

    (void)state;
    for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
        struct os_addr addr = parsed(local[i], 1);

        assert_true(os_addr_is_local(&addr));
    }
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        struct os_addr addr = parsed(foreign[i], 1);

        assert_false(os_addr_is_local(&addr));
        assert_false(os_addr_is_loopback(&addr));
        assert_false(os_addr_is_unspecified(&addr));
    }
}

static void every_interfaces_address_is_local(void **state)
{
    struct ifaddrs *first;
    unsigned count = 0;

    (void)state;
    assert_int_equal(getifaddrs(&first), 0);
    for (struct ifaddrs *at = first; at; at = at->ifa_next) {
        struct sockaddr_storage address = {0};
        struct os_addr addr;

        if (!at->ifa_addr || at->ifa_addr->sa_family != AF_INET)
            continue;
        memcpy(&address, at->ifa_addr, sizeof(struct sockaddr_in));
        os_addr_from_system(&address, &addr);
        assert_true(os_addr_is_local(&addr));
        count++;
    }
    freeifaddrs(first);
    assert_true(count > 0);
}

static void system_addresses_go_there_and_back(void **state)
{
    struct os_addr addrs[] = {parsed("192.0.2.1", 443), parsed("2001:db8::1", 443), parsed("fe80::1%lo", 1)};
    struct os_addr none = {0};
    struct sockaddr_storage address;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct os_addr back;

        assert_true(os_addr_to_system(&addrs[i], &address) > 0);
        os_addr_from_system(&address, &back);
        assert_true(os_addr_same(&addrs[i], &back));
    }
    assert_int_equal(os_addr_to_system(&none, &address), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strict_forms_parse_and_print_back),
        cmocka_unit_test(other_spellings_of_numbers_are_no_addresses),
        cmocka_unit_test(addresses_with_ports),
        cmocka_unit_test(sameness_is_of_value),
        cmocka_unit_test(the_longest_address_fits_its_text),
        cmocka_unit_test(loopback_and_unspecified_are_local),
        cmocka_unit_test(every_interfaces_address_is_local),
        cmocka_unit_test(system_addresses_go_there_and_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
