/*
 * Graphs of kernel nodes. Of the nodes that may run next the one does whose dependencies were done last, and
 * among equals now the first that was added, now the last: orders that a GPU could take, and those that
 * show a missing dependency.
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

/* When a node became ready, counted in nodes done; -1: it is not, or it is done. */
static long ready_since(const struct executable *executable, const size_t *done_as, size_t node)
{
  if (done_as[node] != 0) return -1;
  size_t since = 0;
  for (size_t i = 0; i < executable->nodes[node].n_before; i++) {
    for (size_t j = 0; j < executable->n; j++) {
      if (executable->handles[j] != executable->nodes[node].before[i]) continue;
      if (done_as[j] == 0) return -1;
      if (done_as[j] > since) since = done_as[j];
    }
  }
  return (long)since;
}

static void enqueue_graph(const struct executable *executable)
{
  static int takes_last;
  takes_last = !takes_last;
  /* The place of each node among those done, from 1; 0: not yet. */
  size_t *done_as = calloc(executable->n + 1, sizeof *done_as);
  for (size_t place = 1; place <= executable->n; place++) {
    size_t next = 0;
    long newest = -1;
    for (size_t node = 0; node < executable->n; node++) {
      const long since = ready_since(executable, done_as, node);
      if (since > newest || (since == newest && since >= 0 && takes_last)) {
        newest = since;
        next = node;
      }
    }
    enqueue(LAUNCH)->launch = executable->nodes[next].launch;
    done_as[next] = place;
  }
  free(done_as);
}
