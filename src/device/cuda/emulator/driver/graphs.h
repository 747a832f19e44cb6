/*
 * Graphs of kernel nodes. Of the nodes that may run next the one that was added last does: an order that a
 * GPU could take, and the one that shows a missing dependency.
 */
#pragma once

#include "work.h"

/* CUDA_KERNEL_NODE_PARAMS_v2 of cuda.h; src/device/cuda/structs_test.ts holds both to the real one. */
struct node_params {
  u64 func;
  u32 grid[3], block[3], shared_bytes;
  void **params, **extra;
  void *kern, *ctx;
};
_Static_assert(sizeof(struct node_params) == 72, "CUDA_KERNEL_NODE_PARAMS_v2");

struct node {
  struct launch launch;
  size_t n_before;
  u64 before[64];
};

/* An executable graph: nodes in the order they were added. */
struct executable {
  size_t n;
  u64 *handles;
  struct node *nodes;
};

static int add_node(u64 graph, const u64 *before, size_t n_before, const struct node_params *given,
                    u64 *handle)
{
  if (find_object(GRAPH, graph) == NULL) return INVALID_HANDLE;
  struct node node = { .n_before = n_before };
  if (n_before > sizeof node.before / sizeof *node.before || given->ctx != NULL) return INVALID_VALUE;
  for (size_t i = 0; i < n_before; i++) {
    const struct object *object = find_object(NODE, before[i]);
    if (object == NULL || object->owner != graph) return INVALID_VALUE;
    for (size_t j = 0; j < i; j++) {
      if (before[j] == before[i]) return INVALID_VALUE;
    }
    node.before[i] = before[i];
  }
  node.launch.function = given->func;
  node.launch.grid = given->grid[0];
  node.launch.block = given->block[0];
  node.launch.shared_bytes = given->shared_bytes;
  const u32 yz[4] = { given->grid[1], given->grid[2], given->block[1], given->block[2] };
  int code = check_launch(&node.launch, yz);
  if (code == SUCCESS) code = take_arguments(&node.launch, given->params, given->extra);
  if (code != SUCCESS) return code;
  struct node *kept = malloc(sizeof *kept);
  *kept = node;
  *handle = make_object(NODE, graph, kept);
  return SUCCESS;
}

static void destroy_executable(struct object *object)
{
  struct executable *executable = object->data;
  free(executable->handles);
  free(executable->nodes);
  destroy_object(object);
}

static u64 instantiate(u64 graph)
{
  struct executable *executable = calloc(1, sizeof *executable);
  executable->handles = calloc(n_objects, sizeof(u64));
  executable->nodes = calloc(n_objects, sizeof(struct node));
  for (size_t i = 0; i < n_objects; i++) {
    if (objects[i].kind != NODE || objects[i].owner != graph) continue;
    executable->handles[executable->n] = FIRST_HANDLE + 16 * i;
    executable->nodes[executable->n++] = *(struct node *)objects[i].data;
  }
  return make_object(EXECUTABLE, 0, executable);
}

static int is_ready(const struct executable *executable, const char *done, size_t node)
{
  for (size_t i = 0; i < executable->nodes[node].n_before; i++) {
    for (size_t j = 0; j < executable->n; j++) {
      if (executable->handles[j] == executable->nodes[node].before[i] && !done[j]) return 0;
    }
  }
  return 1;
}

static void enqueue_graph(const struct executable *executable)
{
  char *done = calloc(executable->n + 1, 1);
  for (size_t count = 0; count < executable->n; count++) {
    size_t node = executable->n - 1;
    while (done[node] || !is_ready(executable, done, node)) node--;
    enqueue(LAUNCH)->launch = executable->nodes[node].launch;
    done[node] = 1;
  }
  free(done);
}
