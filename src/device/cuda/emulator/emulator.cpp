/*
 * The emulator's runtime, linked into every library that compile_emulated.ts makes: launches (block.h),
 * what kernels call (emulator.h) and, with KERF_CHECKED, the check of every memory access (sanitizers.h).
 */
#include "block.h"

#ifdef KERF_CHECKED
#include "sanitizers.h"
#else
static bool open_checks() { return true; }
static void close_checks() {}
static void on_block_start() {}
static void on_barrier() {}
static void check_atomic(void *, const void *) {}
#endif

extern "C" {

uint32_t kerf_emulated_thread() { return now.thread; }
uint32_t kerf_emulated_block() { return now.block; }
uint32_t kerf_emulated_n_blocks() { return now.launch->grid; }

void *kerf_emulated_dynamic_shared() { return now.dynamic_shared; }

/* Threads take turns only where they wait, so nothing comes between. */
uint32_t kerf_emulated_atomic_add(uint32_t *p, uint32_t x)
{
  check_atomic(p, __builtin_return_address(0));
  const uint32_t before = *p;
  *p = before + x;
  return before;
}

void kerf_emulated_barrier(const char *file, int line)
{
  now.threads[now.thread].site = {file, line, nullptr};
  wait_as(AT_BARRIER);
}

float kerf_emulated_shuffle(
  kerf_shuffle_kind kind, float x, uint32_t operand, const char *file, int line)
{
  emulated_thread &self = now.threads[now.thread];
  self.site = {file, line, nullptr};
  self.shuffle = kind;
  self.value = x;
  self.operand = operand;
  wait_as(AT_SHUFFLE);
  return self.received;
}

int32_t kerf_emulate_launch(const struct kerf_kernel *kernel, const struct kerf_launch *launch)
{
  now.kernel = kernel;
  now.launch = launch;
  now.failed = false;
  now.running = false;
  now.block = now.thread = 0;
  const source_place nowhere = {};
  const uint32_t most = kernel->max_threads == 0 ? MAX_THREADS : kernel->max_threads;
  if (launch->block == 0 || launch->block > most) {
    report(nowhere, "a block of %u threads where 1 to %u can be", launch->block, most);
    return 1;
  }
  if (launch->args_bytes != kernel->args_bytes) {
    report(nowhere, "%llu bytes of arguments, not %llu", (unsigned long long)launch->args_bytes,
      (unsigned long long)kernel->args_bytes);
    return 1;
  }
  const size_t stack_bytes = launch->block * FIBRE_STACK, bytes = stack_bytes + launch->shared_bytes;
  void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    report(nowhere, "the host has no memory for %zu bytes of stacks", bytes);
    return 1;
  }
  now.stacks = (char *)memory;
  now.dynamic_shared = now.stacks + stack_bytes;
  if (open_checks()) {
    for (uint32_t block = 0; block < launch->grid && !now.failed; block++) run_block(block);
    close_checks();
  } else {
    report(nowhere, "the host has no memory to check accesses with");
  }
  munmap(memory, bytes);
  return now.failed ? 1 : 0;
}
}
