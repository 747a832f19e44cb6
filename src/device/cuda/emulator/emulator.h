/*
 * What a compiled kernel and the emulator's runtime (emulator.cpp) say to each other. Where a thread stands
 * never changes while it runs, so those functions are const: a kernel asks once.
 */
#pragma once

#include "launch.h"

enum kerf_shuffle_kind { KERF_SHUFFLE_DOWN, KERF_SHUFFLE_XOR, KERF_SHUFFLE_FROM };

extern "C" {

__attribute__((const)) uint32_t kerf_emulated_thread();
__attribute__((const)) uint32_t kerf_emulated_block();
__attribute__((const)) uint32_t kerf_emulated_n_blocks();

/* Waits for every thread of the block. */
void kerf_emulated_barrier(const char *file, int line);
/* Waits for the warp and gives the value of another lane. */
float kerf_emulated_shuffle(
  kerf_shuffle_kind kind, float x, uint32_t operand, const char *file, int line);

/* The dynamic shared memory of the block. */
__attribute__((const)) void *kerf_emulated_dynamic_shared();
/* Adds in one step that no other thread can come between; the value before. */
uint32_t kerf_emulated_atomic_add(uint32_t *p, uint32_t x);

/* The entry point of one kernel. */
struct kerf_kernel {
  const char *name;
  uint64_t args_bytes;
  uint32_t max_threads; /* of a block, as its launch bounds say; 0: they say nothing */
  void (*run)(const void *args);
};
int32_t kerf_emulate_launch(const struct kerf_kernel *kernel, const struct kerf_launch *launch);

/* Reports an address that a wide access needs to be a multiple of `bytes`. */
#ifdef KERF_CHECKED
void kerf_emulated_aligned(const void *p, uint32_t bytes);
#else
static inline void kerf_emulated_aligned(const void *, uint32_t) {}
#endif
}

#if defined(__clang__)
#define KERF_UNCHECKED __attribute__((no_sanitize("thread", "undefined")))
#else
#define KERF_UNCHECKED __attribute__((no_sanitize_thread, no_sanitize_undefined))
#endif

/* Exports NAME_emulate for a kernel; compile_emulated.ts writes one line for each. */
#define KERF_EMULATE(name, type, max_threads)                                                        \
  KERF_UNCHECKED static void name##_run(const void *kerf_args)                                       \
  {                                                                                                  \
    name(*(const struct type *)kerf_args);                                                           \
  }                                                                                                  \
  extern "C" __attribute__((visibility("default"))) int32_t name##_emulate(                          \
    const struct kerf_launch *launch)                                                                \
  {                                                                                                  \
    const struct kerf_kernel kernel = {#name, sizeof(type), max_threads, name##_run};                \
    return kerf_emulate_launch(&kernel, launch);                                                     \
  }
