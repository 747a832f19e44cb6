/*
 * One launch: blocks one after another, the threads of a block as fibres. Every thread runs until it waits
 * for others or ends; a warp whose lanes all wait at one shuffle exchanges values and goes on, a block
 * whose threads all wait at one barrier goes on. Anything else is a problem.
 *
 * State is the library's own: one launch at a time.
 */
#pragma once

#include <sys/mman.h>

#include "emulator.h"
#include "fibre.h"
#include "problem.h"

enum thread_state { READY, AT_BARRIER, AT_SHUFFLE, ENDED };

struct emulated_thread {
  fibre context;
  thread_state state;
  source_place site; /* of what it waits at */
  kerf_shuffle_kind shuffle;
  float value, received;
  uint32_t operand;
};

static const uint32_t WARP = 32, MAX_THREADS = 1024;

static struct {
  const kerf_kernel *kernel;
  const kerf_launch *launch;
  char *stacks, *dynamic_shared;
  uint32_t block, thread;
  bool running;   /* a thread, rather than this runtime */
  bool failed;
  fibre scheduler;
  emulated_thread threads[MAX_THREADS];
} now;

static inline char *stack_of(uint32_t thread) { return now.stacks + thread * FIBRE_STACK; }

/* Tells the launch's first problem. */
static void report(const source_place &place, const char *format, ...)
{
  if (now.failed) return;
  now.failed = true;
  char what[512], where[512] = "";
  va_list values;
  va_start(values, format);
  vsnprintf(what, sizeof what, format, values);
  va_end(values);
  print_place(place, where, sizeof where);
  snprintf(now.launch->problem, now.launch->problem_bytes, "%s: %s (block %u, thread %u, %s)",
    now.kernel->name, what, now.block, now.thread, where);
}

/* Gives the host thread to the next lane, or back to the scheduler, until this thread may go on. */
static void wait_as(thread_state state)
{
  emulated_thread &self = now.threads[now.thread];
  self.state = state;
  const uint32_t next = now.thread + 1;
  if (!now.failed && next % WARP != 0 && next < now.launch->block && now.threads[next].state == READY) {
    now.thread = next;
    fibre_switch(&self.context, &now.threads[next].context);
  } else {
    now.running = false;
    fibre_switch(&self.context, &now.scheduler);
  }
}

static void run_thread()
{
  now.kernel->run(now.launch->args);
  wait_as(ENDED);
}

static const char *state_name(thread_state state)
{
  return state == AT_BARRIER ? "waits at a barrier" : state == AT_SHUFFLE ? "waits at a shuffle" : "has ended";
}

static bool same_site(const emulated_thread &a, const emulated_thread &b)
{
  return a.state == b.state && a.site.line == b.site.line && strcmp(a.site.file, b.site.file) == 0;
}

/* Whether all threads of a range wait where `waiting` does; tells the first that does not. */
static bool meet(uint32_t waiting, uint32_t first, uint32_t end, const char *what)
{
  const emulated_thread &one = now.threads[waiting];
  for (uint32_t i = first; i < end; i++) {
    const emulated_thread &other = now.threads[i];
    if (same_site(one, other)) continue;
    char place[512] = "";
    if (other.state != ENDED) print_place(other.site, place, sizeof place);
    now.thread = waiting;
    report(one.site, "%s that not all threads reach: thread %u %s%s%s", what, i, state_name(other.state),
      other.state == ENDED ? "" : " at ", place);
    return false;
  }
  return true;
}

/* The lane whose value a lane gets: its own where there is no such lane. */
static uint32_t source_lane(const emulated_thread &self, uint32_t lane)
{
  switch (self.shuffle) {
    case KERF_SHUFFLE_DOWN: return lane + self.operand < WARP ? lane + self.operand : lane;
    case KERF_SHUFFLE_XOR: return lane ^ (self.operand % WARP);
    default: return self.operand % WARP;
  }
}

/* Runs a warp until all its lanes wait at a barrier or have ended. */
static void run_warp(uint32_t first, uint32_t end)
{
  for (;;) {
    uint32_t at_shuffle = end;
    for (uint32_t i = first; i < end; i++) {
      emulated_thread &thread = now.threads[i];
      if (thread.state == READY) {
        now.thread = i;
        now.running = true;
        fibre_switch(&now.scheduler, &thread.context);
        if (now.failed) return;
      }
      if (thread.state == AT_SHUFFLE) at_shuffle = i;
    }
    if (at_shuffle == end) return;
    if (!meet(at_shuffle, first, end, "a shuffle")) return;
    for (uint32_t i = first; i < end; i++) {
      emulated_thread &thread = now.threads[i];
      const uint32_t source = first + source_lane(thread, i - first);
      if (source >= end) {
        now.thread = i;
        report(thread.site, "a shuffle reads lane %u of a warp of %u", source - first, end - first);
        return;
      }
      thread.received = now.threads[source].value;
    }
    for (uint32_t i = first; i < end; i++) now.threads[i].state = READY;
  }
}

/* What a checked build does where a block starts and where its threads have met. */
static void on_block_start();
static void on_barrier();

static void run_block(uint32_t block)
{
  const uint32_t n_threads = now.launch->block;
  now.block = block;
  on_block_start();
  for (uint32_t i = 0; i < n_threads; i++) {
    now.threads[i].state = READY;
    fibre_prepare(&now.threads[i].context, stack_of(i), run_thread);
  }
  for (;;) {
    uint32_t at_barrier = n_threads;
    for (uint32_t first = 0; first < n_threads; first += WARP) {
      run_warp(first, first + WARP < n_threads ? first + WARP : n_threads);
      if (now.failed) return;
    }
    for (uint32_t i = 0; i < n_threads; i++) {
      if (now.threads[i].state == AT_BARRIER) at_barrier = i;
    }
    if (at_barrier == n_threads) return;
    if (!meet(at_barrier, 0, n_threads, "a barrier")) return;
    on_barrier();
    for (uint32_t i = 0; i < n_threads; i++) now.threads[i].state = READY;
  }
}
