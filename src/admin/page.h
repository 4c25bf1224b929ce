/* page.h - the files of src/admin/page/, inside the program.  The table is made by scripts/embed.py when building. */
#ifndef ADMIN_PAGE_H
#define ADMIN_PAGE_H

#include <stddef.h>

struct admin_page_file {
    const char *path; /* "/app.js" */
    const char *mime;
    const unsigned char *bytes;
    size_t len;
    const char *etag; /* with its quotes */
};

/* Sorted by path. */
extern const struct admin_page_file admin_page_files[];
extern const size_t admin_page_file_count;

#endif
