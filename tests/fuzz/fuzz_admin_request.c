/* fuzz_admin_request.c - bytes of a client through everything that looks at them before a handler: the reader of
 * requests, the guard, the routes, the parameters and the JSON of the body.
 *
 * The first byte says in how large steps the rest arrives.  No request may pass the guard without the token.
 */
#include "admin/auth.h"
#include "admin/body.h"
#include "admin/intake.h"
#include "admin/param.h"
#include "admin/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define TOKEN "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void check_head(struct admin_auth *auth, const struct admin_request *request)
{
    struct os_addr local = {.family = OS_FAMILY_IP4, .port = 8081, .ip = {127, 0, 0, 1}};
    struct admin_auth_verdict verdict = admin_auth_check(auth, request->message, &local, 1);

    if (verdict.status == 0 && str_starts(request->path, STR("/api/")))
        CHECK(http_message_field(request->message, STR("authorization")));
    if (verdict.status == 0)
        CHECK(http_message_count(request->message, STR("host")) == 1);
}

static void use_request(struct admin_intake *intake)
{
    static const struct str names[] = {{"query", 5}, {"limit", 5}};
    struct str values[2], wrong, args[ADMIN_CALL_ARGS_MAX];
    char allow[64];
    json_t *value = NULL;

    IGNORE(admin_param_read(intake->request.query, &intake->arena, &(struct admin_param_table){names, values, 2},
                            &wrong)); /* Only what it does on the way matters. */
    admin_route_find(intake->request.message->method, intake->request.path, args, allow, sizeof(allow));
    if (!err_is(admin_body_parse(intake->request.body, &value)))
        json_decref(value);
}

static bool run(struct admin_intake *intake, struct admin_auth *auth, struct str *input)
{
    enum admin_intake_event event;

    while (!err_is(admin_intake_step(intake, input, &event))) {
        if (event == ADMIN_INTAKE_AGAIN)
            return true;
        if (event == ADMIN_INTAKE_HEAD)
            check_head(auth, &intake->request);
        if (event == ADMIN_INTAKE_END) {
            use_request(intake);
            admin_intake_next(intake);
        }
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct admin_token token = {TOKEN};
    struct admin_auth auth;
    struct admin_intake intake;
    struct str rest = {(const char *)bytes, len};
    size_t step_len;

    if (len < 1)
        return 0;
    step_len = bytes[0] ? bytes[0] : len;
    rest = str_skip(rest, 1);
    admin_auth_init(&auth, &token);
    admin_intake_init(&intake, 4096);
    while (rest.len) {
        struct str input = str_head(rest, step_len);

        rest = str_skip(rest, input.len);
        if (!run(&intake, &auth, &input))
            break;
    }
    admin_intake_deinit(&intake);
    return 0;
}
