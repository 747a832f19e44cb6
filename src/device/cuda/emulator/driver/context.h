/* The emulated GPU and its primary context: what it is, who holds it, what was left when it went. */
#pragma once

#include "graphs.h"
#include "memory.h"

/* What the emulated GPU is; tests change it. */
static struct {
  int version, n_devices, major, minor, maps_memory, n_multiprocessors;
} gpu;

static int is_initialized, n_retained;
/* The primary context; another each time the last one is gone. */
static u64 context = 0x4b65726600c0de00ull;
static _Thread_local u64 current;
/* What lived when the context went. */
static struct text leaks;

#define ANY_DEVICE(device) REQUIRE(is_initialized, NOT_INITIALIZED); \
  REQUIRE((device) == 0 && gpu.n_devices > 0, INVALID_DEVICE)
#define IN_CONTEXT() REQUIRE(n_retained > 0 && current == context, INVALID_CONTEXT)

static void list_live(struct text *to)
{
  for (size_t i = 0; i < n_objects; i++) {
    if (objects[i].kind != NO_KIND && objects[i].owner == 0) {
      add(to, "%s %zu\n", kind_names[objects[i].kind], i);
    }
  }
  for (size_t i = 0; i < ranges.n; i++) {
    const struct range *r = &ranges.items[i];
    add(to, "%s of %llu bytes\n", r->physical != 0 ? "mapping" : "allocation",
        (unsigned long long)r->bytes);
  }
  for (size_t i = 0; i < reservations.n; i++) {
    add(to, "reservation of %llu bytes\n", (unsigned long long)reservations.items[i].bytes);
  }
}

EXPORT int cuDevicePrimaryCtxRetain(u64 *handle, int device);
EXPORT int cuDevicePrimaryCtxRetain(u64 *handle, int device)
{
  BEGIN("cuDevicePrimaryCtxRetain", "device=%d", device);
  ANY_DEVICE(device);
  n_retained++;
  *handle = context;
  return finish(&call, SUCCESS);
}

/* Everything that is left goes with the context, and is remembered as never given back. */
static void end_context(void)
{
  run_queue();
  list_live(&leaks);
  for (size_t i = 0; i < n_objects; i++) {
    struct object *object = &objects[i];
    if (object->kind == EXECUTABLE) destroy_executable(object);
    else if (object->kind != NO_KIND) destroy_object(object);
  }
  for (size_t i = 0; i < ranges.n; i++) {
    const struct range *r = &ranges.items[i];
    if (r->physical == 0) munmap(at(r->address), round_up(r->bytes, HOST_PAGE) + HOST_PAGE);
  }
  for (size_t i = 0; i < reservations.n; i++) {
    munmap(at(reservations.items[i].address), reservations.items[i].bytes);
  }
  ranges.n = reservations.n = 0;
  used_bytes = 0;
  poison = 0;
  context += 16;
}

EXPORT int cuDevicePrimaryCtxRelease_v2(int device);
EXPORT int cuDevicePrimaryCtxRelease_v2(int device)
{
  BEGIN_RELEASE("cuDevicePrimaryCtxRelease_v2", "device=%d", device);
  ANY_DEVICE(device);
  REQUIRE(n_retained > 0, INVALID_CONTEXT);
  if (--n_retained == 0) end_context();
  return finish(&call, SUCCESS);
}

EXPORT int cuCtxSetCurrent(u64 handle);
EXPORT int cuCtxSetCurrent(u64 handle)
{
  BEGIN("cuCtxSetCurrent", "context=%#llx", (unsigned long long)handle);
  REQUIRE(handle == 0 || (n_retained > 0 && handle == context), INVALID_CONTEXT);
  current = handle;
  return finish(&call, SUCCESS);
}
