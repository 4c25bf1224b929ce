# Libraries from the system, found with pkg-config, and which area may link which.
# docs/dependencies.md says why each is here.

find_package(PkgConfig REQUIRED)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

function(sekisho_find name)
    pkg_check_modules(${name} REQUIRED QUIET IMPORTED_TARGET ${ARGN})
endfunction()

sekisho_find(uv "libuv>=1.44")
sekisho_find(ssl "libssl>=3.0")
sekisho_find(crypto "libcrypto>=3.0")
sekisho_find(sqlite3 "sqlite3>=3.40")
sekisho_find(pcre2 "libpcre2-8>=10.40")
sekisho_find(zlib zlib)
sekisho_find(brotlidec libbrotlidec)
sekisho_find(brotlienc libbrotlienc)
sekisho_find(zstd libzstd)
sekisho_find(jansson "jansson>=2.13")
sekisho_find(psl libpsl)
sekisho_find(nghttp2 "libnghttp2>=1.50")

# area -> libraries.  An area that is not named here uses libc only.
set(SEKISHO_LIBS_os uv)
set(SEKISHO_LIBS_http zlib brotlidec brotlienc zstd)
set(SEKISHO_LIBS_h2 nghttp2)
set(SEKISHO_LIBS_tls ssl crypto)
set(SEKISHO_LIBS_model psl jansson)
set(SEKISHO_LIBS_query pcre2)
set(SEKISHO_LIBS_proxy crypto)
set(SEKISHO_LIBS_gate pcre2)
set(SEKISHO_LIBS_send ssl crypto)
set(SEKISHO_LIBS_store sqlite3 crypto jansson)
set(SEKISHO_LIBS_check pcre2)
set(SEKISHO_LIBS_admin jansson crypto)
set(SEKISHO_LIBS_cli jansson crypto)
set(SEKISHO_LIBS_app jansson crypto)
