/* Covers base/list. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "base/list.h"

struct member {
    int value;
    struct list among;
};

static int sum_in_order(const struct list *list)
{
    int sum = 0;

    for (struct list *node = list->next; node != list; node = node->next) {
        assert_ptr_equal(node->next->prev, node);
        sum = sum * 10 + LIST_OWNER(node, struct member, among)->value;
    }
    return sum;
}

static void members_stand_in_the_order_they_were_pushed(void **state)
{
    struct list list;
    struct member members[4] = {{.value = 1}, {.value = 2}, {.value = 3}, {.value = 4}};

    (void)state;
    list_init(&list);
    assert_true(list_is_empty(&list));
    assert_null(list_first(&list));
    list_push_last(&list, &members[1].among);
    list_push_last(&list, &members[2].among);
    list_push_first(&list, &members[0].among);
    list_push_last(&list, &members[3].among);
    assert_int_equal(sum_in_order(&list), 1234);
    assert_ptr_equal(list_first(&list), &members[0].among);
    list_remove(&members[2].among);
    assert_int_equal(sum_in_order(&list), 124);
    list_remove(&members[0].among);
    list_remove(&members[3].among);
    assert_int_equal(sum_in_order(&list), 2);
    list_remove(&members[1].among);
    assert_true(list_is_empty(&list));
}

static void removing_twice_does_no_harm_and_a_member_may_come_back(void **state)
{
    struct list list, other;
    struct member member = {.value = 5};

    (void)state;
    list_init(&list);
    list_init(&other);
    list_init(&member.among);
    list_remove(&member.among);
    list_push_last(&list, &member.among);
    list_remove(&member.among);
    list_remove(&member.among);
    assert_true(list_is_empty(&list));
    list_push_first(&other, &member.among);
    assert_int_equal(sum_in_order(&other), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_stand_in_the_order_they_were_pushed),
        cmocka_unit_test(removing_twice_does_no_harm_and_a_member_may_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
