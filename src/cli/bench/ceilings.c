/*
 * The loops of `bench roofline` that do one thing each: read memory, multiply and add f32 values, pairs of bf16
 * values, bytes. Kernels of the CPU device, compiled like all others, so for each of its instruction sets; ceilings.ts runs
 * and times them and defines READ_BYTES and ROUNDS. An item leaves what it did (bytes read, products) and
 * what came out, without which the compiler would drop the loop.
 */

#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define EXPORT __attribute__((visibility("default")))

struct args {
  const uint64_t *x; /* [nItems, READ_BYTES / 8] */
  uint64_t *y;       /* [nItems, 2] */
};

/* ---- reading ------------------------------------------------------------------------------------ */

typedef uint64_t words __attribute__((vector_size(64)));

static void ceiling_read(const void *p, uint32_t first, uint32_t last) {
  const struct args *a = p;
  for (uint32_t item = first; item < last; item++) {
    const words *x = (const words *)(a->x + (uint64_t)item * (READ_BYTES / 8));
    words sums[8] = {0};
    for (int i = 0; i < READ_BYTES / 64; i += 8)
      for (int k = 0; k < 8; k++) sums[k] += x[i + k];
    words sum = sums[0];
    for (int k = 1; k < 8; k++) sum += sums[k];
    a->y[2 * item] = READ_BYTES;
    a->y[2 * item + 1] = sum[0] + sum[1] + sum[2] + sum[3] + sum[4] + sum[5] + sum[6] + sum[7];
  }
}

/* ---- multiplying and adding --------------------------------------------------------------------- */

/*
 * Of either kind: a vector, one step sum += u * v, and the products in it. HIDE takes a vector's value from the
 * compiler, which would take what depends on u and v alone out of the loop.
 */
#if defined(__x86_64__)
#define HIDE(x) __asm__ volatile("" : "+x"(x))
#else
#define HIDE(x) __asm__ volatile("" : "+w"(x))
#endif

/* Sums that do not wait for each other: as many as products are in flight, in the registers there are. */
#if defined(__AVX512F__)
enum { SUMS = 12 };
#else
enum { SUMS = 8 };
#endif

#if defined(__AVX512F__)
typedef __m512 floats;
enum { FLOAT_PRODUCTS = 16 };
#define ADD_FLOATS(sum, u, v) _mm512_fmadd_ps(u, v, sum)
#elif defined(__FMA__)
typedef __m256 floats;
enum { FLOAT_PRODUCTS = 8 };
#define ADD_FLOATS(sum, u, v) _mm256_fmadd_ps(u, v, sum)
#else
typedef float floats __attribute__((vector_size(16)));
enum { FLOAT_PRODUCTS = 4 };
#define ADD_FLOATS(sum, u, v) ((sum) + (u) * (v))
#endif

/* Where no instruction takes bf16 values they are multiplied as f32 values, one at a time. */
#if defined(__AVX512BF16__)
enum { BF16_PRODUCTS = 32 };
#define ADD_BF16(sum, u, v) _mm512_dpbf16_ps(sum, (__m512bh)(u), (__m512bh)(v))
#else
enum { BF16_PRODUCTS = FLOAT_PRODUCTS };
#define ADD_BF16 ADD_FLOATS
#endif

#if defined(__AVX512VNNI__)
typedef __m512i bytes;
enum { BYTE_PRODUCTS = 64 };
#define ADD_BYTES(sum, u, v) _mm512_dpbusd_epi32(sum, u, v)
#elif defined(__AVX512BW__)
typedef __m512i bytes;
enum { BYTE_PRODUCTS = 64 };
#define PAIRS(u, v) _mm512_maddubs_epi16(u, v)
#define ADD_BYTES(sum, u, v) _mm512_add_epi32(sum, _mm512_madd_epi16(PAIRS(u, v), v))
#elif defined(__AVX2__)
typedef __m256i bytes;
enum { BYTE_PRODUCTS = 32 };
#define PAIRS(u, v) _mm256_maddubs_epi16(u, v)
#define ADD_BYTES(sum, u, v) _mm256_add_epi32(sum, _mm256_madd_epi16(PAIRS(u, v), v))
#elif defined(__SSSE3__)
typedef __m128i bytes;
enum { BYTE_PRODUCTS = 16 };
#define PAIRS(u, v) _mm_maddubs_epi16(u, v)
#define ADD_BYTES(sum, u, v) _mm_add_epi32(sum, _mm_madd_epi16(PAIRS(u, v), v))
#elif defined(__x86_64__)
typedef __m128i bytes;
enum { BYTE_PRODUCTS = 8 };
#define ADD_BYTES(sum, u, v) _mm_add_epi32(sum, _mm_madd_epi16(u, v))
#else
typedef int32_t bytes __attribute__((vector_size(16)));
enum { BYTE_PRODUCTS = 4 };
#define ADD_BYTES(sum, u, v) ((sum) + (u) * (v))
#endif

/* A kernel of products. Nobody takes its sums' addresses: they stay in registers, with no store in the loop. */
#define PRODUCTS(NAME, TYPE, ADD, N)                                                   \
  static void NAME(const void *p, uint32_t first, uint32_t last) {                     \
    const struct args *a = p;                                                          \
    for (uint32_t item = first; item < last; item++) {                                 \
      TYPE sums[SUMS], u, v;                                                           \
      for (int k = 0; k < SUMS; k++) sums[k] = (TYPE){0};                              \
      /* As f32 and bf16 0.747: no sum is too small to be a normal number; as bytes 63. */ \
      memset(&u, 0x3f, sizeof u);                                                      \
      memset(&v, 0x3f, sizeof v);                                                      \
      for (int i = 0; i < ROUNDS; i++) {                                               \
        for (int k = 0; k < SUMS; k++) {                                               \
          HIDE(u);                                                                     \
          sums[k] = ADD(sums[k], u, v);                                                \
        }                                                                              \
      }                                                                                \
      TYPE sum = sums[0];                                                              \
      for (int k = 1; k < SUMS; k++) sum += sums[k];                                   \
      a->y[2 * item] = (uint64_t)ROUNDS * SUMS * N;                                    \
      memcpy(&a->y[2 * item + 1], &sum, sizeof *a->y);                                 \
    }                                                                                  \
  }

PRODUCTS(ceiling_f32, floats, ADD_FLOATS, FLOAT_PRODUCTS)
PRODUCTS(ceiling_bf16, floats, ADD_BF16, BF16_PRODUCTS)
PRODUCTS(ceiling_bytes, bytes, ADD_BYTES, BYTE_PRODUCTS)

EXPORT uint64_t ceiling_read_address(void) { return (uint64_t)(uintptr_t)ceiling_read; }
EXPORT uint64_t ceiling_f32_address(void) { return (uint64_t)(uintptr_t)ceiling_f32; }
EXPORT uint64_t ceiling_bf16_address(void) { return (uint64_t)(uintptr_t)ceiling_bf16; }
EXPORT uint64_t ceiling_bytes_address(void) { return (uint64_t)(uintptr_t)ceiling_bytes; }
