/* Files that are read into memory or mapped, and the words for what fails. */

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"

/*
 * Opens a file to read bytes [offset, offset + bytes). Returns -1 on failure, with errno in `error`; a range that
 * is empty or ends beyond the file is EINVAL.
 */
EXPORT int32_t kerf_open(const char *path, uint64_t offset, uint64_t bytes, int32_t *error) {
  struct stat info;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file >= 0 && fstat(file, &info) == 0) {
    if (S_ISDIR(info.st_mode)) errno = EISDIR;
    else if (bytes == 0 || offset + bytes > (uint64_t)info.st_size) errno = EINVAL;
    else return file;
  }
  *error = errno;
  if (file >= 0) close(file);
  return -1;
}

/*
 * Maps bytes [offset, offset + bytes) of a file read-only and returns the address of the first; 0 on failure,
 * as kerf_open tells it.
 */
EXPORT uint64_t kerf_map_file(const char *path, uint64_t offset, uint64_t bytes, int32_t *error) {
  uint64_t first = page_down(offset);
  int file = kerf_open(path, offset, bytes, error);
  if (file < 0) return 0;
  void *p = mmap(NULL, (size_t)(offset + bytes - first), PROT_READ, MAP_SHARED, file, (off_t)first);
  if (p == MAP_FAILED) *error = errno;
  close(file);
  return p == MAP_FAILED ? 0 : (uint64_t)(uintptr_t)p + (offset - first);
}

/* Reads bytes of a file that kerf_open opened, and closes it. Returns an errno or 0. */
EXPORT int32_t kerf_fill(int32_t file, uint64_t offset, uint64_t address, uint64_t bytes) {
  int32_t code = 0;
  while (bytes > 0 && code == 0) {
    ssize_t n = pread(file, (void *)(uintptr_t)address, (size_t)bytes, (off_t)offset);
    if (n > 0) {
      offset += (uint64_t)n;
      address += (uint64_t)n;
      bytes -= (uint64_t)n;
    } else if (n == 0) {
      code = EIO; /* somebody cut the file */
    } else if (errno != EINTR) {
      code = errno;
    }
  }
  close(file);
  return code;
}

/* The system's words for an errno, cut to `n` bytes with the closing zero. */
EXPORT void kerf_error_text(int32_t code, char *text, uint32_t n) {
  strncpy(text, strerror(code), n - 1);
  text[n - 1] = 0;
}
