/* fuzz_app_config.c - any bytes as a settings file, as arguments and as environment: refused or taken, never more. */
#include "app/config.h"

#include <stdlib.h>

#include "app/config_args.h"
#include "app/config_env.h"
#include "app/config_file.h"

#define WORD_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Cuts `text` (writable, terminated) at its line ends into at most WORD_MAX words and a NULL. */
static int split(char *text, char *words[WORD_MAX + 1])
{
    int count = 0;
    char *end;

    while (*text && count < WORD_MAX) {
        words[count++] = text;
        end = strchr(text, '\n');
        if (!end)
            break;
        *end = '\0';
        text = end + 1;
    }
    words[count] = NULL;
    return count;
}

/* A config is either whole after an error-free reading, or carries a sentence that a terminal can show. */
static void check(const struct app_config *config, struct err err)
{
    if (!err_is(err))
        return;
    CHECK(config->problem[0] != '\0');
    for (const char *c = config->problem; *c; c++)
        CHECK((unsigned char)*c >= 0x20 && *c != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct app_config config;
    char *words[WORD_MAX + 1], *text;
    int left;

    if (len == 0 || len > 65536)
        return 0;
    text = malloc(len + 1);
    CHECK(text);
    memcpy(text, bytes, len);
    text[len] = '\0';
    CHECK(!err_is(app_config_init(&config)));
    check(&config, app_config_file_parse(&config, "/x/sekisho.conf", (struct str){text, len}));
    check(&config, app_config_args_take(&config, bytes[0] & 1, split(text, words), words, &left));
    memcpy(text, bytes, len);
    split(text, words);
    check(&config, app_config_env_read(&config, (const char *const *)words));
    check(&config, app_config_check(&config));
    app_config_deinit(&config);
    free(text);
    return 0;
}
