/*
 * A checked kernel is compiled as for ThreadSanitizer and UndefinedBehaviorSanitizer. Their calls come here
 * instead of to those runtimes: every access and every operation that C++ leaves undefined.
 */
#pragma once

#include "checks.h"

#define KERF_HERE source_place{nullptr, 0, __builtin_return_address(0)}

extern "C" {

void kerf_emulated_aligned(const void *p, uint32_t bytes) { check_alignment(p, bytes, KERF_HERE); }

#define KERF_HOOKS(bytes)                                                                        \
  void __tsan_read##bytes(void *p)                                                               \
  {                                                                                              \
    check_alignment(p, bytes, KERF_HERE);                                                        \
    check(READ, p, bytes, KERF_HERE);                                                            \
  }                                                                                              \
  void __tsan_write##bytes(void *p)                                                              \
  {                                                                                              \
    check_alignment(p, bytes, KERF_HERE);                                                        \
    check(WRITE, p, bytes, KERF_HERE);                                                           \
  }                                                                                              \
  void __tsan_unaligned_read##bytes(void *p) { check(READ, p, bytes, KERF_HERE); }               \
  void __tsan_unaligned_write##bytes(void *p) { check(WRITE, p, bytes, KERF_HERE); }
KERF_HOOKS(1)
KERF_HOOKS(2)
KERF_HOOKS(4)
KERF_HOOKS(8)
KERF_HOOKS(16)

void __tsan_read_range(void *p, size_t bytes) { check(READ, p, bytes, KERF_HERE); }
void __tsan_write_range(void *p, size_t bytes) { check(WRITE, p, bytes, KERF_HERE); }
void *__tsan_memcpy(void *to, const void *from, size_t bytes)
{
  check(READ, from, bytes, KERF_HERE);
  check(WRITE, to, bytes, KERF_HERE);
  return memcpy(to, from, bytes);
}
void *__tsan_memset(void *to, int value, size_t bytes)
{
  check(WRITE, to, bytes, KERF_HERE);
  return memset(to, value, bytes);
}
void __tsan_init() {}
void __tsan_func_entry(void *) {}
void __tsan_func_exit() {}

/* What the compiler passes of a source line, and of a type. */
struct ubsan_location {
  const char *file;
  uint32_t line, column;
};
struct ubsan_type {
  uint16_t kind, info;
  char name[];
};
struct ubsan_data {
  ubsan_location at;
  const ubsan_type *type;
};

#define KERF_UBSAN(name, ...)                                                                    \
  void __ubsan_handle_##name(const ubsan_data *data, uintptr_t a, uintptr_t b)                   \
  {                                                                                              \
    (void)a;                                                                                     \
    (void)b;                                                                                     \
    if (!now.running) return;                                                                    \
    report({data->at.file, (int)data->at.line, nullptr}, __VA_ARGS__);                           \
    abandon_thread();                                                                            \
  }
KERF_UBSAN(out_of_bounds, "index %lld of an array %s", (long long)a, data->type->name)
KERF_UBSAN(shift_out_of_bounds, "a shift by %lld of a number of type %s", (long long)b, data->type->name)
KERF_UBSAN(divrem_overflow, "a division of %s by zero, or of the least number by -1", data->type->name)
KERF_UBSAN(add_overflow, "a sum of %s overflows", data->type->name)
KERF_UBSAN(sub_overflow, "a difference of %s overflows", data->type->name)
KERF_UBSAN(mul_overflow, "a product of %s overflows", data->type->name)
KERF_UBSAN(negate_overflow, "a negation of %s overflows", data->type->name)
KERF_UBSAN(float_cast_overflow, "a number of %s outside the range of what it is converted to", data->type->name)
}
