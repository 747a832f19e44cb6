/* The pool, and how its threads wait for one another: they spin briefly, then sleep. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include "plan.h"

/* KERF_CONDVAR takes the portable way of sleeping on Linux too, so that it can be tested there. */
#if defined(__linux__) && !defined(KERF_CONDVAR)
#define USE_FUTEX 1
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#else
#define USE_FUTEX 0
#endif

enum { SPIN_NS = 20000, SPIN_CHECK = 32 };

/* Set in `gate` while a step is open; the other bits count the workers inside it. */
#define OPEN 0x80000000u

struct pool {
  uint32_t n_threads;
  pthread_t *workers;
  /* The step. Written by the main thread while the gate is closed and nobody is inside. */
  const struct op *ops;
  const uint8_t *args;
  struct progress *progress;
  _Atomic uint64_t *shares; /* [n_threads, capacity]: what is left of each thread's items */
  uint32_t n_ops, capacity;
  uint64_t *times; /* where a step is timed: when each group was finished */
  /* Each on its own cache line: they are polled by different threads. */
  _Alignas(64) _Atomic uint32_t gate;
  _Alignas(64) _Atomic uint32_t epoch; /* counts steps; the pool's end is one more */
  _Alignas(64) _Atomic uint32_t event; /* what sleepers sleep on: changes at every wake-up */
  _Atomic uint32_t sleepers;
  _Atomic uint32_t n_walkers; /* threads that have their number */
  _Atomic uint32_t stopping;
#if !USE_FUTEX
  pthread_mutex_t mutex;
  pthread_cond_t changed;
#endif
};

/* A range of items in one word: its begin in the low half, its end in the high one. */
static uint64_t range_of(uint32_t begin, uint32_t end) { return (uint64_t)end << 32 | begin; }

static _Atomic uint64_t *share_of(struct pool *p, uint32_t thread, uint32_t op) {
  return &p->shares[(size_t)thread * p->capacity + op];
}

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/* Sleeps until `event` differs from `seen`; may return early. */
static void sleep_on_event(struct pool *p, uint32_t seen) {
#if USE_FUTEX
  syscall(SYS_futex, &p->event, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
#else
  pthread_mutex_lock(&p->mutex);
  while (atomic_load(&p->event) == seen) pthread_cond_wait(&p->changed, &p->mutex);
  pthread_mutex_unlock(&p->mutex);
#endif
}

/*
 * Wakes all sleepers after a change they may wait for. A sleeper counts itself before it looks at its word
 * for the last time, and the word is changed before `sleepers` is read here: one of the two sees the other.
 */
static void wake_sleepers(struct pool *p) {
  if (atomic_load(&p->sleepers) == 0) return;
#if USE_FUTEX
  atomic_fetch_add(&p->event, 1);
  syscall(SYS_futex, &p->event, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
#else
  pthread_mutex_lock(&p->mutex);
  atomic_fetch_add(&p->event, 1);
  pthread_cond_broadcast(&p->changed);
  pthread_mutex_unlock(&p->mutex);
#endif
}

/* What of a word is waited for. */
enum until { EQUALS, DIFFERS, REACHES };

static int holds(uint32_t word, enum until until, uint32_t value) {
  return until == REACHES ? word >= value : (word == value) == (until == EQUALS);
}

/* Waits until the word equals, differs from, or has counted up to a value: spins briefly, then sleeps. */
static void wait_for(struct pool *p, _Atomic uint32_t *word, enum until until, uint32_t value) {
  for (uint64_t end = 0;;) {
    for (int i = 0; i < SPIN_CHECK; i++) {
      if (holds(atomic_load_explicit(word, memory_order_acquire), until, value)) return;
      relax();
    }
    uint64_t now = now_ns();
    if (end == 0) end = now + SPIN_NS;
    else if (now >= end) break;
  }
  atomic_fetch_add(&p->sleepers, 1);
  for (;;) {
    uint32_t seen = atomic_load(&p->event);
    if (holds(atomic_load(word), until, value)) break;
    sleep_on_event(p, seen);
  }
  atomic_fetch_sub(&p->sleepers, 1);
}
