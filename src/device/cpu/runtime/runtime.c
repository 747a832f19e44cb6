/*
 * The CPU runtime: memory, files, the instruction set level, and the walk over a plan's operations with a
 * pool of threads, one text with the headers beside it. The only hand-written C that a run executes; kernels are
 * generated and come in as addresses.
 *
 * How a step runs. Each operation is a kernel and a number of independent items. A thread takes ranges of
 * its own share of them and then of the others' shares, so none is tied to a thread: one that the system takes
 * off its core delays others only by the range it holds. A barrier is "every item since the last barrier is finished",
 * not "every thread arrived"; a thread that comes late finds the shares empty and catches up.
 * Between operations whose items belong to parts of the work there may be less than a barrier: an item waits
 * for those before it in its own parts. These were all handed out before it was, so nobody waits in a circle.
 *
 * Whoever waits spins for at most SPIN_NS and then sleeps, so the pool never competes with its own work.
 */

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What the host calls; all else is hidden. */
#define EXPORT __attribute__((visibility("default")))

#include "memory.h"
#include "files.h"
#include "cpu_level.h"
#include "walk.h"

static void *worker_main(void *argument) {
  struct pool *p = argument;
  /* The caller of kerf_run is number 0. */
  const uint32_t thread = atomic_fetch_add(&p->n_walkers, 1) + 1;
  uint32_t seen = 0;
  for (;;) {
    wait_for(p, &p->epoch, DIFFERS, seen);
    if (atomic_load(&p->stopping)) return NULL;
    seen = atomic_load(&p->epoch);
    /* A worker that wakes after the step was closed stays outside. */
    if (atomic_fetch_add(&p->gate, 1) & OPEN) walk(p, thread);
    if (atomic_fetch_sub(&p->gate, 1) == 1) wake_sleepers(p);
  }
}

static void stop_workers(struct pool *p, uint32_t n_workers) {
  atomic_store(&p->stopping, 1);
  atomic_fetch_add(&p->epoch, 1);
  wake_sleepers(p);
  for (uint32_t i = 0; i < n_workers; i++) pthread_join(p->workers[i], NULL);
}

static void free_pool(struct pool *p) {
  free(p->workers);
  free(p->progress);
  free(p->shares);
  free(p);
}

/* A pool of `n_threads` threads, the caller of kerf_run among them; 0 when threads or memory are short. */
EXPORT uint64_t kerf_pool_open(uint32_t n_threads) {
  struct pool *p = aligned_alloc(64, (sizeof(struct pool) + 63) / 64 * 64);
  if (!p) return 0;
  memset(p, 0, sizeof *p);
  p->n_threads = n_threads;
  p->workers = calloc(n_threads, sizeof *p->workers);
#if !USE_FUTEX
  pthread_mutex_init(&p->mutex, NULL);
  pthread_cond_init(&p->changed, NULL);
#endif
  uint32_t started = 0;
  while (p->workers && started + 1 < n_threads &&
         pthread_create(&p->workers[started], NULL, worker_main, p) == 0)
    started++;
  if (p->workers && started + 1 == n_threads) return (uint64_t)(uintptr_t)p;
  stop_workers(p, started);
  free_pool(p);
  return 0;
}

/* Ends the workers. Nothing may run in the pool. */
EXPORT void kerf_pool_close(uint64_t pool) {
  struct pool *p = (struct pool *)(uintptr_t)pool;
  stop_workers(p, p->n_threads - 1);
  free_pool(p);
}

/* `items` times the factors from `first` on in this step, or -1 when that does not fit 32 bits. */
static int64_t count_items(const struct op *op, const uint32_t *step, uint64_t items,
                           uint32_t first) {
  for (uint32_t i = first; i < op->n_factors; i++) {
    uint64_t value = step[op->factor[i].field], per = op->factor[i].per;
    items *= (value + per - 1) / per;
    if (items > UINT32_MAX) return -1;
  }
  return (int64_t)items;
}

/* Adds an operation's items to the ends of its level, which begins with those of the one before. */
static void count_parts(const struct parts *parts, const struct op *op, struct progress *g,
                        struct progress *level) {
  if (g == level && g->before) {
    memcpy(g->ends, g->before->ends, sizeof g->ends);
  } else if (g == level) {
    memset(g->ends, 0, sizeof g->ends);
    for (uint32_t i = 0; i < MAX_PARTS; i++)
      atomic_store_explicit(&g->done[i], 0, memory_order_relaxed);
  }
  const uint32_t of_place = g->items / op->n_places;
  for (uint32_t i = 0; i < MAX_PARTS; i++) level->ends[i] += of_place * parts->places[i];
}

/* Gives each thread its share of an operation's items; the first threads have one more where they do not divide. */
static void share_items(struct pool *p, uint32_t i) {
  const uint64_t items = p->progress[i].items, n = p->n_threads;
  for (uint32_t t = 0; t < n; t++) {
    const uint32_t begin = (uint32_t)((items * t + n - 1) / n);
    const uint32_t end = (uint32_t)((items * (t + 1) + n - 1) / n);
    atomic_store_explicit(share_of(p, t, i), range_of(begin, end), memory_order_relaxed);
  }
}

/*
 * Runs a plan once. `step` is copied to `step_address`, where kernels read it. Returns 0, or i + 1 when
 * operation i has too many items, or -1 without memory; in both cases nothing ran.
 */
EXPORT int32_t kerf_run(uint64_t pool, const void *ops, uint32_t n_ops, const void *args,
                        const uint32_t *step, uint32_t n_step, uint64_t step_address) {
  struct pool *p = (struct pool *)(uintptr_t)pool;
  /* One entry more than operations: walk() looks one group ahead. */
  if (n_ops + 1 > p->capacity) {
    struct progress *grown = realloc(p->progress, (n_ops + 1) * sizeof *grown);
    if (grown) p->progress = grown;
    _Atomic uint64_t *shares = realloc(p->shares, (size_t)p->n_threads * (n_ops + 1) * sizeof *shares);
    if (shares) p->shares = shares;
    if (!grown || !shares) return -1;
    p->capacity = n_ops + 1;
  }
  p->ops = ops;
  p->args = args;
  p->n_ops = n_ops;
  memcpy((void *)(uintptr_t)step_address, step, n_step * sizeof *step);
  struct progress *group = p->progress, *level = group, *before = NULL;
  for (uint32_t i = 0; i < n_ops; i++) {
    const struct op *op = &p->ops[i];
    struct progress *g = &p->progress[i];
    int64_t items = count_items(op, step, op->fixed, 0);
    if (items < 0) return (int32_t)i + 1;
    g->items = (uint32_t)items;
    g->expected = 0;
    g->level = level;
    g->before = before;
    share_items(p, i);
    atomic_store_explicit(&g->finished, 0, memory_order_relaxed);
    group->expected += g->items;
    if (op->n_places) {
      g->inner = (uint32_t)count_items(op, step, op->inner, op->n_factors - op->n_inner);
      count_parts(parts_of(p, op), op, g, level);
    }
    if (is_full(p, op)) {
      group = level = g + 1;
      before = NULL;
    } else if (op->barrier == PARTS_BARRIER) {
      before = level;
      level = g + 1;
    }
  }
  if (p->n_threads > 1) {
    atomic_fetch_or(&p->gate, OPEN);
    atomic_fetch_add(&p->epoch, 1);
    wake_sleepers(p);
  }
  walk(p, 0);
  if (p->n_threads > 1) {
    atomic_fetch_and(&p->gate, ~OPEN);
    wait_for(p, &p->gate, EQUALS, 0);
  }
  return 0;
}

/*
 * Runs a plan once and notes when: times[i] is the clock, in nanoseconds, when the operations from i to the next
 * barrier were finished, 0 where no group begins or none of its items is there; times[n_ops] is the clock at the
 * start.
 */
EXPORT int32_t kerf_run_timed(uint64_t pool, const void *ops, uint32_t n_ops, const void *args,
                              const uint32_t *step, uint32_t n_step, uint64_t step_address,
                              uint64_t *times) {
  struct pool *p = (struct pool *)(uintptr_t)pool;
  memset(times, 0, n_ops * sizeof *times);
  times[n_ops] = now_ns();
  p->times = times;
  int32_t code = kerf_run(pool, ops, n_ops, args, step, n_step, step_address);
  p->times = NULL;
  return code;
}
