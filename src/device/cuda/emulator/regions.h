/*
 * The memory that a launch may touch, each stretch with its shadow: the launch's allocations, the static
 * shared variables of the library (a section of their own, kerf_cuda.h) and the dynamic shared memory.
 */
#pragma once

#include <stdlib.h>

#include "block.h"
#include "shadow.h"

extern "C" {
extern char __start_kerf_shared[] __attribute__((weak, visibility("hidden")));
extern char __stop_kerf_shared[] __attribute__((weak, visibility("hidden")));
extern char __ehdr_start[] __attribute__((visibility("hidden")));
extern char _end[] __attribute__((visibility("hidden")));
}

/* A stretch of memory that threads share, and its shadow. */
struct region {
  uintptr_t start;
  size_t bytes;
  shadow_cell *shadow;
};

static struct {
  region *regions; /* sorted by address: the launch's allocations */
  size_t n_regions;
  region statics, dynamic; /* shared memory of a block */
  region *last;            /* where the last access was */
  void *shadow;
  size_t shadow_bytes;
  uint32_t phase, block_phase;
} checks;

static int compare_regions(const void *a, const void *b)
{
  const uintptr_t x = ((const region *)a)->start, y = ((const region *)b)->start;
  return x < y ? -1 : x > y;
}

/* Makes the shadow of a launch; false when there is no memory. Pages that nothing touches cost nothing. */
static bool open_checks()
{
  const kerf_launch &launch = *now.launch;
  checks.n_regions = launch.n_allocations;
  checks.regions = (region *)malloc((checks.n_regions + 1) * sizeof(region));
  if (checks.regions == nullptr) return false;
  checks.statics = {(uintptr_t)__start_kerf_shared, (size_t)(__stop_kerf_shared - __start_kerf_shared), nullptr};
  checks.dynamic = {(uintptr_t)now.dynamic_shared, launch.shared_bytes, nullptr};
  size_t cells = checks.statics.bytes + checks.dynamic.bytes;
  for (size_t i = 0; i < checks.n_regions; i++) {
    checks.regions[i] = {(uintptr_t)launch.allocations[i].address, (size_t)launch.allocations[i].bytes, nullptr};
    cells += checks.regions[i].bytes;
  }
  qsort(checks.regions, checks.n_regions, sizeof(region), compare_regions);

  checks.shadow_bytes = (cells + 1) * sizeof(shadow_cell);
  checks.shadow = mmap(nullptr, checks.shadow_bytes, PROT_READ | PROT_WRITE,
    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (checks.shadow == MAP_FAILED) {
    free(checks.regions);
    return false;
  }
  shadow_cell *next = (shadow_cell *)checks.shadow;
  checks.statics.shadow = next;
  checks.dynamic.shadow = next += checks.statics.bytes;
  next += checks.dynamic.bytes;
  for (size_t i = 0; i < checks.n_regions; i++) {
    checks.regions[i].shadow = next;
    next += checks.regions[i].bytes;
  }
  checks.last = &checks.statics;
  checks.phase = 0;
  return true;
}

static void close_checks()
{
  munmap(checks.shadow, checks.shadow_bytes);
  free(checks.regions);
}

static void on_block_start() { checks.block_phase = ++checks.phase; }
static void on_barrier() { checks.phase++; }

static inline bool holds(const region &r, uintptr_t address) { return address - r.start < r.bytes; }

/* The allocation of an address, or the last one that starts below it; null before the first. */
static region *nearest_region(uintptr_t address)
{
  size_t low = 0, high = checks.n_regions;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (checks.regions[middle].start <= address) low = middle + 1;
    else high = middle;
  }
  return low == 0 ? nullptr : &checks.regions[low - 1];
}

static inline region *find_region(uintptr_t address)
{
  if (holds(*checks.last, address)) return checks.last;
  region *found = holds(checks.statics, address) ? &checks.statics
    : holds(checks.dynamic, address)             ? &checks.dynamic
                                                 : nearest_region(address);
  if (found == nullptr || !holds(*found, address)) return nullptr;
  return checks.last = found;
}
