/*
 * What a compiled kernel of the emulator is called with. Every library that src/build/compile_emulated.ts
 * makes exports, for each kernel NAME it holds, `int32_t NAME_emulate(const struct kerf_launch *)`: 0, or 1
 * with one line in `problem`. Calls from several host threads at a time are not allowed.
 */
#ifndef KERF_LAUNCH_H
#define KERF_LAUNCH_H

#include <stdint.h>

/* A piece of global memory that a kernel may touch. */
struct kerf_allocation {
  uint64_t address, bytes;
};

/* One launch: blocks of threads along x, as the driver's cuLaunchKernel has them. */
struct kerf_launch {
  uint32_t grid, block;
  uint32_t shared_bytes; /* dynamic shared memory of a block */
  uint32_t reserved;     /* 0 */
  const void *args;      /* the kernel's argument struct */
  uint64_t args_bytes;
  /* All of global memory; in any order, without overlap. Only a checked library looks at them. */
  const struct kerf_allocation *allocations;
  uint64_t n_allocations;
  /* Where a problem is told, ended by a zero byte. */
  char *problem;
  uint64_t problem_bytes;
};

typedef int32_t (*kerf_emulate)(const struct kerf_launch *launch);

#endif
