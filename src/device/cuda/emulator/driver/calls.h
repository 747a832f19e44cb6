/*
 * Every call of the emulated driver goes through begin() and finish(): it is counted, written down, and may
 * be made to fail. A call that gives something back does so even when it fails, as the driver's manual
 * says: what it returns may be the error of earlier work.
 */
#pragma once

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t u64;
typedef uint32_t u32;

/* CUresult. */
enum {
  SUCCESS = 0,
  INVALID_VALUE = 1,
  OUT_OF_MEMORY = 2,
  NOT_INITIALIZED = 3,
  NO_DEVICE = 100,
  INVALID_DEVICE = 101,
  INVALID_IMAGE = 200,
  INVALID_CONTEXT = 201,
  NO_BINARY_FOR_GPU = 209,
  INVALID_HANDLE = 400,
  NOT_FOUND = 500,
  NOT_READY = 600,
  ILLEGAL_ADDRESS = 700,
  LAUNCH_FAILED = 719,
};

static const struct {
  int code;
  const char *name, *text;
} errors[] = {
  { SUCCESS, "CUDA_SUCCESS", "no error" },
  { INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument" },
  { OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory" },
  { NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error" },
  { NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected" },
  { INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal" },
  { INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid" },
  { INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context" },
  { NO_BINARY_FOR_GPU, "CUDA_ERROR_NO_BINARY_FOR_GPU",
    "no kernel image is available for execution on the device" },
  { INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle" },
  { NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found" },
  { NOT_READY, "CUDA_ERROR_NOT_READY", "device not ready" },
  { ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered" },
  { LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure" },
};

/* A text that grows. */
struct text {
  char *bytes;
  size_t length, room;
};

static void append(struct text *text, const char *format, va_list list)
{
  va_list again;
  va_copy(again, list);
  const size_t n = (size_t)vsnprintf(NULL, 0, format, again);
  va_end(again);
  if (text->length + n + 1 > text->room) {
    text->room = 2 * (text->length + n + 1);
    text->bytes = realloc(text->bytes, text->room);
    if (text->bytes == NULL) abort();
  }
  vsnprintf(text->bytes + text->length, n + 1, format, list);
  text->length += n;
}

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
  va_list list;
  va_start(list, format);
  append(text, format, list);
  va_end(list);
}

/* One line a call: name, result, then what it was given. */
static struct text call_log;

/* The call that will fail: the n-th of a name from now on. */
static struct {
  char name[64];
  u32 n;
  int code;
} planned;

/* A kernel went wrong: all calls return this until the context is gone. What it did is in `problem`. */
static int poison;
static char problem[1024];

struct call {
  const char *name;
  int code; /* what it must fail with; 0 as a rule */
  char given[160];
};

__attribute__((format(printf, 2, 3))) static struct call begin(const char *name,
                                                               const char *format, ...)
{
  struct call call = { .name = name, .code = poison };
  va_list list;
  va_start(list, format);
  vsnprintf(call.given, sizeof call.given, format, list);
  va_end(list);
  if (planned.n > 0 && strcmp(planned.name, name) == 0 && --planned.n == 0) call.code = planned.code;
  return call;
}

static int finish(const struct call *call, int code)
{
  const int result = call->code != 0 ? call->code : code;
  add(&call_log, "%s %d %s\n", call->name, result, call->given);
  return result;
}

/* Begins a call that has no effect when it must fail. */
#define BEGIN(...)                              \
  const struct call call = begin(__VA_ARGS__);  \
  if (call.code != 0) return finish(&call, 0)
/* Begins a call that gives something back whatever it returns. */
#define BEGIN_RELEASE(...) const struct call call = begin(__VA_ARGS__)
/* Ends a call that was used wrongly. */
#define REQUIRE(condition, code) \
  if (!(condition)) return finish(&call, code)
