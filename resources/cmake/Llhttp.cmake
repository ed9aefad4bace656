# SPDX-License-Identifier: GPL-3.0-only
# llhttp: Debian 13 has libllhttp-dev; on Debian 12 the package node-llhttp installs its C sources.
find_path(LLHTTP_INCLUDE llhttp.h PATHS /usr/share/include PATH_SUFFIXES llhttp REQUIRED)
find_library(LLHTTP_LIBRARY llhttp)
if(LLHTTP_LIBRARY)
    add_library(llhttp INTERFACE)
    target_link_libraries(llhttp INTERFACE ${LLHTTP_LIBRARY})
    target_include_directories(llhttp SYSTEM INTERFACE ${LLHTTP_INCLUDE})
else()
    find_path(LLHTTP_SOURCES llhttp.c PATHS /usr/share/llhttp REQUIRED)
    add_library(llhttp STATIC ${LLHTTP_SOURCES}/api.c ${LLHTTP_SOURCES}/http.c ${LLHTTP_SOURCES}/llhttp.c)
    target_include_directories(llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE})
    # Strict mode refuses a bare LF as line end in chunk headers.
    target_compile_definitions(llhttp PRIVATE LLHTTP_STRICT_MODE=1)
    target_compile_options(llhttp PRIVATE -O2 -w)
    set_target_properties(llhttp PROPERTIES UNITY_BUILD OFF)
endif()
