/* The driver's functions of modules, launches and graphs. */
#pragma once

#include "context.h"

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

/* The shared memory that a block of compute capability 8.0 may ask for. */
#define MOST_SHARED_BYTES (163 << 10)

EXPORT int cuFuncSetAttribute(u64 function, int attribute, int value);
EXPORT int cuFuncSetAttribute(u64 function, int attribute, int value)
{
  BEGIN("cuFuncSetAttribute", "attribute=%d value=%d", attribute, value);
  IN_CONTEXT();
  const struct object *object = find_object(FUNCTION, function);
  REQUIRE(object != NULL, INVALID_HANDLE);
  REQUIRE(attribute == 8 && value >= 0 && value <= MOST_SHARED_BYTES, INVALID_VALUE);
  ((struct function *)object->data)->max_dynamic_bytes = (u32)value;
  return finish(&call, SUCCESS);
}

EXPORT int cuOccupancyMaxActiveBlocksPerMultiprocessor(int *n, u64 function, int threads,
                                                       size_t shared_bytes);
EXPORT int cuOccupancyMaxActiveBlocksPerMultiprocessor(int *n, u64 function, int threads,
                                                       size_t shared_bytes)
{
  BEGIN("cuOccupancyMaxActiveBlocksPerMultiprocessor", "threads=%d", threads);
  IN_CONTEXT();
  const struct object *object = find_object(FUNCTION, function);
  REQUIRE(object != NULL, INVALID_HANDLE);
  REQUIRE(threads >= 1 && threads <= 1024, INVALID_VALUE);
  REQUIRE(shared_bytes <= ((const struct function *)object->data)->max_dynamic_bytes, INVALID_VALUE);
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
