#include "admin/token.h"

#include "os/clock.h"
#include "os/file.h"

#define PATH_BYTES 4096
#define TOKEN_BYTES 32

static struct err path_of(const char *base_folder, char path[PATH_BYTES])
{
    int len = snprintf(path, PATH_BYTES, "%s/admin.token", base_folder);

    return len > 0 && len < PATH_BYTES ? OK : ERR(ERR_LIMIT, 0, "the path of admin.token is too long");
}

static bool is_token(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
    }
    return text.len == ADMIN_TOKEN_LEN;
}

/* One line end after the token is allowed, because editors add it. */
static struct err parse(struct str text, struct admin_token *ret_token)
{
    if (str_ends(text, STR("\n")))
        text.len--;
    if (!is_token(text))
        return ERR(ERR_DAMAGED, 0, "admin.token holds no token; delete it and start again");
    memcpy(ret_token->text, text.ptr, ADMIN_TOKEN_LEN);
    ret_token->text[ADMIN_TOKEN_LEN] = '\0';
    return OK;
}

static struct err read_private(const char *path, struct admin_token *ret_token)
{
    struct buf text;
    struct err err;

    buf_init(&text, ADMIN_TOKEN_LEN + 2);
    err = os_file_check_private(path);
    if (!err_is(err))
        err = os_file_read_all(path, &text);
    if (err.code == ERR_LIMIT)
        err = ERR(ERR_DAMAGED, 0, "admin.token holds more than a token; delete it and start again");
    if (!err_is(err))
        err = parse(buf_str(&text), ret_token);
    buf_deinit(&text);
    return err;
}

static void make(struct admin_token *ret_token)
{
    unsigned char bytes[TOKEN_BYTES];

    os_clock_random(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(ret_token->text + 2 * i, 3, "%02x", bytes[i]);
}

struct err admin_token_read(const char *base_folder, struct admin_token *ret_token)
{
    char path[PATH_BYTES];

    TRY(path_of(base_folder, path));
    if (!os_file_exists(path))
        return ERR(ERR_ABSENT, 0, "there is no admin.token");
    return read_private(path, ret_token);
}

struct err admin_token_open(const char *base_folder, struct admin_token *ret_token)
{
    char path[PATH_BYTES];
    struct admin_token made;
    struct err err;

    TRY(path_of(base_folder, path));
    if (os_file_exists(path))
        return read_private(path, ret_token);
    TRY(os_file_make_folder(base_folder));
    make(&made);
    err = os_file_write_all(path, (struct str){made.text, ADMIN_TOKEN_LEN}, false);
    /* Another start was quicker: its token is the one. */
    if (err.code == ERR_BUSY)
        return read_private(path, ret_token);
    TRY(err);
    *ret_token = made;
    return OK;
}
