/* removal.h - removes a folder with all that is in it.  Links are removed, never followed. */
#ifndef CLI_REMOVAL_H
#define CLI_REMOVAL_H

#include "base/err.h"

/* ERR_DENIED when folders lie deeper in one another than depth_max. */
MUST_CHECK struct err cli_removal_tree(const char *folder, unsigned depth_max);

#endif
