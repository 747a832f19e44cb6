/**
 * What a machine can do at most, measured by loops that do nothing else: reading memory, multiplying and
 * adding f32 values, multiplying and adding bytes. They run as kernels of a device, so with its threads and
 * its instruction set; the best of several runs counts.
 */

import type { KernelEntry } from "../../core/manifest.ts";
import { STEP_FIELDS } from "../../core/signature.ts";
import type { Device, KernelRequest } from "../../device/types.ts";

/** The ceilings of one device, its threads together. */
export interface Ceilings {
  /** Bytes a second, read from a buffer. */
  readonly readBytes: number;
  /** Multiplications with their addition, f32, a second. */
  readonly f32Macs: number;
  /** The same of bytes with bytes, added in 32 bits. */
  readonly byteMacs: number;
}

/** Bytes of the buffer that one item reads. */
const READ_BYTES = 1 << 20;
/** Rounds of an item's loop: some tenths of a millisecond. */
const ROUNDS = 20_000;
/** Sums that do not wait for each other: more than any core has products in flight. */
const CHAINS = 12;
/** Items of a loop that computes: enough that all threads end together. */
const ITEMS = 64;

/**
 * A kernel's text. `prologue` may define types and a macro; `body` runs for one `item` and leaves 64 bits in
 * `out`, without which the compiler would drop it.
 */
const textOf = (name: string, prologue: string, body: string) =>
  `#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif
struct args { const uint64_t *x; uint64_t *y; };
${prologue}
static void ${name}(const void *p, uint32_t first, uint32_t last) {
  const struct args *a = p;
  for (uint32_t item = first; item < last; item++) {
    uint64_t out = 0;
    ${body}
    a->y[item] = out;
  }
}
__attribute__((visibility("default"))) uint64_t ${name}_address(void);
uint64_t ${name}_address(void) { return (uint64_t)(uintptr_t)${name}; }
`;

/** Eight vectors of sums over a stretch of the buffer. */
const READ = textOf(
  "ceiling_read",
  "typedef uint64_t words __attribute__((vector_size(64)));",
  `const words *x = (const words *)(a->x + (uint64_t)item * ${READ_BYTES / 8});
    words sums[8] = {0};
    for (int i = 0; i < ${READ_BYTES / 64}; i += 8)
      for (int k = 0; k < 8; k++) sums[k] += x[i + k];
    for (int k = 0; k < 8; k++)
      for (int j = 0; j < 8; j++) out += sums[k][j];`,
);

/**
 * A loop of products: TYPE, STEP(sum, u, v) and MACS (products a step). u is made opaque before every step, or
 * the compiler would take what depends on u and v alone out of the loop.
 */
const products = (name: string, prologue: string) =>
  textOf(
    name,
    prologue,
    `TYPE sums[${CHAINS}], u, v;
    memset(&sums, 0, sizeof sums);
    /* As f32 0.747, so that no sum is too small to be a normal number; as bytes 63. */
    memset(&u, 0x3f, sizeof u);
    memset(&v, 0x3f, sizeof v);
    for (int i = 0; i < ${ROUNDS}; i++) {
      for (int k = 0; k < ${CHAINS}; k++) {
        OPAQUE(u);
        sums[k] = STEP(sums[k], u, v);
      }
    }
    for (int k = 0; k < ${CHAINS}; k++) {
      uint64_t words;
      memcpy(&words, &sums[k], sizeof words);
      out += words;
    }
    out = out << 8 | MACS;`,
  );

const OPAQUE_X86 = '#define OPAQUE(x) __asm__ volatile("" : "+x"(x))';
/** Vectors that any compiler has, and no way to hide a value but memory. */
const PORTABLE = `typedef ELEMENT TYPE __attribute__((vector_size(16)));
#define OPAQUE(x) __asm__ volatile("" : : "r"(&x) : "memory")
#define STEP(sum, u, v) ((sum) + (u) * (v))
#define MACS 4`;

const F32 = products(
  "ceiling_f32",
  `#if defined(__AVX512F__)
#define TYPE __m512
#define STEP(sum, u, v) _mm512_fmadd_ps(u, v, sum)
#define MACS 16
${OPAQUE_X86}
#elif defined(__FMA__)
#define TYPE __m256
#define STEP(sum, u, v) _mm256_fmadd_ps(u, v, sum)
#define MACS 8
${OPAQUE_X86}
#elif defined(__x86_64__)
#define TYPE __m128
#define STEP(sum, u, v) _mm_add_ps(sum, _mm_mul_ps(u, v))
#define MACS 4
${OPAQUE_X86}
#else
#define ELEMENT float
${PORTABLE}
#endif`,
);

const BYTES = products(
  "ceiling_bytes",
  `#if defined(__AVX512VNNI__)
#define TYPE __m512i
#define STEP(sum, u, v) _mm512_dpbusd_epi32(sum, u, v)
#define MACS 64
${OPAQUE_X86}
#elif defined(__AVX512BW__)
#define TYPE __m512i
#define PAIRS(u, v) _mm512_maddubs_epi16(u, v)
#define STEP(sum, u, v) \\
  _mm512_add_epi32(sum, _mm512_madd_epi16(PAIRS(u, v), v))
#define MACS 64
${OPAQUE_X86}
#elif defined(__AVX2__)
#define TYPE __m256i
#define PAIRS(u, v) _mm256_maddubs_epi16(u, v)
#define STEP(sum, u, v) \\
  _mm256_add_epi32(sum, _mm256_madd_epi16(PAIRS(u, v), v))
#define MACS 32
${OPAQUE_X86}
#elif defined(__SSSE3__)
#define TYPE __m128i
#define PAIRS(u, v) _mm_maddubs_epi16(u, v)
#define STEP(sum, u, v) _mm_add_epi32(sum, _mm_madd_epi16(PAIRS(u, v), v))
#define MACS 16
${OPAQUE_X86}
#elif defined(__x86_64__)
#define TYPE __m128i
#define STEP(sum, u, v) _mm_add_epi32(sum, _mm_madd_epi16(u, v))
#define MACS 8
${OPAQUE_X86}
#else
#define ELEMENT int32_t
${PORTABLE}
#endif`,
);

function request(name: string, text: string): KernelRequest {
  const entry: KernelEntry = {
    signature: {
      name,
      bindings: [
        { name: "x", access: "read", dtype: "u32", shape: ["n"] },
        { name: "y", access: "write", dtype: "u32", shape: ["nItems"] },
      ],
      constants: [],
      defines: [],
    },
    sources: {
      c: { file: `${name}.c`, sha256: "", template: "", grid: [{ of: { step: "nRows" } }] },
    },
    authored: [],
  };
  return { entry, text, defines: {} };
}

/**
 * Measures a device's ceilings.
 *
 * @param options.bytes of the buffer that is read: as large as what a step reads
 */
export async function measureCeilings(
  device: Device,
  { bytes, repetitions }: { readonly bytes: number; readonly repetitions: number },
): Promise<Ceilings> {
  const kernels = await device.compile([
    request("ceiling_read", READ),
    request("ceiling_f32", F32),
    request("ceiling_bytes", BYTES),
  ]);
  const nStretches = Math.max(1, Math.floor(bytes / READ_BYTES));
  const x = device.allocate(nStretches * READ_BYTES, "ceilings' memory");
  const y = device.allocate(8 * Math.max(nStretches, ITEMS), "ceilings' sums");
  // Pages that nobody wrote are all the same one.
  const stretch = new Uint8Array(READ_BYTES).fill(1);
  for (let i = 0; i < nStretches; i++) device.write(x, stretch, i * READ_BYTES);
  try {
    const best: number[] = [];
    for (const [i, kernel] of kernels.entries()) {
      const nItems = i === 0 ? nStretches : ITEMS;
      const buffers = { x: { buffer: x }, y: { buffer: y } };
      const program = device.prepare([{ kernel, label: "a ceiling", buffers, constants: {} }]);
      const step = Uint32Array.from(STEP_FIELDS, (name) => name === "nRows" ? nItems : 0);
      let least = Infinity;
      // The first one warms up.
      for (let run = 0; run <= repetitions; run++) {
        const start = performance.now();
        await device.run(program, step);
        if (run > 0) least = Math.min(least, performance.now() - start);
      }
      const perStep = Number(new Uint8Array(await device.read(y, 0, 8))[0]);
      const work = i === 0 ? nItems * READ_BYTES : nItems * ROUNDS * CHAINS * perStep;
      best.push(1000 * work / least);
    }
    const [readBytes, f32Macs, byteMacs] = best as [number, number, number];
    return { readBytes, f32Macs, byteMacs };
  } finally {
    device.free(x);
    device.free(y);
  }
}
