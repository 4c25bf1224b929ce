# Compiler and linker flags: C17, warnings are errors, hardening, sanitizers.

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# No -DNDEBUG anywhere: CHECK() and assert() stay in release builds.
set(CMAKE_C_FLAGS_DEBUG "-O0 -g3")
set(CMAKE_C_FLAGS_RELEASE "-O2")
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")

add_compile_options(-Wall -Wextra -Wconversion -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Werror
    -fno-common -fno-strict-aliasing -fstack-protector-strong)
add_compile_definitions(_GNU_SOURCE _FILE_OFFSET_BITS=64)

include(CheckPIESupported)
check_pie_supported(LANGUAGES C)
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    add_link_options(-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
endif()

set(sekisho_sanitizers "")
if(SEKISHO_SANITIZE STREQUAL "address")
    set(sekisho_sanitizers -fsanitize=address,undefined -fno-sanitize-recover=all)
elseif(SEKISHO_SANITIZE STREQUAL "thread")
    set(sekisho_sanitizers -fsanitize=thread)
    if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
        # ThreadSanitizer does not know atomic_thread_fence(); what the fences order is atomic by itself.
        add_compile_options(-Wno-tsan)
    endif()
elseif(SEKISHO_SANITIZE)
    message(FATAL_ERROR "SEKISHO_SANITIZE is '${SEKISHO_SANITIZE}'; it may be 'address' or 'thread'")
endif()

if(SEKISHO_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
        message(FATAL_ERROR "SEKISHO_FUZZ needs clang: add -DCMAKE_C_COMPILER=clang")
    endif()
    if(NOT sekisho_sanitizers)
        set(sekisho_sanitizers -fsanitize=address,undefined -fno-sanitize-recover=all)
    endif()
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()

if(sekisho_sanitizers)
    # -O1 keeps stack traces readable and the instrumented tests fast enough.
    set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O1 -g")
    add_compile_options(${sekisho_sanitizers} -fno-omit-frame-pointer)
    add_link_options(${sekisho_sanitizers})
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    # Undefined first: some distributions' compilers define a level of their own.
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
