#include "admin/asset.h"

const struct admin_page_file *admin_asset_find(struct str path)
{
    for (size_t i = 0; i < admin_page_file_count; i++) {
        if (str_eq(path, str_from(admin_page_files[i].path)))
            return &admin_page_files[i];
    }
    return NULL;
}
