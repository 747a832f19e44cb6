/*
 * Handles: numbers that name one object of one kind while it lives. A handle that never was, of another
 * kind, or of something destroyed is found by none.
 */
#pragma once

#include "calls.h"

enum kind { NO_KIND, STREAM, EVENT, MODULE, FUNCTION, GRAPH, NODE, EXECUTABLE, PHYSICAL, MULTIPLIER };

static const char *const kind_names[] = {
  "nothing", "stream", "event", "module", "function", "graph", "node", "executable", "physical",
  "cuBLAS handle",
};

struct object {
  enum kind kind; /* NO_KIND: destroyed */
  u64 owner;      /* a module's function, a graph's node: live and die with it */
  void *data;
};

static struct object *objects;
static size_t n_objects;

/* Handles look like no address and no small number. */
#define FIRST_HANDLE 0x4b65726600000000ull

static u64 make_object(enum kind kind, u64 owner, void *data)
{
  objects = realloc(objects, (n_objects + 1) * sizeof *objects);
  if (objects == NULL) abort();
  objects[n_objects] = (struct object){ kind, owner, data };
  return FIRST_HANDLE + 16 * n_objects++;
}

static struct object *find_object(enum kind kind, u64 handle)
{
  const u64 index = (handle - FIRST_HANDLE) / 16;
  if (handle < FIRST_HANDLE || handle % 16 != 0 || index >= n_objects) return NULL;
  return objects[index].kind == kind ? &objects[index] : NULL;
}

static void destroy_object(struct object *object)
{
  free(object->data);
  object->data = NULL;
  object->kind = NO_KIND;
}

static void destroy_owned(u64 owner)
{
  for (size_t i = 0; i < n_objects; i++) {
    if (objects[i].kind != NO_KIND && objects[i].owner == owner) destroy_object(&objects[i]);
  }
}
