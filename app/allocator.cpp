// SPDX-License-Identifier: GPL-3.0-only
// How jemalloc is set up where it is linked: what a wave of requests took goes back to the system a second later, not ten,
// so that resident memory is the same after a million requests as after a hundred thousand.
#ifdef LLM_PROXY_JEMALLOC
extern "C" {
extern const char *malloc_conf; // jemalloc's own name for it
const char *malloc_conf = "dirty_decay_ms:1000,muzzy_decay_ms:0";
}
#endif
