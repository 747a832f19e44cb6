/*
 * The checked build: the kernel is compiled as for ThreadSanitizer and UndefinedBehaviorSanitizer, whose
 * calls come here instead of to those runtimes. Every access is held to the launch's allocations, to its
 * own size and to the shadow of what other threads did; then the problem is told and the thread ends
 * before the access happens, so nothing a kernel does reaches the host.
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

/* Leaves a thread whose next access would do harm; the launch has failed and nothing runs it again. */
[[noreturn]] static void abandon_thread()
{
  wait_as(ENDED);
  __builtin_unreachable();
}

static const char *const ACCESS_NAMES[] = {"read", "write", "atomic operation"};

[[noreturn]] static void report_outside(access_kind kind, uintptr_t address, size_t bytes, const source_place &at)
{
  const region *below = nearest_region(address);
  const unsigned long long first = address;
  if (address - (uintptr_t)now.stacks < now.launch->block * FIBRE_STACK) {
    report(at, "%s of %zu bytes in another thread's own memory", ACCESS_NAMES[kind], bytes);
  } else if (checks.n_regions > 0 && below != nullptr) {
    report(at, "%s of %zu bytes outside global memory, at byte %llu of an allocation of %zu",
      ACCESS_NAMES[kind], bytes, first - below->start, below->bytes);
  } else {
    report(at, "%s of %zu bytes outside global memory, at address 0x%llx", ACCESS_NAMES[kind], bytes, first);
  }
  abandon_thread();
}

[[noreturn]] static void report_conflict(conflict c, access_kind kind, const region &r, size_t offset,
  const source_place &at)
{
  const char *where = &r == &checks.statics || &r == &checks.dynamic ? "shared" : "global";
  const shadow_cell &cell = r.shadow[offset];
  const char *name = ACCESS_NAMES[kind];
  if (c == UNINITIALISED) {
    report(at, "%s of shared memory that no thread of the block has written", name);
  } else if (c == OTHER_BLOCK_WROTE || c == OTHER_BLOCK_READ) {
    report(at, "race between blocks: %s of global memory, byte %zu of an allocation of %zu, that another block %s",
      name, offset, r.bytes, c == OTHER_BLOCK_WROTE ? "wrote" : "read");
  } else {
    const bool wrote = c == RACE_WITH_WRITE;
    const bool many = !wrote && (cell.reader & BY_MANY_THREADS);
    report(at, "race: %s of %s memory that %s %u %s since the last barrier", name, where,
      many ? "several threads, one of them" : "thread", (wrote ? cell.writer : cell.reader) & THREAD_OF,
      wrote ? "wrote" : "read");
  }
  abandon_thread();
}

/* Checks an access of the running thread before it happens. */
static inline void check(access_kind kind, const void *p, size_t bytes, const source_place &at)
{
  const uintptr_t address = (uintptr_t)p;
  if (!now.running || address - (uintptr_t)stack_of(now.thread) < FIBRE_STACK) return;
  region *r = find_region(address);
  if (r == nullptr) {
    /* Constants of the library. */
    if (kind == READ && address - (uintptr_t)__ehdr_start < (size_t)(_end - __ehdr_start)) return;
    report_outside(kind, address, bytes, at);
  }
  const size_t offset = address - r->start;
  if (bytes > r->bytes - offset) report_outside(kind, address, bytes, at);

  const accessor by = {checks.phase, checks.block_phase, (uint16_t)now.thread};
  const bool shared = r == &checks.statics || r == &checks.dynamic;
  for (size_t i = 0; i < bytes; i++) {
    shadow_cell *cell = &r->shadow[offset + i];
    const conflict c = kind == READ ? shadow_read(cell, by, shared) : shadow_write(cell, by, shared, kind == ATOMIC);
    if (c != FINE) report_conflict(c, kind, *r, offset + i, at);
  }
}

static inline void check_alignment(const void *p, size_t bytes, const source_place &at)
{
  if (!now.running || (uintptr_t)p % bytes == 0) return;
  report(at, "an access of %zu bytes at an address that is no multiple of %zu", bytes, bytes);
  abandon_thread();
}

static void check_atomic(void *p, const void *code)
{
  const source_place at = {nullptr, 0, code};
  check_alignment(p, 4, at);
  check(ATOMIC, p, 4, at);
}

#define KERF_HERE source_place{nullptr, 0, __builtin_return_address(0)}

extern "C" {

void kerf_emulated_aligned(const void *p, uint32_t bytes) { check_alignment(p, bytes, KERF_HERE); }

#define KERF_HOOKS(bytes)                                                                        \
  void __tsan_read##bytes(void *p)                                                               \
  {                                                                                              \
    check_alignment(p, bytes, KERF_HERE);                                                        \
    check(READ, p, bytes, KERF_HERE);                                                            \
  }                                                                                              \
  void __tsan_write##bytes(void *p)                                                              \
  {                                                                                              \
    check_alignment(p, bytes, KERF_HERE);                                                        \
    check(WRITE, p, bytes, KERF_HERE);                                                           \
  }                                                                                              \
  void __tsan_unaligned_read##bytes(void *p) { check(READ, p, bytes, KERF_HERE); }               \
  void __tsan_unaligned_write##bytes(void *p) { check(WRITE, p, bytes, KERF_HERE); }
KERF_HOOKS(1)
KERF_HOOKS(2)
KERF_HOOKS(4)
KERF_HOOKS(8)
KERF_HOOKS(16)

void __tsan_read_range(void *p, size_t bytes) { check(READ, p, bytes, KERF_HERE); }
void __tsan_write_range(void *p, size_t bytes) { check(WRITE, p, bytes, KERF_HERE); }
void *__tsan_memcpy(void *to, const void *from, size_t bytes)
{
  check(READ, from, bytes, KERF_HERE);
  check(WRITE, to, bytes, KERF_HERE);
  return memcpy(to, from, bytes);
}
void *__tsan_memset(void *to, int value, size_t bytes)
{
  check(WRITE, to, bytes, KERF_HERE);
  return memset(to, value, bytes);
}
void __tsan_init() {}
void __tsan_func_entry(void *) {}
void __tsan_func_exit() {}

/* What the compiler passes of a source line, and of a type. */
struct ubsan_location {
  const char *file;
  uint32_t line, column;
};
struct ubsan_type {
  uint16_t kind, info;
  char name[];
};
struct ubsan_data {
  ubsan_location at;
  const ubsan_type *type;
};

#define KERF_UBSAN(name, ...)                                                                    \
  void __ubsan_handle_##name(const ubsan_data *data, uintptr_t a, uintptr_t b)                   \
  {                                                                                              \
    (void)a;                                                                                     \
    (void)b;                                                                                     \
    if (!now.running) return;                                                                    \
    report({data->at.file, (int)data->at.line, nullptr}, __VA_ARGS__);                           \
    abandon_thread();                                                                            \
  }
KERF_UBSAN(out_of_bounds, "index %lld of an array %s", (long long)a, data->type->name)
KERF_UBSAN(shift_out_of_bounds, "a shift by %lld of a number of type %s", (long long)b, data->type->name)
KERF_UBSAN(divrem_overflow, "a division of %s by zero, or of the least number by -1", data->type->name)
KERF_UBSAN(add_overflow, "a sum of %s overflows", data->type->name)
KERF_UBSAN(sub_overflow, "a difference of %s overflows", data->type->name)
KERF_UBSAN(mul_overflow, "a product of %s overflows", data->type->name)
KERF_UBSAN(negate_overflow, "a negation of %s overflows", data->type->name)
KERF_UBSAN(float_cast_overflow, "a number of %s outside the range of what it is converted to", data->type->name)
}
