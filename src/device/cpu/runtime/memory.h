/*
 * Memory of buffers: address space that takes memory when it is written, huge pages, and giving back. Addresses are
 * u64, as FFI passes them.
 */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * From HUGE_FROM bytes on a buffer begins with a huge page and asks for them: weights are read end to end, at
 * memory bandwidth.
 */
enum { HUGE_PAGE = 2 << 20, HUGE_FROM = 2 * HUGE_PAGE };

static uint64_t page_up(uint64_t bytes) {
  uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
  return (bytes + page - 1) / page * page;
}

/*
 * Zeroed memory, aligned to a page; 0 when there is none. `reserve` takes address space only: a page takes
 * memory at its first write, in the smallest size, so that what is discarded is really given back.
 */
EXPORT uint64_t kerf_map(uint64_t bytes, uint32_t reserve) {
  int flags = MAP_PRIVATE | MAP_ANONYMOUS;
#ifdef MAP_NORESERVE
  if (reserve) flags |= MAP_NORESERVE;
#endif
  uint64_t size = page_up(bytes), slack = 0;
#ifdef MADV_HUGEPAGE
  if (!reserve && bytes >= HUGE_FROM) slack = HUGE_PAGE;
#endif
  uint8_t *p = mmap(NULL, size + slack, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (p == MAP_FAILED) return 0;
#ifdef MADV_HUGEPAGE
  if (slack > 0) {
    uint64_t before = -(uint64_t)(uintptr_t)p % HUGE_PAGE;
    if (before > 0) munmap(p, before);
    p += before;
    munmap(p + size, slack - before);
    madvise(p, size, MADV_HUGEPAGE);
  } else if (reserve) {
    madvise(p, size, MADV_NOHUGEPAGE);
  }
#endif
  return (uint64_t)(uintptr_t)p;
}

static uint64_t page_down(uint64_t address) { return address & ~(page_up(1) - 1); }

/* Gives back what kerf_map or kerf_map_file returned, `bytes` as they were asked for. */
EXPORT int32_t kerf_unmap(uint64_t address, uint64_t bytes) {
  uint64_t first = page_down(address);
  return munmap((void *)(uintptr_t)first, page_up(address + bytes - first)) == 0 ? 0 : errno;
}

/* Returns the whole pages inside a range to the system; on Linux they read as zero afterwards. */
EXPORT int32_t kerf_discard(uint64_t address, uint64_t bytes) {
  uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
  uint64_t first = page_up(address), end = (address + bytes) / page * page;
  if (end <= first) return 0;
  return madvise((void *)(uintptr_t)first, end - first, MADV_DONTNEED) == 0 ? 0 : errno;
}

#if defined(__linux__) && !defined(MADV_COLLAPSE)
#define MADV_COLLAPSE 25 /* Linux 6.1; earlier ones refuse it */
#endif

/*
 * Puts a range of reserved memory, all of it in use, on huge pages where the system can; its bytes stay. What
 * it cannot now it may do later, so there is no failure.
 */
EXPORT void kerf_make_huge(uint64_t address, uint64_t bytes) {
#ifdef MADV_HUGEPAGE
  void *p = (void *)(uintptr_t)address;
  if (madvise(p, bytes, MADV_HUGEPAGE) == 0) madvise(p, bytes, MADV_COLLAPSE);
#endif
}

/*
 * Puts a range that kerf_make_huge had on small pages again, without those of 4096 bytes whose `kept` is 0.
 * The system would take these from the process at once, but use their memory elsewhere only when it is short:
 * so what is kept is written anew. Returns an errno or 0.
 */
EXPORT int32_t kerf_make_small(uint64_t address, uint64_t bytes, const uint8_t *kept) {
  enum { PAGE = 4096 };
  uint8_t *range = (uint8_t *)(uintptr_t)address, *copy = malloc(bytes);
  if (!copy) return ENOMEM;
  for (uint64_t at = 0; at < bytes; at += PAGE)
    if (kept[at / PAGE]) memcpy(copy + at, range + at, PAGE);
#ifdef MADV_NOHUGEPAGE
  madvise(range, bytes, MADV_NOHUGEPAGE);
#endif
  int32_t code = kerf_discard(address, bytes);
  for (uint64_t at = 0; at < bytes; at += PAGE)
    if (kept[at / PAGE]) memcpy(range + at, copy + at, PAGE);
  free(copy);
  return code;
}

/* The number of KiB on a line of Linux's /proc/meminfo, in bytes; 0 where there is none. */
static uint64_t meminfo(const char *name) {
  char line[128];
  unsigned long long kib = 0;
  FILE *file = fopen("/proc/meminfo", "re");
  while (file && kib == 0 && fgets(line, sizeof line, file)) {
    if (strncmp(line, name, strlen(name)) == 0) kib = strtoull(line + strlen(name), NULL, 10);
  }
  if (file) fclose(file);
  return (uint64_t)kib * 1024;
}

/*
 * How much memory programs can still get, what the system would drop for them included, and how much there
 * is: two numbers of bytes, 0 where the system does not say.
 */
EXPORT void kerf_memory(uint64_t *bytes) {
  bytes[0] = meminfo("MemAvailable:");
  bytes[1] = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

EXPORT void kerf_write(uint64_t destination, const void *source, uint64_t bytes) {
  memcpy((void *)(uintptr_t)destination, source, bytes);
}

EXPORT void kerf_read(void *destination, uint64_t source, uint64_t bytes) {
  memcpy(destination, (const void *)(uintptr_t)source, bytes);
}

EXPORT void kerf_copy(uint64_t destination, uint64_t source, uint64_t bytes) {
  memcpy((void *)(uintptr_t)destination, (const void *)(uintptr_t)source, bytes);
}
