/* project_database.h - project.db for the other files of this area: notes, and readers that show them. */
#ifndef STORE_PROJECT_DATABASE_H
#define STORE_PROJECT_DATABASE_H

#include "store/database.h"
#include "store/project.h"

/* Any thread: SQLite serialises. */
sqlite3 *store_project_database(struct store_project *project);
const struct store_database_kind *store_project_database_kind(void);

#endif
