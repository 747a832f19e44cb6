/*
 * The work of streams: everything asked for waits in a queue until somebody waits for it, so that whoever
 * does not wait sees it. Kernels run in the emulator; one that goes wrong, or that touches an address with
 * no memory behind it, breaks the context as it would on a GPU.
 */
#pragma once

#include <setjmp.h>
#include <signal.h>
#include <time.h>

#include "memory.h"
#include "modules.h"

struct launch {
  u64 function;
  u32 grid, block, shared_bytes;
  u64 args_bytes;
  char args[512];
};

struct event {
  int is_recorded, is_done;
  double ms;
};

/* C = Aᵀ · B of column-major f32 matrices, C of m by n. */
struct product {
  int m, n, k, lda, ldb, ldc;
  u64 a, b, c, a_bytes, b_bytes, c_bytes;
};

enum work_kind { FILL, UPLOAD, COPY, LAUNCH, RECORD, PRODUCT };
struct work {
  enum work_kind kind;
  u64 to, from, bytes;
  void *staged; /* what UPLOAD writes */
  u32 value;
  u64 event;
  struct launch launch;
  struct product product;
};

static struct work *queue;
static size_t n_queued;
/* Whether somebody has asked for the queue's end and been told to come again. */
static int was_asked;

static struct work *enqueue(enum work_kind kind)
{
  queue = realloc(queue, (n_queued + 1) * sizeof *queue);
  if (queue == NULL) abort();
  was_asked = 0;
  queue[n_queued] = (struct work){ .kind = kind };
  return &queue[n_queued++];
}

static sigjmp_buf fault_return;
static void *fault_address;

static void on_fault(int number, siginfo_t *info, void *context)
{
  (void)number, (void)context;
  fault_address = info->si_addr;
  siglongjmp(fault_return, 1);
}

/* Runs a kernel; a fault in it ends it. Returns 0 or 1, with a problem that begins with its name. */
static int run_guarded(const struct function *function, const struct kerf_launch *launch)
{
  struct sigaction guard = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER }, before;
  sigaction(SIGSEGV, &guard, &before);
  int result = 1;
  if (sigsetjmp(fault_return, 1) == 0) {
    result = function->emulate(launch);
  } else {
    snprintf(problem, sizeof problem, "%s: it touched %p, where there is no memory", function->name,
             fault_address);
  }
  sigaction(SIGSEGV, &before, NULL);
  return result;
}

static void run_launch(const struct launch *launch)
{
  const struct object *object = find_object(FUNCTION, launch->function);
  if (object == NULL) {
    snprintf(problem, sizeof problem, "its module was unloaded before it ran");
    poison = LAUNCH_FAILED;
    return;
  }
  const struct function *function = object->data;
  struct kerf_allocation *all = calloc(ranges.n + 1, sizeof *all);
  size_t n = 0;
  for (size_t i = 0; i < ranges.n; i++) {
    const struct range *r = &ranges.items[i];
    if (r->is_usable) all[n++] = (struct kerf_allocation){ r->address, r->bytes };
  }
  const struct kerf_launch given = {
    .grid = launch->grid,
    .block = launch->block,
    .shared_bytes = launch->shared_bytes,
    .args = launch->args,
    .args_bytes = launch->args_bytes,
    .allocations = all,
    .n_allocations = n,
    .problem = problem,
    .problem_bytes = sizeof problem,
  };
  if (run_guarded(function, &given) != 0) poison = ILLEGAL_ADDRESS;
  free(all);
}

static int has_memory(const struct product *p)
{
  return is_usable(p->a, p->a_bytes) && is_usable(p->b, p->b_bytes) && is_usable(p->c, p->c_bytes);
}

/* Sums from the last input to the first: no order is promised, and no kernel's is this one. */
static void run_product(const struct product *p)
{
  const float *a = at(p->a), *b = at(p->b);
  float *c = at(p->c);
  for (int j = 0; j < p->n; j++) {
    for (int i = 0; i < p->m; i++) {
      const float *row = a + (size_t)i * (size_t)p->lda, *x = b + (size_t)j * (size_t)p->ldb;
      float sum = 0;
      for (int k = p->k; k-- > 0;) sum += row[k] * x[k];
      c[(size_t)j * (size_t)p->ldc + (size_t)i] = sum;
    }
  }
}

static double now_ms(void)
{
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return 1e3 * (double)time.tv_sec + 1e-6 * (double)time.tv_nsec;
}

static void run_work(struct work *work)
{
  struct object *object;
  const int writes = work->kind == FILL || work->kind == UPLOAD || work->kind == COPY;
  const int can_write = !writes || is_usable(work->to, work->bytes);
  const int can_read = work->kind != COPY || is_usable(work->from, work->bytes);
  if (!can_write || !can_read || (work->kind == PRODUCT && !has_memory(&work->product))) {
    snprintf(problem, sizeof problem, "memory was given back before it was used");
    poison = ILLEGAL_ADDRESS;
    return;
  }
  switch (work->kind) {
  case FILL: memset(at(work->to), (int)work->value, work->bytes); break;
  case UPLOAD: memcpy(at(work->to), work->staged, work->bytes); break;
  case COPY: memcpy(at(work->to), at(work->from), work->bytes); break;
  case LAUNCH: run_launch(&work->launch); break;
  case PRODUCT: run_product(&work->product); break;
  case RECORD:
    object = find_object(EVENT, work->event);
    if (object != NULL) {
      ((struct event *)object->data)->ms = now_ms();
      ((struct event *)object->data)->is_done = 1;
    }
    break;
  }
}

/* Does what is queued, for about so long; nothing of it once the context is broken. */
static void run_queue_for(double ms)
{
  const double end = now_ms() + ms;
  size_t n = 0;
  while (n < n_queued && (poison != 0 || now_ms() < end)) {
    if (poison == 0) run_work(&queue[n]);
    free(queue[n++].staged);
  }
  n_queued -= n;
  memmove(queue, queue + n, n_queued * sizeof *queue);
}

/* Does everything that is queued. Returns the poison. */
static int run_queue(void)
{
  run_queue_for(1e300);
  return poison;
}

/* What the driver checks of a launch. */
static int check_launch(const struct launch *launch, const u32 yz[4])
{
  const struct object *object = find_object(FUNCTION, launch->function);
  if (object == NULL) return INVALID_HANDLE;
  const int one = yz[0] == 1 && yz[1] == 1 && yz[2] == 1 && yz[3] == 1;
  if (!one || launch->grid < 1 || launch->grid > 0x7fffffff) return INVALID_VALUE;
  if (launch->block < 1 || launch->block > 1024) return INVALID_VALUE;
  const struct function *function = object->data;
  return launch->shared_bytes > function->max_dynamic_bytes ? INVALID_VALUE : SUCCESS;
}

/* Takes the arguments over from a launch's `extra`: pairs of a name and a value, ended by 0. */
static int take_arguments(struct launch *launch, const void *params, void *const *extra)
{
  if (params != NULL || extra == NULL) return INVALID_VALUE;
  const void *bytes = NULL;
  launch->args_bytes = ~0ull;
  for (; *extra != NULL; extra += 2) {
    if ((uintptr_t)extra[0] == 1) bytes = extra[1];
    else if ((uintptr_t)extra[0] == 2) launch->args_bytes = *(const size_t *)extra[1];
    else return INVALID_VALUE;
  }
  if (bytes == NULL || launch->args_bytes > sizeof launch->args) return INVALID_VALUE;
  memcpy(launch->args, bytes, launch->args_bytes);
  return SUCCESS;
}
