/*
 * Modules: shared libraries that src/build/compile_emulated.ts makes, given as the bytes of their file. Each
 * is written to a file of its own, since a library loaded from a path is loaded once.
 */
#pragma once

#include <dlfcn.h>
#include <elf.h>
#include <unistd.h>

#include "../launch.h"
#include "objects.h"

struct module {
  void *library;
};
struct function {
  kerf_emulate emulate;
  char name[128];
  u32 max_dynamic_bytes; /* of a block's shared memory */
};

/* The driver is given no size; the table of sections ends an ELF file. */
static u64 image_bytes(const void *image)
{
  const Elf64_Ehdr *header = image;
  return header->e_shoff + (u64)header->e_shnum * header->e_shentsize;
}

/* Machine code of an NVIDIA GPU. */
#define EM_CUDA 190

static int load_module(const void *image, u64 *handle)
{
  const Elf64_Ehdr *header = image;
  if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return INVALID_IMAGE;
  if (header->e_machine == EM_CUDA) return NO_BINARY_FOR_GPU;
  const char *folder = getenv("TMPDIR");
  char path[512];
  snprintf(path, sizeof path, "%s/kerf-module-XXXXXX", folder != NULL ? folder : "/tmp");
  const int file = mkstemp(path);
  if (file < 0) return INVALID_IMAGE;
  const u64 bytes = image_bytes(image);
  const int is_written = write(file, image, bytes) == (ssize_t)bytes;
  close(file);
  void *library = is_written ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
  unlink(path);
  if (library == NULL) return INVALID_IMAGE;
  struct module *module = malloc(sizeof *module);
  module->library = library;
  *handle = make_object(MODULE, 0, module);
  return SUCCESS;
}

static void unload_module(u64 handle)
{
  struct object *object = find_object(MODULE, handle);
  destroy_owned(handle);
  dlclose(((struct module *)object->data)->library);
  destroy_object(object);
}

static int get_function(u64 module_handle, const char *name, u64 *handle)
{
  const struct object *object = find_object(MODULE, module_handle);
  if (object == NULL) return INVALID_HANDLE;
  char symbol[160];
  snprintf(symbol, sizeof symbol, "%s_emulate", name);
  void *found = dlsym(((struct module *)object->data)->library, symbol);
  if (found == NULL) return NOT_FOUND;
  struct function *function = calloc(1, sizeof *function);
  memcpy(&function->emulate, &found, sizeof found);
  snprintf(function->name, sizeof function->name, "%s", name);
  function->max_dynamic_bytes = 48 << 10;
  *handle = make_object(FUNCTION, module_handle, function);
  return SUCCESS;
}
