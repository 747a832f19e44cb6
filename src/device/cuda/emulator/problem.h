/*
 * The one line that tells what is wrong with a launch: kernel, what happened, block, thread, source line.
 * The first problem ends the launch, before the access that would have done harm.
 */
#pragma once

#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A place in a source: known by name, or by an address of code that addr2line looks up. */
struct source_place {
  const char *file;
  int line;
  const void *code;
};

/* Runs addr2line and gives its output: pairs of lines, a function and file:line, innermost call first. */
static inline bool run_addr2line(const char *library, uintptr_t offset, char *out, size_t bytes)
{
  int ends[2];
  if (pipe(ends) != 0) return false;
  char address[32];
  snprintf(address, sizeof address, "0x%lx", (unsigned long)offset);
  const char *argv[] = {"addr2line", "-i", "-e", library, address, nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  pid_t child;
  const int spawned = posix_spawnp(&child, argv[0], &actions, nullptr, (char *const *)argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  size_t n = 0;
  if (spawned == 0) {
    for (ssize_t got; n + 1 < bytes && (got = read(ends[0], out + n, bytes - 1 - n)) > 0;) n += got;
    int status;
    waitpid(child, &status, 0);
  }
  close(ends[0]);
  out[n] = 0;
  return n > 0;
}

/* The line of an address of code: of the calls inlined there the first that is not in a kerf header. */
static inline void print_code_place(const void *code, char *out, size_t bytes)
{
  Dl_info info;
  if (dladdr(code, &info) == 0) return;
  /* A return address belongs to the instruction before it. */
  const uintptr_t offset = (uintptr_t)code - 1 - (uintptr_t)info.dli_fbase;
  snprintf(out, bytes, "%s+0x%lx", info.dli_fname, (unsigned long)offset);
  char lines[4096];
  if (!run_addr2line(info.dli_fname, offset, lines, sizeof lines)) return;
  for (char *save, *line = strtok_r(lines, "\n", &save); line; line = strtok_r(nullptr, "\n", &save)) {
    char *comment = strstr(line, " (discriminator");
    if (comment != nullptr) *comment = 0;
    if (line[0] == '?') continue;
    snprintf(out, bytes, "%s", strncmp(line, "./", 2) == 0 ? line + 2 : line);
    if (strstr(line, "/kerf_") == nullptr) return;
  }
}

/* file:line, or the next best thing that is known. */
static inline void print_place(const source_place &place, char *out, size_t bytes)
{
  if (place.file != nullptr) {
    snprintf(out, bytes, "%s:%d", place.file, place.line);
  } else if (place.code != nullptr) {
    print_code_place(place.code, out, bytes);
  } else {
    snprintf(out, bytes, "no line known");
  }
}
