# The web page inside the program: every file below src/admin/page/ becomes a row of admin_page_files[], declared in
# src/admin/page.h.  scripts/embed.py writes the table; it runs again when a file is added, changed or removed.
function(sekisho_add_admin_page)
    set(folder ${CMAKE_SOURCE_DIR}/src/admin/page)
    if(NOT TARGET sekisho_admin OR NOT EXISTS ${folder})
        return()
    endif()
    find_package(Python3 REQUIRED COMPONENTS Interpreter)
    file(GLOB_RECURSE files CONFIGURE_DEPENDS ${folder}/*)
    set(table ${CMAKE_BINARY_DIR}/generated/admin/page.c)
    add_custom_command(
        OUTPUT ${table}
        COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/scripts/embed.py ${folder} ${table}
        DEPENDS ${CMAKE_SOURCE_DIR}/scripts/embed.py ${files}
        COMMENT "Embedding src/admin/page"
        VERBATIM)
    target_sources(sekisho_admin PRIVATE ${table})
endfunction()
