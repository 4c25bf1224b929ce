/* search.h - a project opened for reading, and queries typed on the command line; failures are told on stderr. */
#ifndef CLI_SEARCH_H
#define CLI_SEARCH_H

#include "cli/command.h"
#include "query/parse.h"
#include "store/project.h"
#include "store/reader.h"

struct cli_search {
    struct store_project *project;
    struct store_reader *reader;
};

/* "DIR/projects"; false when the path does not fit. */
bool cli_search_projects_folder(const struct cli_env *env, char *path, size_t size);
/* The exit status; CLI_DONE: open. */
int cli_search_open(struct cli_search *search, const struct cli_env *env);
void cli_search_close(struct cli_search *search);

/* NULL or empty text: *ret_tree is NULL, which matches all.  CLI_USAGE for a query that does not parse. */
int cli_search_parse(struct str text, struct query_tree **ret_tree);
/* Says what a failed reading means.  CLI_FAILED. */
int cli_search_failed(const struct cli_env *env, struct err err);

#endif
