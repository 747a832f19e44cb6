/*
 * NVIDIA's driver for tests: a library with the functions of libcuda that src/device/cuda/symbols.ts names.
 * Kernels run in the emulator, memory is this process's, work waits until somebody waits for it. It
 * refuses what the real driver refuses, writes every call down (kerf_driver_log), fails where it is told to
 * (kerf_driver_fail) and knows what was not given back (kerf_driver_leaks). One GPU, one host thread at a
 * time. The functions are one file because together they are one library's outside.
 */
#undef _FORTIFY_SOURCE
#define _GNU_SOURCE

#include "calls.h"
#include "graphs.h"
#include "memory.h"
#include "modules.h"
#include "objects.h"
#include "work.h"

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

/* ---- errors, version, device ---- */

EXPORT int cuGetErrorName(int code, const char **text);
EXPORT int cuGetErrorName(int code, const char **text)
{
  *text = NULL;
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
    if (errors[i].code == code) *text = errors[i].name;
  }
  return *text != NULL ? SUCCESS : INVALID_VALUE;
}

/* With what the kernel did, where one went wrong: more than a GPU says. */
EXPORT int cuGetErrorString(int code, const char **text);
EXPORT int cuGetErrorString(int code, const char **text)
{
  static char explained[sizeof problem + 128];
  *text = NULL;
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
    if (errors[i].code == code) *text = errors[i].text;
  }
  if (*text == NULL) return INVALID_VALUE;
  if (code == poison && problem[0] != 0) {
    snprintf(explained, sizeof explained, "%s: %s", *text, problem);
    *text = explained;
  }
  return SUCCESS;
}

EXPORT int cuDriverGetVersion(int *version);
EXPORT int cuDriverGetVersion(int *version)
{
  BEGIN("cuDriverGetVersion", "%s", "");
  *version = gpu.version;
  return finish(&call, SUCCESS);
}

EXPORT int cuInit(u32 flags);
EXPORT int cuInit(u32 flags)
{
  BEGIN("cuInit", "flags=%u", flags);
  REQUIRE(flags == 0, INVALID_VALUE);
  REQUIRE(gpu.n_devices > 0, NO_DEVICE);
  is_initialized = 1;
  return finish(&call, SUCCESS);
}

EXPORT int cuDeviceGetCount(int *count);
EXPORT int cuDeviceGetCount(int *count)
{
  BEGIN("cuDeviceGetCount", "%s", "");
  REQUIRE(is_initialized, NOT_INITIALIZED);
  *count = gpu.n_devices;
  return finish(&call, SUCCESS);
}

EXPORT int cuDeviceGet(int *device, int ordinal);
EXPORT int cuDeviceGet(int *device, int ordinal)
{
  BEGIN("cuDeviceGet", "ordinal=%d", ordinal);
  ANY_DEVICE(ordinal);
  *device = ordinal;
  return finish(&call, SUCCESS);
}

EXPORT int cuDeviceGetName(char *name, int bytes, int device);
EXPORT int cuDeviceGetName(char *name, int bytes, int device)
{
  BEGIN("cuDeviceGetName", "device=%d", device);
  ANY_DEVICE(device);
  snprintf(name, (size_t)bytes, "emulated GPU");
  return finish(&call, SUCCESS);
}

EXPORT int cuDeviceGetAttribute(int *value, int attribute, int device);
EXPORT int cuDeviceGetAttribute(int *value, int attribute, int device)
{
  BEGIN("cuDeviceGetAttribute", "attribute=%d", attribute);
  ANY_DEVICE(device);
  switch (attribute) {
  case 16: *value = gpu.n_multiprocessors; break;
  case 75: *value = gpu.major; break;
  case 76: *value = gpu.minor; break;
  case 102: *value = gpu.maps_memory; break;
  default: return finish(&call, INVALID_VALUE);
  }
  return finish(&call, SUCCESS);
}

/* ---- contexts ---- */

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

/* ---- streams and events ---- */

EXPORT int cuStreamCreate(u64 *stream, u32 flags);
EXPORT int cuStreamCreate(u64 *stream, u32 flags)
{
  BEGIN("cuStreamCreate", "flags=%u", flags);
  IN_CONTEXT();
  REQUIRE(flags <= 1, INVALID_VALUE);
  *stream = make_object(STREAM, 0, NULL);
  return finish(&call, SUCCESS);
}

EXPORT int cuStreamDestroy_v2(u64 stream);
EXPORT int cuStreamDestroy_v2(u64 stream)
{
  BEGIN_RELEASE("cuStreamDestroy_v2", "%s", "");
  struct object *object = find_object(STREAM, stream);
  REQUIRE(object != NULL, INVALID_HANDLE);
  run_queue();
  destroy_object(object);
  return finish(&call, SUCCESS);
}

EXPORT int cuStreamQuery(u64 stream);
EXPORT int cuStreamQuery(u64 stream)
{
  BEGIN("cuStreamQuery", "queued=%zu", n_queued);
  IN_CONTEXT();
  REQUIRE(find_object(STREAM, stream) != NULL, INVALID_HANDLE);
  REQUIRE(n_queued == 0 || was_asked++, NOT_READY);
  return finish(&call, run_queue());
}

EXPORT int cuStreamSynchronize(u64 stream);
EXPORT int cuStreamSynchronize(u64 stream)
{
  BEGIN("cuStreamSynchronize", "queued=%zu", n_queued);
  IN_CONTEXT();
  REQUIRE(find_object(STREAM, stream) != NULL, INVALID_HANDLE);
  return finish(&call, run_queue());
}

EXPORT int cuEventCreate(u64 *event, u32 flags);
EXPORT int cuEventCreate(u64 *event, u32 flags)
{
  BEGIN("cuEventCreate", "flags=%u", flags);
  IN_CONTEXT();
  *event = make_object(EVENT, 0, calloc(1, sizeof(struct event)));
  return finish(&call, SUCCESS);
}

EXPORT int cuEventDestroy_v2(u64 event);
EXPORT int cuEventDestroy_v2(u64 event)
{
  BEGIN_RELEASE("cuEventDestroy_v2", "%s", "");
  struct object *object = find_object(EVENT, event);
  REQUIRE(object != NULL, INVALID_HANDLE);
  destroy_object(object);
  return finish(&call, SUCCESS);
}

EXPORT int cuEventRecord(u64 event, u64 stream);
EXPORT int cuEventRecord(u64 event, u64 stream)
{
  BEGIN("cuEventRecord", "%s", "");
  IN_CONTEXT();
  struct object *object = find_object(EVENT, event);
  REQUIRE(object != NULL && find_object(STREAM, stream) != NULL, INVALID_HANDLE);
  ((struct event *)object->data)->is_recorded = 1;
  enqueue(RECORD)->event = event;
  return finish(&call, SUCCESS);
}

EXPORT int cuEventElapsedTime(float *ms, u64 from, u64 to);
EXPORT int cuEventElapsedTime(float *ms, u64 from, u64 to)
{
  BEGIN("cuEventElapsedTime", "%s", "");
  IN_CONTEXT();
  const struct object *first = find_object(EVENT, from), *second = find_object(EVENT, to);
  REQUIRE(first != NULL && second != NULL, INVALID_HANDLE);
  const struct event *a = first->data, *b = second->data;
  REQUIRE(a->is_recorded && b->is_recorded, INVALID_HANDLE);
  REQUIRE(a->is_done && b->is_done, NOT_READY);
  *ms = (float)(b->ms - a->ms);
  return finish(&call, SUCCESS);
}

/* ---- memory ---- */

EXPORT int cuMemGetInfo_v2(size_t *available, size_t *total);
EXPORT int cuMemGetInfo_v2(size_t *available, size_t *total)
{
  BEGIN("cuMemGetInfo_v2", "%s", "");
  IN_CONTEXT();
  *available = memory_bytes - used_bytes;
  *total = memory_bytes;
  return finish(&call, SUCCESS);
}

EXPORT int cuMemAlloc_v2(u64 *address, u64 bytes);
EXPORT int cuMemAlloc_v2(u64 *address, u64 bytes)
{
  BEGIN("cuMemAlloc_v2", "bytes=%llu", (unsigned long long)bytes);
  IN_CONTEXT();
  REQUIRE(bytes > 0, INVALID_VALUE);
  return finish(&call, allocate(bytes, address));
}

EXPORT int cuMemFree_v2(u64 address);
EXPORT int cuMemFree_v2(u64 address)
{
  BEGIN_RELEASE("cuMemFree_v2", "%s", "");
  IN_CONTEXT();
  return finish(&call, free_allocation(address));
}

EXPORT int cuMemsetD8Async(u64 address, uint8_t value, u64 n, u64 stream);
EXPORT int cuMemsetD8Async(u64 address, uint8_t value, u64 n, u64 stream)
{
  BEGIN("cuMemsetD8Async", "bytes=%llu", (unsigned long long)n);
  IN_CONTEXT();
  REQUIRE(find_object(STREAM, stream) != NULL, INVALID_HANDLE);
  REQUIRE(is_usable(address, n), INVALID_VALUE);
  struct work *work = enqueue(FILL);
  work->to = address;
  work->bytes = n;
  work->value = value;
  return finish(&call, SUCCESS);
}

/* From memory that is not pinned: the bytes are taken over at once. */
EXPORT int cuMemcpyHtoDAsync_v2(u64 to, const void *from, u64 n, u64 stream);
EXPORT int cuMemcpyHtoDAsync_v2(u64 to, const void *from, u64 n, u64 stream)
{
  BEGIN("cuMemcpyHtoDAsync_v2", "bytes=%llu", (unsigned long long)n);
  IN_CONTEXT();
  REQUIRE(find_object(STREAM, stream) != NULL, INVALID_HANDLE);
  REQUIRE(is_usable(to, n), INVALID_VALUE);
  struct work *work = enqueue(UPLOAD);
  work->to = to;
  work->bytes = n;
  work->staged = malloc(n);
  memcpy(work->staged, from, n);
  return finish(&call, SUCCESS);
}

/* To memory that is not pinned: returns when the bytes are there. */
EXPORT int cuMemcpyDtoHAsync_v2(void *to, u64 from, u64 n, u64 stream);
EXPORT int cuMemcpyDtoHAsync_v2(void *to, u64 from, u64 n, u64 stream)
{
  BEGIN("cuMemcpyDtoHAsync_v2", "bytes=%llu", (unsigned long long)n);
  IN_CONTEXT();
  REQUIRE(find_object(STREAM, stream) != NULL, INVALID_HANDLE);
  REQUIRE(is_usable(from, n), INVALID_VALUE);
  if (run_queue() == 0) memcpy(to, at(from), n);
  return finish(&call, poison);
}

EXPORT int cuMemcpyDtoDAsync_v2(u64 to, u64 from, u64 n, u64 stream);
EXPORT int cuMemcpyDtoDAsync_v2(u64 to, u64 from, u64 n, u64 stream)
{
  BEGIN("cuMemcpyDtoDAsync_v2", "bytes=%llu", (unsigned long long)n);
  IN_CONTEXT();
  REQUIRE(find_object(STREAM, stream) != NULL, INVALID_HANDLE);
  REQUIRE(is_usable(to, n) && is_usable(from, n), INVALID_VALUE);
  REQUIRE(to + n <= from || from + n <= to, INVALID_VALUE);
  struct work *work = enqueue(COPY);
  work->to = to;
  work->from = from;
  work->bytes = n;
  return finish(&call, SUCCESS);
}

/* ---- memory behind reserved addresses ---- */

/* CUmemAllocationProp and CUmemAccessDesc of cuda.h. */
struct location {
  int type, id;
};
struct allocation_properties {
  int type, handle_types;
  struct location location;
  void *win32;
  uint8_t flags[8];
};
struct access_description {
  struct location location;
  int flags;
};
_Static_assert(sizeof(struct allocation_properties) == 32, "CUmemAllocationProp");
_Static_assert(sizeof(struct access_description) == 12, "CUmemAccessDesc");

static int is_this_gpu(const struct location *l) { return l->type == 1 && l->id == 0; }

static int are_known(const struct allocation_properties *given)
{
  static const uint8_t none[8];
  return given->type == 1 && given->handle_types == 0 && is_this_gpu(&given->location) &&
    given->win32 == NULL && memcmp(given->flags, none, sizeof none) == 0;
}

EXPORT int cuMemGetAllocationGranularity(size_t *bytes, const struct allocation_properties *given,
                                         int option);
EXPORT int cuMemGetAllocationGranularity(size_t *bytes, const struct allocation_properties *given,
                                         int option)
{
  BEGIN("cuMemGetAllocationGranularity", "option=%d", option);
  IN_CONTEXT();
  REQUIRE(are_known(given) && (option == 0 || option == 1), INVALID_VALUE);
  *bytes = CHUNK;
  return finish(&call, SUCCESS);
}

EXPORT int cuMemAddressReserve(u64 *address, u64 bytes, u64 alignment, u64 wish, u64 flags);
EXPORT int cuMemAddressReserve(u64 *address, u64 bytes, u64 alignment, u64 wish, u64 flags)
{
  BEGIN("cuMemAddressReserve", "bytes=%llu", (unsigned long long)bytes);
  IN_CONTEXT();
  REQUIRE(alignment == 0 && wish == 0 && flags == 0, INVALID_VALUE);
  return finish(&call, reserve(bytes, address));
}

EXPORT int cuMemAddressFree(u64 address, u64 bytes);
EXPORT int cuMemAddressFree(u64 address, u64 bytes)
{
  BEGIN_RELEASE("cuMemAddressFree", "bytes=%llu", (unsigned long long)bytes);
  IN_CONTEXT();
  return finish(&call, free_reservation(address, bytes));
}

EXPORT int cuMemCreate(u64 *handle, u64 bytes, const struct allocation_properties *given, u64 flags);
EXPORT int cuMemCreate(u64 *handle, u64 bytes, const struct allocation_properties *given, u64 flags)
{
  BEGIN("cuMemCreate", "bytes=%llu", (unsigned long long)bytes);
  IN_CONTEXT();
  REQUIRE(are_known(given) && bytes > 0 && bytes % CHUNK == 0 && flags == 0, INVALID_VALUE);
  REQUIRE(bytes <= memory_bytes - used_bytes, OUT_OF_MEMORY);
  struct physical *physical = calloc(1, sizeof *physical);
  physical->bytes = bytes;
  used_bytes += bytes;
  *handle = make_object(PHYSICAL, 0, physical);
  return finish(&call, SUCCESS);
}

EXPORT int cuMemRelease(u64 handle);
EXPORT int cuMemRelease(u64 handle)
{
  BEGIN_RELEASE("cuMemRelease", "%s", "");
  IN_CONTEXT();
  struct object *object = find_object(PHYSICAL, handle);
  REQUIRE(object != NULL && !((struct physical *)object->data)->is_released, INVALID_VALUE);
  ((struct physical *)object->data)->is_released = 1;
  drop_physical(object);
  return finish(&call, SUCCESS);
}

EXPORT int cuMemMap(u64 address, u64 bytes, u64 offset, u64 handle, u64 flags);
EXPORT int cuMemMap(u64 address, u64 bytes, u64 offset, u64 handle, u64 flags)
{
  BEGIN("cuMemMap", "bytes=%llu", (unsigned long long)bytes);
  IN_CONTEXT();
  REQUIRE(offset == 0 && flags == 0, INVALID_VALUE);
  return finish(&call, map_physical(address, bytes, handle));
}

EXPORT int cuMemUnmap(u64 address, u64 bytes);
EXPORT int cuMemUnmap(u64 address, u64 bytes)
{
  BEGIN_RELEASE("cuMemUnmap", "bytes=%llu", (unsigned long long)bytes);
  IN_CONTEXT();
  return finish(&call, unmap(address, bytes));
}

EXPORT int cuMemSetAccess(u64 address, u64 bytes, const struct access_description *given, u64 n);
EXPORT int cuMemSetAccess(u64 address, u64 bytes, const struct access_description *given, u64 n)
{
  BEGIN("cuMemSetAccess", "bytes=%llu", (unsigned long long)bytes);
  IN_CONTEXT();
  REQUIRE(n == 1 && is_this_gpu(&given->location) && given->flags == 3, INVALID_VALUE);
  return finish(&call, give_access(address, bytes));
}

/* ---- kernels ---- */

EXPORT int cuModuleLoadData(u64 *module, const void *image);
EXPORT int cuModuleLoadData(u64 *module, const void *image)
{
  BEGIN("cuModuleLoadData", "%s", "");
  IN_CONTEXT();
  return finish(&call, load_module(image, module));
}

EXPORT int cuModuleUnload(u64 module);
EXPORT int cuModuleUnload(u64 module)
{
  BEGIN_RELEASE("cuModuleUnload", "%s", "");
  IN_CONTEXT();
  REQUIRE(find_object(MODULE, module) != NULL, INVALID_HANDLE);
  unload_module(module);
  return finish(&call, SUCCESS);
}

EXPORT int cuModuleGetFunction(u64 *function, u64 module, const char *name);
EXPORT int cuModuleGetFunction(u64 *function, u64 module, const char *name)
{
  BEGIN("cuModuleGetFunction", "name=%s", name);
  IN_CONTEXT();
  return finish(&call, get_function(module, name, function));
}

EXPORT int cuOccupancyMaxActiveBlocksPerMultiprocessor(int *n, u64 function, int threads,
                                                       size_t shared_bytes);
EXPORT int cuOccupancyMaxActiveBlocksPerMultiprocessor(int *n, u64 function, int threads,
                                                       size_t shared_bytes)
{
  BEGIN("cuOccupancyMaxActiveBlocksPerMultiprocessor", "threads=%d", threads);
  IN_CONTEXT();
  REQUIRE(find_object(FUNCTION, function) != NULL, INVALID_HANDLE);
  REQUIRE(threads >= 1 && threads <= 1024 && shared_bytes <= 48 << 10, INVALID_VALUE);
  *n = 2;
  return finish(&call, SUCCESS);
}

EXPORT int cuLaunchKernel(u64 function, u32 grid_x, u32 grid_y, u32 grid_z, u32 block_x, u32 block_y,
                          u32 block_z, u32 shared_bytes, u64 stream, void **params, void **extra);
EXPORT int cuLaunchKernel(u64 function, u32 grid_x, u32 grid_y, u32 grid_z, u32 block_x, u32 block_y,
                          u32 block_z, u32 shared_bytes, u64 stream, void **params, void **extra)
{
  const struct object *object = find_object(FUNCTION, function);
  const char *name = object != NULL ? ((const struct function *)object->data)->name : "?";
  BEGIN("cuLaunchKernel", "name=%s grid=%u block=%u", name, grid_x, block_x);
  IN_CONTEXT();
  REQUIRE(find_object(STREAM, stream) != NULL, INVALID_HANDLE);
  struct launch launch = {
    .function = function, .grid = grid_x, .block = block_x, .shared_bytes = shared_bytes,
  };
  const u32 yz[4] = { grid_y, grid_z, block_y, block_z };
  const int code = check_launch(&launch, yz);
  REQUIRE(code == SUCCESS, code);
  REQUIRE(take_arguments(&launch, params, extra) == SUCCESS, INVALID_VALUE);
  enqueue(LAUNCH)->launch = launch;
  return finish(&call, SUCCESS);
}

/* ---- graphs ---- */

EXPORT int cuGraphCreate(u64 *graph, u32 flags);
EXPORT int cuGraphCreate(u64 *graph, u32 flags)
{
  BEGIN("cuGraphCreate", "%s", "");
  IN_CONTEXT();
  REQUIRE(flags == 0, INVALID_VALUE);
  *graph = make_object(GRAPH, 0, NULL);
  return finish(&call, SUCCESS);
}

EXPORT int cuGraphDestroy(u64 graph);
EXPORT int cuGraphDestroy(u64 graph)
{
  BEGIN_RELEASE("cuGraphDestroy", "%s", "");
  struct object *object = find_object(GRAPH, graph);
  REQUIRE(object != NULL, INVALID_VALUE);
  destroy_owned(graph);
  destroy_object(object);
  return finish(&call, SUCCESS);
}

EXPORT int cuGraphAddKernelNode_v2(u64 *node, u64 graph, const u64 *before, size_t n_before,
                                   const struct node_params *params);
EXPORT int cuGraphAddKernelNode_v2(u64 *node, u64 graph, const u64 *before, size_t n_before,
                                   const struct node_params *params)
{
  BEGIN("cuGraphAddKernelNode_v2", "grid=%u block=%u before=%zu", params->grid[0], params->block[0],
        n_before);
  IN_CONTEXT();
  return finish(&call, add_node(graph, before, n_before, params, node));
}

EXPORT int cuGraphInstantiateWithFlags(u64 *executable, u64 graph, u64 flags);
EXPORT int cuGraphInstantiateWithFlags(u64 *executable, u64 graph, u64 flags)
{
  BEGIN("cuGraphInstantiateWithFlags", "%s", "");
  IN_CONTEXT();
  REQUIRE(find_object(GRAPH, graph) != NULL && flags == 0, INVALID_VALUE);
  *executable = instantiate(graph);
  return finish(&call, SUCCESS);
}

EXPORT int cuGraphExecDestroy(u64 executable);
EXPORT int cuGraphExecDestroy(u64 executable)
{
  BEGIN_RELEASE("cuGraphExecDestroy", "%s", "");
  struct object *object = find_object(EXECUTABLE, executable);
  REQUIRE(object != NULL, INVALID_VALUE);
  destroy_executable(object);
  return finish(&call, SUCCESS);
}

EXPORT int cuGraphLaunch(u64 executable, u64 stream);
EXPORT int cuGraphLaunch(u64 executable, u64 stream)
{
  const struct object *object = find_object(EXECUTABLE, executable);
  BEGIN("cuGraphLaunch", "nodes=%zu",
        object != NULL ? ((const struct executable *)object->data)->n : 0);
  IN_CONTEXT();
  REQUIRE(object != NULL && find_object(STREAM, stream) != NULL, INVALID_HANDLE);
  enqueue_graph(object->data);
  return finish(&call, SUCCESS);
}
