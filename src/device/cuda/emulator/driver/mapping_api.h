/* The driver's functions of memory behind reserved addresses. */
#pragma once

#include "context.h"

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
