/* asset.h - finds the files that the program carries inside. */
#ifndef ADMIN_ASSET_H
#define ADMIN_ASSET_H

#include "admin/page.h"
#include "base/str.h"

/* NULL when there is none. */
const struct admin_page_file *admin_asset_find(struct str path);

#endif
