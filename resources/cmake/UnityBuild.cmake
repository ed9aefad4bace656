# SPDX-License-Identifier: GPL-3.0-only
# A unity build compiles the files of a folder together, at most ten at a time: headers are read and templates instantiated once.
# The presets server, release, asan and tsan use it; dev, for quick rebuilds, compiles file by file. File-local names must be
# unique within a folder.
function(llm_proxy_unity target)
    get_target_property(sources ${target} SOURCES)
    set(folder "")
    foreach(source ${sources})
        if(source MATCHES "\\.cpp$")
            cmake_path(GET source PARENT_PATH parent)
            if(NOT parent STREQUAL folder)
                set(folder "${parent}")
                set(count 0)
            endif()
            math(EXPR part "${count} / 10")
            math(EXPR count "${count} + 1")
            cmake_path(RELATIVE_PATH parent BASE_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE name)
            string(MAKE_C_IDENTIFIER "${name}_${part}" name)
            set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${name})
        endif()
    endforeach()
    set_target_properties(${target} PROPERTIES UNITY_BUILD_MODE GROUP)
    # GCC warns about types of anonymous namespaces in included files; here these are sources, not headers.
    target_compile_options(${target} PRIVATE $<$<AND:$<CXX_COMPILER_ID:GNU>,$<BOOL:$<TARGET_PROPERTY:UNITY_BUILD>>>:-Wno-subobject-linkage>)
endfunction()
