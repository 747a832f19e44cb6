/* The driver's functions of streams and events. */
#pragma once

#include "context.h"

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

/* As on a GPU, work goes on between two questions. */
EXPORT int cuStreamQuery(u64 stream);
EXPORT int cuStreamQuery(u64 stream)
{
  BEGIN("cuStreamQuery", "queued=%zu", n_queued);
  IN_CONTEXT();
  REQUIRE(find_object(STREAM, stream) != NULL, INVALID_HANDLE);
  REQUIRE(n_queued == 0 || was_asked++, NOT_READY);
  run_queue_for(20);
  REQUIRE(n_queued == 0, NOT_READY);
  return finish(&call, poison);
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
