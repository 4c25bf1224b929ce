#include "cli/instance.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>

#include "os/file.h"
#include "os/process.h"

#define FILE_BYTES_MAX ((size_t)64 * 1024)
#define PATH_BYTES 4096
#define TOKEN_LEN 64

static struct err join(const char *dir, const char *name, char path[PATH_BYTES])
{
    int len = snprintf(path, PATH_BYTES, "%s/%s", dir, name);

    return len > 0 && len < PATH_BYTES ? OK : ERR(ERR_LIMIT, 0, "the folder's path is too long");
}

static bool read_addr(const json_t *object, const char *name, struct os_addr *ret_addr)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text && !err_is(os_addr_parse_with_port(str_from(text), ret_addr));
}

static struct err read_object(const json_t *object, struct cli_instance *ret_instance)
{
    struct cli_instance instance = {0};
    const char *project = json_string_value(json_object_get(object, "project"));
    const char *pin = json_string_value(json_object_get(object, "key_pin"));
    json_int_t process_id = json_integer_value(json_object_get(object, "pid"));

    if (process_id < 1 || process_id > INT_MAX || !project || !read_addr(object, "listen", &instance.listen) ||
        !read_addr(object, "admin", &instance.admin) ||
        !str_to_c(str_from(project), instance.project, sizeof(instance.project)))
        return ERR(ERR_DAMAGED, 0, "instance.json is not what a running program wrote");
    if (pin && !str_to_c(str_from(pin), instance.key_pin, sizeof(instance.key_pin)))
        return ERR(ERR_DAMAGED, 0, "instance.json is not what a running program wrote");
    instance.process_id = (int)process_id;
    if (!os_process_exists(instance.process_id))
        return ERR(ERR_ABSENT, 0, "the program that wrote instance.json has ended");
    *ret_instance = instance;
    return OK;
}

struct err cli_instance_read(const char *dir, struct cli_instance *ret_instance)
{
    json_error_t error;
    json_t *object;
    struct buf text;
    struct err err;
    char path[PATH_BYTES];

    TRY(join(dir, "instance.json", path));
    buf_init(&text, FILE_BYTES_MAX);
    err = os_file_read_all(path, &text);
    if (!err_is(err))
        err = os_file_check_private(path);
    if (!err_is(err)) {
        object = json_loadb(buf_str(&text).ptr, text.len, JSON_REJECT_DUPLICATES, &error);
        err = read_object(object, ret_instance);
        json_decref(object);
    }
    buf_deinit(&text);
    return err;
}

struct err cli_instance_token(const char *dir, char ret_token[CLI_INSTANCE_TOKEN_BYTES])
{
    struct str token;
    struct buf text;
    struct err err;
    char path[PATH_BYTES];

    TRY(join(dir, "admin.token", path));
    buf_init(&text, FILE_BYTES_MAX);
    err = os_file_read_all(path, &text);
    if (!err_is(err))
        err = os_file_check_private(path);
    token = buf_str(&text);
    while (token.len && (token.ptr[token.len - 1] == '\n' || token.ptr[token.len - 1] == '\r'))
        token.len--;
    for (size_t i = 0; i < token.len && !err_is(err); i++) {
        if (!strchr("0123456789abcdef", token.ptr[i]) || token.ptr[i] == '\0')
            err = ERR(ERR_DAMAGED, 0, "admin.token holds no token");
    }
    if (!err_is(err) && (token.len != TOKEN_LEN || !str_to_c(token, ret_token, CLI_INSTANCE_TOKEN_BYTES)))
        err = ERR(ERR_DAMAGED, 0, "admin.token holds no token");
    buf_deinit(&text);
    return err;
}

struct os_addr cli_instance_reachable(const struct os_addr *listen)
{
    struct os_addr addr = *listen;

    if (os_addr_is_unspecified(listen))
        CHECK(!err_is(
            os_addr_parse(listen->family == OS_FAMILY_IP6 ? STR("::1") : STR("127.0.0.1"), listen->port, &addr)));
    return addr;
}

struct err cli_instance_link(const char *dir, const struct cli_instance *instance,
                             char ret_link[CLI_INSTANCE_LINK_BYTES])
{
    struct os_addr admin = cli_instance_reachable(&instance->admin);
    char token[CLI_INSTANCE_TOKEN_BYTES], addr[OS_ADDR_TEXT_BYTES];

    TRY(cli_instance_token(dir, token));
    snprintf(ret_link, CLI_INSTANCE_LINK_BYTES, "http://%s/#token=%s", os_addr_format(&admin, addr), token);
    return OK;
}
