/** Expressions in C: one value at a time or sixteen in the lanes, where some arguments may be shared. */

import { runKernel } from "../../src/device/run_kernel.ts";
import { testDevice } from "../../src/device/testing.ts";
import type { Isa } from "../../src/device/testing.ts";
import { uniform, varying } from "../../src/emit/arguments.ts";
import { c } from "../../src/emit/targets/c/mod.ts";
import {
  bodyText,
  type Dialect,
  entryOf,
  inKernels,
  LANES,
  N_ELEMENTS,
  nLanesOf,
  packArguments,
  type Results,
  type Sample,
  SLOTS,
  unpackResults,
} from "./sample.ts";

/** A C compiler is always needed. */
export const ignore = false;

interface Options {
  readonly form?: "scalar" | "lanes";
  /** In lanes: parameters that have one value for all of them. */
  readonly shared?: ReadonlySet<string>;
  readonly isa?: Isa;
}

const HELPERS = `
KERF_INLINE float f32_of(uint32_t word) { float x; memcpy(&x, &word, sizeof x); return x; }
KERF_INLINE uint32_t word_of_f32(float x) { uint32_t word; memcpy(&word, &x, sizeof word); return word; }
KERF_INLINE uint32_t word_of_i32(int32_t x) { return (uint32_t)x; }
KERF_INLINE uint32_t word_of_bool(bool x) { return x; }
KERF_INLINE f32x16 lanes_f32(const uint32_t *in) { f32x16 v; memcpy(&v, in, sizeof v); return v; }
KERF_INLINE i32x16 lanes_i32(const uint32_t *in) { i32x16 v; memcpy(&v, in, sizeof v); return v; }
KERF_INLINE i32x16 lanes_bool(const uint32_t *in) { return -lanes_i32(in); }
KERF_INLINE void store_f32(uint32_t *out, f32x16 v) { memcpy(out, &v, sizeof v); }
KERF_INLINE void store_i32(uint32_t *out, i32x16 v) { memcpy(out, &v, sizeof v); }
KERF_INLINE void store_bool(uint32_t *out, i32x16 v) { store_i32(out, -v); }`;

const FROM_WORD = { f32: "f32_of", i32: "(int32_t)", bool: "0 != " };

function dialect(nLanes: number, form: "scalar" | "lanes", shared: ReadonlySet<string>): Dialect {
  const at = (slot: number, lane: string) => `in[${slot * nLanes} + ${lane}]`;
  return {
    target: c,
    form,
    argument(param, slot) {
      const { name } = param;
      const used = `(void)${name};`;
      switch (param.kind) {
        case "scalar": {
          if (form === "scalar" || shared.has(name)) {
            const lane = form === "scalar" ? "lane" : "0";
            const value = `${FROM_WORD[param.type]}(${at(slot, lane)})`;
            const lines = [`const ${c.scalar.types[param.type]} ${name} = ${value};`, used];
            return { lines, argument: form === "scalar" ? varying(name) : uniform(name) };
          }
          const value = `lanes_${param.type}(&${at(slot, "lane")})`;
          const lines = [`const ${c.lanes.types[param.type]} ${name} = ${value};`, used];
          return { lines, argument: varying(name) };
        }
        case "table":
          return {
            lines: [
              `float ${name}[${N_ELEMENTS}];`,
              `memcpy(${name}, &${at(slot, "0")}, sizeof ${name}); ${used}`,
            ],
            argument: uniform(name),
          };
        case "bytes": {
          const elements = Array.from({ length: N_ELEMENTS }, (_, e) => at(slot, `${e}`));
          const bytes = elements.map((element) => `(uint8_t)${element}`).join(", ");
          return {
            lines: [`const uint8_t ${name}[] = {${bytes}}; ${used}`],
            argument: uniform(name),
          };
        }
        case "column":
          return { lines: [], argument: uniform(name) };
      }
    },
    reduced: (slot) => `f32_of(${at(slot, "0")})`,
    store(slot, type, value) {
      const place = `out[${slot * nLanes} + lane]`;
      return form === "scalar"
        ? `${place} = word_of_${type}(${value});`
        : `store_${type}(&${place}, ${value});`;
    },
  };
}

function kernelText(samples: readonly Sample[], { form = "scalar", shared }: Options): string {
  const nLanes = nLanesOf(samples);
  const words = dialect(nLanes, form, shared ?? new Set());
  const functions = samples.map((sample, n) =>
    `static void expression_${n}(const uint32_t *in, uint32_t *out, uint32_t lane)
{
${bodyText(sample, words)}
}`
  );
  const step = form === "scalar" ? 1 : LANES;
  return `#include "kerf.h"
${HELPERS}
${functions.join("\n")}
typedef void expression(const uint32_t *in, uint32_t *out, uint32_t lane);
static expression *const all[] = { ${samples.map((_, n) => `expression_${n}`).join(", ")} };
struct args { const uint32_t *in; uint32_t *out; };
static void expressions(const struct args *args, uint32_t first, uint32_t last)
{
  for (uint32_t n = first; n < last; n++) {
    const size_t base = n * (size_t)${SLOTS * nLanes};
    for (uint32_t lane = 0; lane < ${nLanes}; lane += ${step}) {
      all[n](args->in + base, args->out + base, lane);
    }
  }
}
KERF_EXPORT uint64_t expressions_address(void);
uint64_t expressions_address(void) { return (uint64_t)(uintptr_t)expressions; }
`;
}

/** A compiler starts once for as many. */
const PER_KERNEL = 125;

/** Every result of every expression. */
export async function run(samples: readonly Sample[], options: Options = {}): Promise<Results> {
  const device = await testDevice(options.isa === undefined ? {} : { isa: options.isa });
  const kernels = inKernels(samples, PER_KERNEL).map((some) => ({
    some,
    entry: entryOf(c, { grid: [{ of: some.length }] }),
    text: kernelText(some, options),
  }));
  // All at once, so that compilers run side by side; each run below finds its own in the cache.
  await device.compile(kernels.map(({ entry, text }) => ({ entry, text, defines: {} })));
  const all: Results = [];
  for (const { some, entry, text } of kernels) {
    const words = packArguments(some);
    const buffers = { arguments: words, results: new Uint32Array(words.length) };
    const { results } = await runKernel(device, { entry, text, buffers });
    all.push(...unpackResults(some, results!));
  }
  return all;
}
