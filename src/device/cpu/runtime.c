/*
 * The CPU runtime: memory, files, the instruction set level, and the walk over a plan's operations with a
 * pool of threads. The only hand-written C that a run executes; kernels are generated and come in as addresses.
 *
 * How a step runs. Each operation is a kernel and a number of independent items. Threads take ranges of
 * items from a shared counter, so none of them is tied to a thread: one that the system takes off its core
 * delays others only by the range it holds. A barrier is "every item since the last barrier is finished",
 * not "every thread arrived"; a thread that comes late finds the counters exhausted and catches up.
 * Between operations whose items belong to parts of the work there may be less than a barrier: an item waits
 * for those before it in its own parts. These were all handed out before it was, so nobody waits in a circle.
 *
 * Whoever waits spins for at most SPIN_NS and then sleeps, so the pool never competes with its own work.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* KERF_CONDVAR takes the portable way of sleeping on Linux too, so that it can be tested there. */
#if defined(__linux__) && !defined(KERF_CONDVAR)
#define USE_FUTEX 1
#include <linux/futex.h>
#include <sys/syscall.h>
#else
#define USE_FUTEX 0
#endif

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

#define EXPORT __attribute__((visibility("default")))

/* ---- memory ------------------------------------------------------------------------------------- */

/*
 * From HUGE_FROM bytes on a buffer begins with a huge page and asks for them: weights are read end to end, at
 * memory bandwidth.
 */
enum { HUGE_PAGE = 2 << 20, HUGE_FROM = 2 * HUGE_PAGE };

static uint64_t page_up(uint64_t bytes) {
  uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
  return (bytes + page - 1) / page * page;
}

/*
 * Zeroed memory, aligned to a page; 0 when there is none. `reserve` takes address space only: a page takes
 * memory at its first write, in the smallest size, so that what is discarded is really given back.
 */
EXPORT uint64_t kerf_map(uint64_t bytes, uint32_t reserve) {
  int flags = MAP_PRIVATE | MAP_ANONYMOUS;
#ifdef MAP_NORESERVE
  if (reserve) flags |= MAP_NORESERVE;
#endif
  uint64_t size = page_up(bytes), slack = 0;
#ifdef MADV_HUGEPAGE
  if (!reserve && bytes >= HUGE_FROM) slack = HUGE_PAGE;
#endif
  uint8_t *p = mmap(NULL, size + slack, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (p == MAP_FAILED) return 0;
#ifdef MADV_HUGEPAGE
  if (slack > 0) {
    uint64_t before = -(uint64_t)(uintptr_t)p % HUGE_PAGE;
    if (before > 0) munmap(p, before);
    p += before;
    munmap(p + size, slack - before);
    madvise(p, size, MADV_HUGEPAGE);
  } else if (reserve) {
    madvise(p, size, MADV_NOHUGEPAGE);
  }
#endif
  return (uint64_t)(uintptr_t)p;
}

static uint64_t page_down(uint64_t address) { return address & ~(page_up(1) - 1); }

/* Gives back what kerf_map or kerf_map_file returned, `bytes` as they were asked for. */
EXPORT int32_t kerf_unmap(uint64_t address, uint64_t bytes) {
  uint64_t first = page_down(address);
  return munmap((void *)(uintptr_t)first, page_up(address + bytes - first)) == 0 ? 0 : errno;
}

/* Returns the whole pages inside a range to the system; on Linux they read as zero afterwards. */
EXPORT int32_t kerf_discard(uint64_t address, uint64_t bytes) {
  uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
  uint64_t first = page_up(address), end = (address + bytes) / page * page;
  if (end <= first) return 0;
  return madvise((void *)(uintptr_t)first, end - first, MADV_DONTNEED) == 0 ? 0 : errno;
}

#if defined(__linux__) && !defined(MADV_COLLAPSE)
#define MADV_COLLAPSE 25 /* Linux 6.1; earlier ones refuse it */
#endif

/*
 * Puts a range of reserved memory, all of it in use, on huge pages where the system can; its bytes stay. What
 * it cannot now it may do later, so there is no failure.
 */
EXPORT void kerf_make_huge(uint64_t address, uint64_t bytes) {
#ifdef MADV_HUGEPAGE
  void *p = (void *)(uintptr_t)address;
  if (madvise(p, bytes, MADV_HUGEPAGE) == 0) madvise(p, bytes, MADV_COLLAPSE);
#endif
}

/*
 * Puts a range that kerf_make_huge had on small pages again, without those of 4096 bytes whose `kept` is 0.
 * The system would take these from the process at once, but use their memory elsewhere only when it is short:
 * so what is kept is written anew. Returns an errno or 0.
 */
EXPORT int32_t kerf_make_small(uint64_t address, uint64_t bytes, const uint8_t *kept) {
  enum { PAGE = 4096 };
  uint8_t *range = (uint8_t *)(uintptr_t)address, *copy = malloc(bytes);
  if (!copy) return ENOMEM;
  for (uint64_t at = 0; at < bytes; at += PAGE)
    if (kept[at / PAGE]) memcpy(copy + at, range + at, PAGE);
#ifdef MADV_NOHUGEPAGE
  madvise(range, bytes, MADV_NOHUGEPAGE);
#endif
  int32_t code = kerf_discard(address, bytes);
  for (uint64_t at = 0; at < bytes; at += PAGE)
    if (kept[at / PAGE]) memcpy(range + at, copy + at, PAGE);
  free(copy);
  return code;
}

/* The number of KiB on a line of Linux's /proc/meminfo, in bytes; 0 where there is none. */
static uint64_t meminfo(const char *name) {
  char line[128];
  unsigned long long kib = 0;
  FILE *file = fopen("/proc/meminfo", "re");
  while (file && kib == 0 && fgets(line, sizeof line, file)) {
    if (strncmp(line, name, strlen(name)) == 0) kib = strtoull(line + strlen(name), NULL, 10);
  }
  if (file) fclose(file);
  return (uint64_t)kib * 1024;
}

/*
 * How much memory programs can still get, what the system would drop for them included, and how much there
 * is: two numbers of bytes, 0 where the system does not say.
 */
EXPORT void kerf_memory(uint64_t *bytes) {
  bytes[0] = meminfo("MemAvailable:");
  bytes[1] = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

EXPORT void kerf_write(uint64_t destination, const void *source, uint64_t bytes) {
  memcpy((void *)(uintptr_t)destination, source, bytes);
}

EXPORT void kerf_read(void *destination, uint64_t source, uint64_t bytes) {
  memcpy(destination, (const void *)(uintptr_t)source, bytes);
}

/*
 * Opens a file to read bytes [offset, offset + bytes). Returns -1 on failure, with errno in `error`; a range that
 * is empty or ends beyond the file is EINVAL.
 */
EXPORT int32_t kerf_open(const char *path, uint64_t offset, uint64_t bytes, int32_t *error) {
  struct stat info;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file >= 0 && fstat(file, &info) == 0) {
    if (S_ISDIR(info.st_mode)) errno = EISDIR;
    else if (bytes == 0 || offset + bytes > (uint64_t)info.st_size) errno = EINVAL;
    else return file;
  }
  *error = errno;
  if (file >= 0) close(file);
  return -1;
}

/*
 * Maps bytes [offset, offset + bytes) of a file read-only and returns the address of the first; 0 on failure,
 * as kerf_open tells it.
 */
EXPORT uint64_t kerf_map_file(const char *path, uint64_t offset, uint64_t bytes, int32_t *error) {
  uint64_t first = page_down(offset);
  int file = kerf_open(path, offset, bytes, error);
  if (file < 0) return 0;
  void *p = mmap(NULL, (size_t)(offset + bytes - first), PROT_READ, MAP_SHARED, file, (off_t)first);
  if (p == MAP_FAILED) *error = errno;
  close(file);
  return p == MAP_FAILED ? 0 : (uint64_t)(uintptr_t)p + (offset - first);
}

/* Reads bytes of a file that kerf_open opened, and closes it. Returns an errno or 0. */
EXPORT int32_t kerf_fill(int32_t file, uint64_t offset, uint64_t address, uint64_t bytes) {
  int32_t code = 0;
  while (bytes > 0 && code == 0) {
    ssize_t n = pread(file, (void *)(uintptr_t)address, (size_t)bytes, (off_t)offset);
    if (n > 0) {
      offset += (uint64_t)n;
      address += (uint64_t)n;
      bytes -= (uint64_t)n;
    } else if (n == 0) {
      code = EIO; /* somebody cut the file */
    } else if (errno != EINTR) {
      code = errno;
    }
  }
  close(file);
  return code;
}

/* The system's words for an errno, cut to `n` bytes with the closing zero. */
EXPORT void kerf_error_text(int32_t code, char *text, uint32_t n) {
  strncpy(text, strerror(code), n - 1);
  text[n - 1] = 0;
}

/* ---- instruction set ---------------------------------------------------------------------------- */

/*
 * The level of this CPU. x86-64: 1 to 4 (psABI names them x86-64-v2 to -v4), 5 with VNNI and VBMI too, 6 with BF16
 * beside them. aarch64: 16, 17 with sums of 8-bit products. 0 on other machines.
 */
EXPORT uint32_t kerf_cpu_level(void) {
#if defined(__x86_64__)
  unsigned a, b, c, d;
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("sse4.2") || !__builtin_cpu_supports("popcnt")) return 1;
  /* f16c, movbe and lzcnt are not among the names every compiler knows. */
  __cpuid(1, a, b, c, d);
  int f16c_movbe = (c >> 29 & 1) && (c >> 22 & 1);
  __cpuid(0x80000001, a, b, c, d);
  if (!f16c_movbe || !(c >> 5 & 1) || !__builtin_cpu_supports("avx2") ||
      !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi") ||
      !__builtin_cpu_supports("bmi2"))
    return 2;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512cd") || !__builtin_cpu_supports("avx512dq") ||
      !__builtin_cpu_supports("avx512vl"))
    return 3;
  /* Both are in the second word of leaf 7: bits 11 and 1. */
  __cpuid_count(7, 0, a, b, c, d);
  if (!(c >> 11 & 1) || !(c >> 1 & 1)) return 4;
  /* The first word of the leaf's second part, which a counts: bit 5. */
  if (a == 0) return 5;
  __cpuid_count(7, 1, a, b, c, d);
  return a >> 5 & 1 ? 6 : 5;
#elif defined(__aarch64__) && defined(__linux__)
  return getauxval(AT_HWCAP) & HWCAP_ASIMDDP ? 17 : 16;
#elif defined(__aarch64__) && defined(__APPLE__)
  /* Every Mac with such a CPU has them. */
  return 17;
#else
  return 0;
#endif
}

/* ---- operations --------------------------------------------------------------------------------- */

typedef void (*kernel)(const void *args, uint32_t first, uint32_t last);

/* Factors of a grid that depend on the step; all others are multiplied into `fixed`. */
enum { STEP_FACTORS = 4 };

/* Parts of the work between two barriers: bits of a mask. */
enum { MAX_PARTS = 32 };

/* What happens before the next operation starts. */
enum {
  NO_BARRIER,
  FULL_BARRIER, /* all items up to here finish */
  PARTS_BARRIER, /* of each of its items, those up to here finish that belong to the same parts */
};

/*
 * How items are divided among parts: the grid has `n_places` places, each of `inner` items in a row, and the
 * places of a turn come again and again.
 */
struct parts {
  uint32_t places[MAX_PARTS]; /* of a turn, that belong to each part */
  uint32_t masks[];           /* u32 [n_places]: the parts of each place */
};

/* One operation of a plan. Written by program.ts: the layouts must agree. */
struct op {
  uint64_t function; /* address of a kernel */
  uint64_t args;     /* byte offset of its argument struct */
  uint32_t fixed;    /* product of the factors known when the plan was made */
  uint32_t barrier;  /* one of the above */
  uint32_t n_factors;
  uint32_t n_inner; /* those of them, the last ones, that are multiplied into the items of a place */
  struct {
    uint32_t field; /* index into the step header */
    uint32_t per;   /* the factor is ceil(step[field] / per) */
  } factor[STEP_FACTORS];
  uint64_t parts;    /* byte offset of a struct parts behind the arguments */
  uint32_t n_places; /* 0: no barrier of parts is beside it */
  uint32_t inner;    /* as `fixed`, of the items of a place */
};
_Static_assert(sizeof(struct op) == 80, "program.ts writes 80 bytes an operation");

/*
 * Where one operation stands in the current step. Operations up to a full barrier are a group, those of it up to a
 * barrier of parts a level.
 */
struct progress {
  uint32_t items;
  _Atomic uint32_t taken;    /* items handed out */
  _Atomic uint32_t finished; /* in the group's first operation: finished items of the whole group */
  uint32_t expected;         /* in the group's first operation: items of the whole group */
  uint32_t inner;            /* items of a place */
  const struct progress *level, *before; /* the first operation of its level, and of the one before; NULL: none */
  /* In the level's first operation: items of each part up to the level's end … */
  uint32_t ends[MAX_PARTS];
  /* … and in the group's: those of them that are finished. */
  _Atomic uint32_t done[MAX_PARTS];
};

/* ---- pool --------------------------------------------------------------------------------------- */

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
  uint32_t n_ops, capacity;
  uint64_t *times; /* where a step is timed: when each group was finished */
  /* Each on its own cache line: they are polled by different threads. */
  _Alignas(64) _Atomic uint32_t gate;
  _Alignas(64) _Atomic uint32_t epoch; /* counts steps; the pool's end is one more */
  _Alignas(64) _Atomic uint32_t event; /* what sleepers sleep on: changes at every wake-up */
  _Atomic uint32_t sleepers;
  _Atomic uint32_t stopping;
#if !USE_FUTEX
  pthread_mutex_t mutex;
  pthread_cond_t changed;
#endif
};

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

/*
 * Takes the next range of an operation: half a thread's share of what is left, so ranges are long while
 * there is much and short at the end, but never under 1/32 of a share, to bound the number of takes.
 */
static int take(struct progress *g, uint32_t n_threads, uint32_t *first, uint32_t *last) {
  uint32_t items = g->items, least = items / (32 * n_threads) + 1;
  uint32_t taken = atomic_load_explicit(&g->taken, memory_order_relaxed), size;
  do {
    uint32_t left = items - taken;
    if (left == 0) return 0;
    size = left / (2 * n_threads);
    if (size < least) size = least;
    if (size > left) size = left;
  } while (!atomic_compare_exchange_weak_explicit(&g->taken, &taken, taken + size,
                                                  memory_order_relaxed, memory_order_relaxed));
  *first = taken;
  *last = taken + size;
  return 1;
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
static void walk(struct pool *p) {
  struct progress *group = p->progress;
  for (uint32_t i = 0; i < p->n_ops; i++) {
    const struct op *op = &p->ops[i];
    uint32_t first, last;
    while (take(&p->progress[i], p->n_threads, &first, &last)) {
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

static void *worker_main(void *argument) {
  struct pool *p = argument;
  uint32_t seen = 0;
  for (;;) {
    wait_for(p, &p->epoch, DIFFERS, seen);
    if (atomic_load(&p->stopping)) return NULL;
    seen = atomic_load(&p->epoch);
    /* A worker that wakes after the step was closed stays outside. */
    if (atomic_fetch_add(&p->gate, 1) & OPEN) walk(p);
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
    if (!grown) return -1;
    p->progress = grown;
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
    atomic_store_explicit(&g->taken, 0, memory_order_relaxed);
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
  walk(p);
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
