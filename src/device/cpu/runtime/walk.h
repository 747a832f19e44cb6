/* A thread's way through a step: it takes ranges of items, runs them, and waits where the plan says so. */

#include <stdatomic.h>
#include <stdint.h>

#include "pool.h"

/*
 * Takes the next range of an operation: half of what is left of the thread's own share, from its front, or of
 * another's, from its end. So ranges are long while there is much and short at the end, but never under 1/32 of a
 * share, to bound the number of takes; and from step to step a thread meets the same rows.
 */
static int take(struct pool *p, uint32_t i, uint32_t thread, uint32_t *first, uint32_t *last) {
  const uint32_t least = p->progress[i].items / (32 * p->n_threads) + 1;
  for (uint32_t k = 0; k < p->n_threads; k++) {
    _Atomic uint64_t *share = share_of(p, (thread + k) % p->n_threads, i);
    uint64_t rest = atomic_load_explicit(share, memory_order_relaxed), less;
    uint32_t size;
    do {
      uint32_t begin = (uint32_t)rest, end = (uint32_t)(rest >> 32);
      if (begin == end) break;
      size = (end - begin) / 2;
      if (size < least) size = least;
      if (size > end - begin) size = end - begin;
      *first = k == 0 ? begin : end - size;
      *last = *first + size;
      less = k == 0 ? range_of(*last, end) : range_of(begin, *first);
    } while (!atomic_compare_exchange_weak_explicit(share, &rest, less, memory_order_relaxed,
                                                    memory_order_relaxed));
    if ((uint32_t)rest != (uint32_t)(rest >> 32)) return 1;
  }
  return 0;
}

/* Where a step is timed every barrier is full, so that each operation has a time. */
static int is_full(const struct pool *p, const struct op *op) {
  return op->barrier == FULL_BARRIER || (op->barrier == PARTS_BARRIER && p->times);
}

static const struct parts *parts_of(const struct pool *p, const struct op *op) {
  return (const struct parts *)(p->args + op->parts);
}

/* Runs items that belong to parts, one run of places in the same ones after the other. */
static void run_parts(struct pool *p, uint32_t i, struct progress *group, uint32_t first,
                      uint32_t last) {
  const struct op *op = &p->ops[i];
  const struct progress *g = &p->progress[i];
  const uint32_t *masks = parts_of(p, op)->masks;
  for (uint32_t start = first, end; start < last; start = end) {
    uint32_t place = start / g->inner, mask = masks[place % op->n_places];
    end = start;
    do {
      uint32_t rest = g->inner - end % g->inner;
      end = last - end < rest ? last : end + rest;
      place++;
    } while (end < last && masks[place % op->n_places] == mask);
    for (uint32_t rest = g->before ? mask : 0; rest; rest &= rest - 1) {
      uint32_t part = (uint32_t)__builtin_ctz(rest);
      wait_for(p, &group->done[part], REACHES, g->before->ends[part]);
    }
    ((kernel)(uintptr_t)op->function)(p->args + op->args, start, end);
    for (uint32_t rest = mask; rest; rest &= rest - 1) {
      uint32_t part = (uint32_t)__builtin_ctz(rest);
      uint32_t done = atomic_fetch_add(&group->done[part], end - start) + (end - start);
      if (done == g->level->ends[part]) wake_sleepers(p);
    }
  }
}

/* Walks the whole step, doing what is left of each operation. Every thread runs this. */
static void walk(struct pool *p, uint32_t thread) {
  struct progress *group = p->progress;
  for (uint32_t i = 0; i < p->n_ops; i++) {
    const struct op *op = &p->ops[i];
    uint32_t first, last;
    while (take(p, i, thread, &first, &last)) {
      if (op->n_places && !p->times) run_parts(p, i, group, first, last);
      else ((kernel)(uintptr_t)op->function)(p->args + op->args, first, last);
      uint32_t before = atomic_fetch_add(&group->finished, last - first);
      if (before + (last - first) == group->expected) {
        if (p->times) p->times[group - p->progress] = now_ns();
        wake_sleepers(p);
      }
    }
    if (is_full(p, op)) {
      wait_for(p, &group->finished, EQUALS, group->expected);
      group = &p->progress[i + 1];
    }
  }
}
