#include "cli/command.h"

/* The proxy is started by app, which alone sees all areas; this row gives it its place in help. */
const struct cli_command cli_run = {
    .name = "run",
    .summary = "Start the proxy; the command when none is given",
    .usage = "[OPTIONS]",
    .about = "Prints `ready URL` on stdout when it can serve; with --json an object. Ends on SIGINT and SIGTERM.\n"
             "Each option can also stand in sekisho.conf (name = value) and in the environment (SEKISHO_NAME).",
};
