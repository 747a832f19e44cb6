/* What the instruction set of this CPU has. */

#include <stdint.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

/*
 * The level of this CPU. x86-64: 1 to 4 (psABI names them x86-64-v2 to -v4), 5 with VNNI and VBMI too, 6 with BF16
 * beside them. aarch64: 16, 17 with sums of 8-bit products. 0 on other machines.
 */
EXPORT uint32_t kerf_cpu_level(void) {
#if defined(__x86_64__)
  unsigned a, b, c, d;
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("sse4.2") || !__builtin_cpu_supports("popcnt")) return 1;
  /* f16c, movbe and lzcnt are not among the names every compiler knows. */
  __cpuid(1, a, b, c, d);
  int f16c_movbe = (c >> 29 & 1) && (c >> 22 & 1);
  __cpuid(0x80000001, a, b, c, d);
  if (!f16c_movbe || !(c >> 5 & 1) || !__builtin_cpu_supports("avx2") ||
      !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi") ||
      !__builtin_cpu_supports("bmi2"))
    return 2;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512cd") || !__builtin_cpu_supports("avx512dq") ||
      !__builtin_cpu_supports("avx512vl"))
    return 3;
  /* Both are in the second word of leaf 7: bits 11 and 1. */
  __cpuid_count(7, 0, a, b, c, d);
  if (!(c >> 11 & 1) || !(c >> 1 & 1)) return 4;
  /* The first word of the leaf's second part, which a counts: bit 5. */
  if (a == 0) return 5;
  __cpuid_count(7, 1, a, b, c, d);
  return a >> 5 & 1 ? 6 : 5;
#elif defined(__aarch64__) && defined(__linux__)
  return getauxval(AT_HWCAP) & HWCAP_ASIMDDP ? 17 : 16;
#elif defined(__aarch64__) && defined(__APPLE__)
  /* Every Mac with such a CPU has them. */
  return 17;
#else
  return 0;
#endif
}
