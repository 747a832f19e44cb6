/*
 * What is known of every byte that threads share: who wrote it and who read it last, and when. Time is
 * counted in phases: a block starts one, and so does every barrier that a block passes. Two accesses by
 * different threads meet in one phase, or come from two blocks of a launch, in no order: that is a race
 * unless both read or both are atomic. All of it starts afresh with every launch.
 */
#pragma once

#include <stdint.h>

/* One byte; phase 0 is never. */
struct shadow_cell {
  uint32_t written, read;
  uint16_t writer, reader; /* threads, with the marks below */
};

static const uint16_t THREAD_OF = 0x0fff;
static const uint16_t BY_MANY_THREADS = 0x8000; /* of a reader: in the phase `read` */
static const uint16_t BY_MANY_BLOCKS = 0x4000;  /* of a reader: in phases of earlier blocks too */
static const uint16_t BY_ATOMIC = 0x8000;       /* of a writer */

enum access_kind { READ, WRITE, ATOMIC };

/* What is wrong with an access; `other` is the thread it meets. */
enum conflict { FINE, UNINITIALISED, RACE_WITH_WRITE, RACE_WITH_READ, OTHER_BLOCK_WROTE, OTHER_BLOCK_READ };

/* Who is at it: this thread in this phase of a block that started in phase `block_phase`. */
struct accessor {
  uint32_t phase, block_phase;
  uint16_t thread;
};

static inline conflict shadow_read(shadow_cell *cell, const accessor &by, bool shared)
{
  if (cell->written == by.phase) {
    if ((cell->writer & BY_ATOMIC) || cell->writer != by.thread) return RACE_WITH_WRITE;
  } else if (cell->written < by.block_phase) {
    if (shared) return UNINITIALISED;
    if (cell->written != 0) return OTHER_BLOCK_WROTE;
  }
  if (cell->read == by.phase) {
    if ((cell->reader & THREAD_OF) != by.thread) cell->reader |= BY_MANY_THREADS;
    return FINE;
  }
  const bool other_block = cell->read != 0 && cell->read < by.block_phase;
  const uint16_t many = other_block ? BY_MANY_BLOCKS : cell->reader & BY_MANY_BLOCKS;
  cell->read = by.phase;
  cell->reader = by.thread | many;
  return FINE;
}

static inline conflict shadow_write(shadow_cell *cell, const accessor &by, bool shared, bool atomic)
{
  const bool both_atomic = atomic && (cell->writer & BY_ATOMIC);
  if (atomic && shared && cell->written < by.block_phase) return UNINITIALISED;
  if (cell->written == by.phase) {
    if (!both_atomic && cell->writer != by.thread) return RACE_WITH_WRITE;
  } else if (!shared && !both_atomic && cell->written != 0 && cell->written < by.block_phase) {
    return OTHER_BLOCK_WROTE;
  }
  if (cell->read == by.phase) {
    if ((cell->reader & BY_MANY_THREADS) || (cell->reader & THREAD_OF) != by.thread) return RACE_WITH_READ;
  }
  if (!shared && cell->read != 0) {
    if (cell->read < by.block_phase || (cell->reader & BY_MANY_BLOCKS)) return OTHER_BLOCK_READ;
  }
  cell->written = by.phase;
  cell->writer = atomic ? by.thread | BY_ATOMIC : by.thread;
  return FINE;
}
