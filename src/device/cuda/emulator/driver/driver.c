/*
 * NVIDIA's driver for tests: a library with the functions of libcuda that src/device/cuda/symbols.ts names,
 * and those of cuBLAS.
 * Kernels run in the emulator, memory is this process's, work waits until somebody waits for it. It
 * refuses what the real driver refuses, writes every call down (kerf_driver_log), fails where it is told to
 * (kerf_driver_fail) and knows what was not given back (kerf_driver_leaks). One GPU, one host thread at a
 * time.
 */
#undef _FORTIFY_SOURCE
#define _GNU_SOURCE

#include "context.h"
#include "cublas_api.h"
#include "device_api.h"
#include "kernel_api.h"
#include "mapping_api.h"
#include "memory_api.h"
#include "stream_api.h"

/* ---- for tests ---- */

EXPORT void kerf_driver_reset(void);
EXPORT void kerf_driver_reset(void)
{
  gpu.version = 13000;
  gpu.n_devices = 1;
  gpu.major = 8;
  gpu.minor = 0;
  gpu.maps_memory = 1;
  gpu.n_multiprocessors = 3;
  memory_bytes = (u64)8 << 30;
  call_log.length = leaks.length = 0;
  planned.n = 0;
  problem[0] = 0;
  is_initialized = 0;
}

__attribute__((constructor)) static void start(void) { kerf_driver_reset(); }

EXPORT void kerf_driver_set(const char *name, u64 value);
EXPORT void kerf_driver_set(const char *name, u64 value)
{
  if (strcmp(name, "version") == 0) gpu.version = (int)value;
  if (strcmp(name, "devices") == 0) gpu.n_devices = (int)value;
  if (strcmp(name, "major") == 0) gpu.major = (int)value;
  if (strcmp(name, "minor") == 0) gpu.minor = (int)value;
  if (strcmp(name, "maps_memory") == 0) gpu.maps_memory = (int)value;
  if (strcmp(name, "memory") == 0) memory_bytes = value;
}

/* The n-th call of a name from now on returns a code. */
EXPORT void kerf_driver_fail(const char *name, u32 n, int code);
EXPORT void kerf_driver_fail(const char *name, u32 n, int code)
{
  snprintf(planned.name, sizeof planned.name, "%s", name);
  planned.n = n;
  planned.code = code;
}

static u64 copy_text(const struct text *text, char *to, u64 bytes)
{
  const u64 n = text->length < bytes ? text->length : bytes;
  if (n > 0) memcpy(to, text->bytes, n);
  return text->length;
}

/* The calls so far, a line each: name, result, arguments. Returns how many bytes there are. */
EXPORT u64 kerf_driver_log(char *to, u64 bytes);
EXPORT u64 kerf_driver_log(char *to, u64 bytes) { return copy_text(&call_log, to, bytes); }

/* What was never given back, a line each: now, and when a context went. */
EXPORT u64 kerf_driver_leaks(char *to, u64 bytes);
EXPORT u64 kerf_driver_leaks(char *to, u64 bytes)
{
  struct text all = { 0 };
  if (n_retained > 0) add(&all, "context\n");
  add(&all, "%.*s", (int)leaks.length, leaks.length > 0 ? leaks.bytes : "");
  list_live(&all);
  const u64 n = copy_text(&all, to, bytes);
  free(all.bytes);
  return n;
}

/* Bytes of the GPU's memory in use. */
EXPORT u64 kerf_driver_used(void);
EXPORT u64 kerf_driver_used(void) { return used_bytes; }
