#include "query/tree.h"

#include <stdlib.h>

void query_tree_free(struct query_tree **tree)
{
    if (!*tree)
        return;
    for (size_t i = 0; i < (*tree)->regex_count; i++)
        query_regex_free(&(*tree)->regexes[i]);
    arena_deinit(&(*tree)->arena);
    free(*tree);
    *tree = NULL;
}
