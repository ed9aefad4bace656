# SPDX-License-Identifier: GPL-3.0-only
# jemalloc instead of the C library's malloc, in the programs that are shipped: what one thread makes and another frees (an
# audit event) makes threads wait for each other in glibc's. Not under sanitizers, which have their own.
option(LLM_PROXY_JEMALLOC "Link jemalloc" OFF)
if(LLM_PROXY_JEMALLOC)
    find_library(JEMALLOC_LIBRARY jemalloc REQUIRED)
endif()
function(llm_proxy_link_jemalloc target)
    if(LLM_PROXY_JEMALLOC)
        target_compile_definitions(${target} PRIVATE LLM_PROXY_JEMALLOC)
        target_link_libraries(${target} PRIVATE -Wl,--push-state,--no-as-needed ${JEMALLOC_LIBRARY} -Wl,--pop-state)
    endif()
endfunction()
