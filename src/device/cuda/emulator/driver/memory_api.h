/* The driver's functions of memory, allocated and copied. */
#pragma once

#include "context.h"

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
