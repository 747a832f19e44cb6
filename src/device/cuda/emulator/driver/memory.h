/*
 * The GPU's memory as pages of this process. What has no memory behind it cannot be touched; what is fresh
 * holds bytes of ones, which are no number. One list holds allocations and mappings: all that kernels and
 * copies may use.
 */
#pragma once

#include <sys/mman.h>

#include "objects.h"

#define CHUNK ((u64)2 << 20)
#define HOST_PAGE ((u64)4096)

struct range {
  u64 address, bytes;
  u64 physical; /* handle of what is mapped; 0: an allocation */
  int is_usable;
};
struct ranges {
  struct range *items;
  size_t n;
};

static struct ranges ranges, reservations;
/* Bytes of memory that exist: allocations, and physical memory that is mapped or not yet released. */
static u64 used_bytes;
static u64 memory_bytes;

/* What cuMemCreate makes; lives until it is released and unmapped everywhere. */
struct physical {
  u64 bytes;
  u32 n_mappings;
  int is_released;
};

static u64 round_up(u64 n, u64 unit) { return (n + unit - 1) / unit * unit; }
static void *at(u64 address) { return (void *)(uintptr_t)address; }

static void add_range(struct ranges *list, struct range range)
{
  list->items = realloc(list->items, (list->n + 1) * sizeof *list->items);
  if (list->items == NULL) abort();
  list->items[list->n++] = range;
}

static struct range *find_range(const struct ranges *list, u64 address)
{
  for (size_t i = 0; i < list->n; i++) {
    if (list->items[i].address == address) return &list->items[i];
  }
  return NULL;
}

static void remove_range(struct ranges *list, struct range *range)
{
  *range = list->items[--list->n];
}

/* Whether every byte lies in usable ranges. */
static int is_usable(u64 address, u64 bytes)
{
  const u64 end = address + bytes;
  while (address < end) {
    u64 next = address;
    for (size_t i = 0; i < ranges.n; i++) {
      const struct range *r = &ranges.items[i];
      if (r->is_usable && r->address <= address && address - r->address < r->bytes) {
        next = r->address + r->bytes;
      }
    }
    if (next == address) return 0;
    address = next;
  }
  return 1;
}

/* Pages that fault; 0 when there are none left. */
static u64 map_nothing(u64 bytes)
{
  void *p = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return p == MAP_FAILED ? 0 : (u64)(uintptr_t)p;
}

static int allocate(u64 bytes, u64 *address)
{
  if (bytes > memory_bytes - used_bytes) return OUT_OF_MEMORY;
  const u64 pages = round_up(bytes, HOST_PAGE);
  const u64 found = map_nothing(pages + HOST_PAGE);
  if (found == 0 || mprotect(at(found), pages, PROT_READ | PROT_WRITE) != 0) return OUT_OF_MEMORY;
  memset(at(found), 0xff, bytes);
  add_range(&ranges, (struct range){ found, bytes, 0, 1 });
  used_bytes += bytes;
  *address = found;
  return SUCCESS;
}

static int free_allocation(u64 address)
{
  struct range *range = find_range(&ranges, address);
  if (range == NULL || range->physical != 0) return INVALID_VALUE;
  munmap(at(address), round_up(range->bytes, HOST_PAGE) + HOST_PAGE);
  used_bytes -= range->bytes;
  remove_range(&ranges, range);
  return SUCCESS;
}

static int reserve(u64 bytes, u64 *address)
{
  if (bytes == 0 || bytes % CHUNK != 0) return INVALID_VALUE;
  const u64 found = map_nothing(bytes + CHUNK);
  if (found == 0) return OUT_OF_MEMORY;
  *address = round_up(found, CHUNK);
  if (*address > found) munmap(at(found), *address - found);
  if (*address + bytes < found + bytes + CHUNK) munmap(at(*address + bytes), found + CHUNK - *address);
  add_range(&reservations, (struct range){ *address, bytes, 0, 0 });
  return SUCCESS;
}

static int free_reservation(u64 address, u64 bytes)
{
  struct range *range = find_range(&reservations, address);
  if (range == NULL || range->bytes != bytes) return INVALID_VALUE;
  for (size_t i = 0; i < ranges.n; i++) {
    if (ranges.items[i].address - address < bytes) return INVALID_VALUE;
  }
  munmap(at(address), bytes);
  remove_range(&reservations, range);
  return SUCCESS;
}

/* Physical memory goes when nothing names it any more. */
static void drop_physical(struct object *object)
{
  const struct physical *physical = object->data;
  if (!physical->is_released || physical->n_mappings > 0) return;
  used_bytes -= physical->bytes;
  destroy_object(object);
}

static int map_physical(u64 address, u64 bytes, u64 handle)
{
  struct object *object = find_object(PHYSICAL, handle);
  if (object == NULL) return INVALID_VALUE;
  struct physical *physical = object->data;
  if (physical->is_released || bytes != physical->bytes || address % CHUNK != 0) return INVALID_VALUE;
  int is_reserved = 0;
  for (size_t i = 0; i < reservations.n; i++) {
    const struct range *r = &reservations.items[i];
    is_reserved |= address >= r->address && address + bytes <= r->address + r->bytes;
  }
  for (size_t i = 0; i < ranges.n; i++) {
    const struct range *r = &ranges.items[i];
    if (address < r->address + r->bytes && r->address < address + bytes) return INVALID_VALUE;
  }
  if (!is_reserved) return INVALID_VALUE;
  physical->n_mappings++;
  add_range(&ranges, (struct range){ address, bytes, handle, 0 });
  return SUCCESS;
}

static int give_access(u64 address, u64 bytes)
{
  struct range *range = find_range(&ranges, address);
  if (range == NULL || range->physical == 0 || range->bytes != bytes) return INVALID_VALUE;
  if (range->is_usable) return SUCCESS;
  if (mprotect(at(address), bytes, PROT_READ | PROT_WRITE) != 0) return OUT_OF_MEMORY;
  memset(at(address), 0xff, bytes);
  range->is_usable = 1;
  return SUCCESS;
}

static int unmap(u64 address, u64 bytes)
{
  struct range *range = find_range(&ranges, address);
  if (range == NULL || range->physical == 0 || range->bytes != bytes) return INVALID_VALUE;
  struct object *object = find_object(PHYSICAL, range->physical);
  remove_range(&ranges, range);
  mmap(at(address), bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  ((struct physical *)object->data)->n_mappings--;
  drop_physical(object);
  return SUCCESS;
}
