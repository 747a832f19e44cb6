/**
 * Expressions in CUDA through the emulator, checked: beside the values, no operation may be one that C++
 * leaves undefined. A lane is a thread, an expression a block.
 */

import { mapLimited } from "../../src/build/mod.ts";
import { varying } from "../../src/emit/arguments.ts";
import { cuda } from "../../src/emit/targets/cuda/mod.ts";
import { addressOf, compileForEmulator } from "../_emulator.ts";
import {
  bodyText,
  type Dialect,
  inKernels,
  N_ELEMENTS,
  nLanesOf,
  packArguments,
  type Results,
  type Sample,
  SLOTS,
  unpackResults,
} from "./sample.ts";

/** The emulator needs a C++ compiler, which comes with the C compiler. */
export const ignore = false;

const FROM_WORD = { f32: "kerf_from_bits", i32: "(i32)", bool: "0u != " };
const TO_WORD = { f32: "kerf_bits", i32: "(u32)", bool: "(u32)" };

function dialect(nLanes: number): Dialect {
  const at = (slot: number, lane: string | number) => `in[${slot * nLanes} + ${lane}]`;
  return {
    target: cuda,
    form: "lanes",
    argument(param, slot) {
      const { name } = param;
      const elements = (make: (element: string) => string) =>
        Array.from({ length: N_ELEMENTS }, (_, e) => make(at(slot, e))).join(", ");
      switch (param.kind) {
        case "scalar": {
          const value = `${FROM_WORD[param.type]}(${at(slot, "lane")})`;
          const lines = [`const ${cuda.lanes.types[param.type]} ${name} = ${value};`];
          return { lines, argument: varying(name) };
        }
        case "table": {
          const values = elements((element) => `kerf_from_bits(${element})`);
          return { lines: [`const float ${name}[] = {${values}};`], argument: varying(name) };
        }
        case "bytes": {
          const values = elements((element) => `(u8)${element}`);
          return { lines: [`const u8 ${name}[] = {${values}};`], argument: varying(name) };
        }
        case "column":
          return { lines: [], argument: varying(name) };
      }
    },
    reduced: (slot) => `kerf_from_bits(${at(slot, 0)})`,
    store: (slot, type, value) => `out[${slot * nLanes} + lane] = ${TO_WORD[type]}(${value});`,
  };
}

function kernelText(samples: readonly Sample[]): string {
  const nLanes = nLanesOf(samples);
  const functions = samples.map((sample, n) =>
    `static __device__ void expression_${n}(const u32 *in, u32 *out, u32 lane)
{
${bodyText(sample, dialect(nLanes))}
}`
  );
  return `#include "kerf_cuda.h"
struct args { const u32 *in; u32 *out; };
${functions.join("\n")}
extern "C" __global__ void expressions(const __grid_constant__ struct args args)
{
  const u32 lane = kerf_thread();
  const u32 *in = args.in + kerf_block() * ${SLOTS * nLanes}u;
  u32 *out = args.out + kerf_block() * ${SLOTS * nLanes}u;
  switch (kerf_block()) {
    ${samples.map((_, n) => `case ${n}: expression_${n}(in, out, lane); break;`).join("\n")}
  }
}
`;
}

/** A compiler starts once for as many. */
const PER_KERNEL = 125;

async function runOne(samples: readonly Sample[]): Promise<Results> {
  const words = packArguments(samples);
  const results = new Uint32Array(words.length);
  const launch = await compileForEmulator({ name: "expressions", text: kernelText(samples) });
  const problem = launch("expressions", {
    grid: samples.length,
    block: nLanesOf(samples),
    args: new Uint8Array(BigUint64Array.of(addressOf(words), addressOf(results)).buffer),
    memory: [words, results],
  });
  if (problem !== undefined) throw new Error(problem);
  return unpackResults(samples, results);
}

/** Every result of every expression. @throws {Error} what the emulator has to say of them */
export async function run(samples: readonly Sample[]): Promise<Results> {
  const kernels = inKernels(samples, PER_KERNEL);
  return (await mapLimited(kernels, navigator.hardwareConcurrency, runOne)).flat();
}
