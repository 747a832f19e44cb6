/*
 * The check of one access before it happens: it is held to the launch's memory, to its own size and to the
 * shadow of what other threads did. A problem is told and the thread left where it is, so nothing that a
 * kernel does reaches the host.
 */
#pragma once

#include "regions.h"

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
