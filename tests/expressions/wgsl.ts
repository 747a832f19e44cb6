/** Expressions in WGSL on the machine's adapter: a lane is a thread, an expression a work group or more. */

import { runKernel } from "../../src/device/run_kernel.ts";
import { ignoreWithoutAdapter, testWebgpu } from "../../src/device/webgpu/testing.ts";
import { varying } from "../../src/emit/arguments.ts";
import { wgsl } from "../../src/emit/targets/wgsl/mod.ts";
import type { Scalar } from "../../src/ir/types.ts";
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
  unpackResults,
  wordIndex,
} from "./sample.ts";

/** Whether there is no adapter, and none is required. */
export const ignore: boolean = await ignoreWithoutAdapter();

const FROM_WORD: Readonly<Record<Scalar, (word: string) => string>> = {
  f32: (word) => `bitcast<f32>(${word})`,
  i32: (word) => `bitcast<i32>(${word})`,
  bool: (word) => `${word} != 0u`,
};
const TO_WORD: Readonly<Record<Scalar, (value: string) => string>> = {
  f32: (value) => `bitcast<u32>(${value})`,
  i32: (value) => `bitcast<u32>(${value})`,
  bool: (value) => `u32(${value})`,
};

/** The words of sample `n`. */
function dialect(n: number, nLanes: number): Dialect {
  const at = (slot: number, lane: string) => `[${wordIndex(nLanes, n, slot)}u + ${lane}]`;
  const word = (slot: number, lane: string) => `arguments_buf${at(slot, lane)}`;
  return {
    target: wgsl,
    form: "lanes",
    argument(param, slot) {
      const { name } = param;
      switch (param.kind) {
        case "scalar": {
          const value = FROM_WORD[param.type](word(slot, "lane"));
          return { lines: [`let ${name} = ${value};`], argument: varying(name) };
        }
        case "table": {
          const elements = Array.from(
            { length: N_ELEMENTS },
            (_, e) => `${name}[${e}] = ${FROM_WORD[param.type](word(slot, `${e}u`))};`,
          );
          const lines = [`var ${name}: array<${param.type}, ${N_ELEMENTS}>;`, ...elements];
          return { lines, argument: varying(name) };
        }
        case "bytes":
          return { lines: [], argument: varying(`${wordIndex(nLanes, n, slot)}u`) };
        case "column":
          return { lines: [], argument: varying(name) };
      }
    },
    reduced: (slot) => FROM_WORD.f32(word(slot, "0u")),
    store: (slot, type, value) => `results_buf${at(slot, "lane")} = ${TO_WORD[type](value)};`,
  };
}

function kernelText(samples: readonly Sample[]): string {
  const nLanes = nLanesOf(samples);
  const functions = samples.map((sample, n) =>
    `fn expression_${n}(lane: u32) {\n${bodyText(sample, dialect(n, nLanes))}\n}`
  );
  const groups = `${nLanes / LANES}u`;
  return `#include "kerf.wgsl"
@group(0) @binding(0) var<storage, read> arguments_buf: array<u32>;
@group(0) @binding(1) var<storage, read_write> results_buf: array<u32>;
fn load_byte(at: u32) -> i32 { return i32(arguments_buf[at]); }
${functions.join("\n")}
@compute @workgroup_size(${LANES})
fn expressions(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let lane = group.x % ${groups} * ${LANES}u + thread;
  switch (group.x / ${groups}) {
    ${samples.map((_, n) => `case ${n}u: { expression_${n}(lane); }`).join("\n")}
    default: {}
  }
}
`;
}

/**
 * Drivers inline every call, so that time grows with the square of a kernel's expressions; lavapipe loses
 * early returns of functions that are inlined more than a hundred times.
 */
const PER_KERNEL = 8;

/** Every result of every expression. */
export async function run(samples: readonly Sample[]): Promise<Results> {
  const device = await testWebgpu();
  const all: Results = [];
  for (const some of inKernels(samples, PER_KERNEL)) {
    const words = packArguments(some);
    const groups = some.length * nLanesOf(some) / LANES;
    const { results } = await runKernel(device, {
      entry: entryOf(wgsl, { grid: [{ of: groups }], workgroup: LANES }),
      text: kernelText(some),
      buffers: { arguments: words, results: new Uint32Array(words.length) },
    });
    all.push(...unpackResults(some, results!));
  }
  return all;
}
