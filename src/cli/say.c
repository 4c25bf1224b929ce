#include "cli/say.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "cli/command.h"
#include "os/process.h"

#define LINE_BYTES 2048

static void say(const char *prefix, const char *format, va_list args)
{
    char line[LINE_BYTES];

    vsnprintf(line, sizeof(line), format, args);
    fprintf(stderr, "%s%s\n", prefix, line);
}

void cli_say_error(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say("sekisho: ", format, args);
    va_end(args);
}

void cli_say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say("", format, args);
    va_end(args);
}

bool cli_say_is_terminal(int fd) { return os_process_is_terminal(fd); }

bool cli_say_has_color(int fd)
{
    const char *no_color = os_process_env("NO_COLOR"), *term = os_process_env("TERM");

    return os_process_is_terminal(fd) && !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0);
}

int cli_say_finish(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return CLI_DONE;
    cli_say_error("the output could not be written: %s", strerror(errno));
    return CLI_FAILED;
}
