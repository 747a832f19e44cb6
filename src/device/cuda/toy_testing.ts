/** Hand-written CUDA kernels for the tests of the device: small, exact, and easy to compute again. */

import type { KernelEntry } from "../../core/manifest.ts";
import { type Binding, type Constant, type GridFactor, STEP_FIELDS } from "../../core/signature.ts";
import type { Device, DeviceBuffer, KernelRequest } from "../types.ts";

/** A step header with these fields first; the others are 0. */
export function header(...fields: number[]): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(STEP_FIELDS, (_, i) => fields[i] ?? 0);
}

/** A buffer's content, or a range of it. */
export async function words(
  device: Device,
  buffer: DeviceBuffer,
  offset = 0,
  bytes = buffer.bytes,
): Promise<Uint32Array> {
  return new Uint32Array((await device.read(buffer, offset, bytes)).buffer as ArrayBuffer);
}

const THREADS = 64;

const u32 = (name: string, access: Binding["access"]): Binding => ({
  ...{ name, access, dtype: "u32", shape: ["n"] },
});

/** A kernel whose body does what belongs to index i, for i below n. */
function toy(
  name: string,
  bindings: readonly Binding[],
  options: {
    constants?: readonly Constant[];
    grid: readonly GridFactor[];
    n: string;
    body: string;
    sharedBytes?: number;
  },
): KernelRequest {
  const { constants = [], grid, n, body, sharedBytes } = options;
  const fields = [
    ...bindings.map((b) => `${b.access === "read" ? "const " : ""}u32 *${b.name};`),
    ...constants.map((c) => `${{ u32: "u32", i32: "i32", f32: "float" }[c.dtype]} ${c.name};`),
  ];
  const text = `#include "kerf_cuda.h"
struct args { ${fields.join(" ")} };
extern "C" __global__ void __launch_bounds__(${THREADS}, 1)
${name}(const __grid_constant__ struct args args)
{
  const u32 n = ${n};
  for (u32 i = kerf_block() * ${THREADS} + kerf_thread(); i < n; i += kerf_n_blocks() * ${THREADS}) {
    ${body}
  }
}
`;
  const entry: KernelEntry = {
    signature: { name, bindings, constants, defines: [] },
    sources: {
      cuda: {
        ...{ file: `templates/cuda/${name}.cu`, sha256: "", template: "", grid },
        workgroup: THREADS,
        ...(sharedBytes === undefined ? {} : { sharedBytes }),
      },
    },
    authored: [],
  };
  return { entry, text, defines: {} };
}

/**
 * y[i] = 31·x[i] + x[(i + shift) mod nRows] + 1: every index needs one that another block may have made,
 * so an order that is not kept shows.
 */
export const mix: KernelRequest = toy(
  "mix",
  [u32("x", "read"), u32("y", "write"), u32("step", "read")],
  {
    constants: [{ name: "shift", dtype: "u32" }],
    grid: [{ of: { step: "nRows" }, per: THREADS }],
    n: "args.step[0]",
    body: "args.y[i] = 31 * args.x[i] + args.x[(i + args.shift) % n] + 1;",
  },
);

/** What `mix` writes. */
export function mixed(x: Uint32Array, shift: number): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(x, (v, i) => Math.imul(31, v) + x[(i + shift) % x.length]! + 1);
}

/** Stores a constant of each type and the step header: shows the struct's layout. */
export const echo: KernelRequest = toy(
  "echo",
  [u32("y", "write"), u32("step", "read")],
  {
    constants: [
      { name: "a", dtype: "u32" },
      { name: "b", dtype: "i32" },
      { name: "c", dtype: "f32" },
    ],
    grid: [{ of: 1 }],
    n: "9",
    body: "args.y[i] = i == 0 ? args.a : i == 1 ? (u32)args.b : i == 2 ? kerf_bits(args.c) : " +
      "args.step[i - 3];",
  },
);

/** y[0] += the step field that `rows_field` names, once a launch. */
export const count: KernelRequest = toy("count", [u32("y", "readwrite"), u32("step", "read")], {
  constants: [{ name: "rows_field", dtype: "u32" }],
  grid: [{ of: { stepAt: "rows_field" } }],
  n: "1",
  body: "args.y[0] = args.y[0] + args.step[args.rows_field];",
});

/** Reads far behind the end of x. */
export const stray: KernelRequest = toy("stray", [u32("x", "read"), u32("y", "write")], {
  grid: [{ of: 1 }],
  n: "1",
  body: "args.y[i] = args.x[1u << 28];",
});

/** y = x backwards, 64 values, over more shared memory than a launch may ask for without a word. */
export const reverse: KernelRequest = toy("reverse", [u32("x", "read"), u32("y", "write")], {
  grid: [{ of: 1 }],
  n: "64",
  sharedBytes: 64 << 10,
  body: `u32 *shared = (u32 *)kerf_dynamic_shared();
    shared[256 * i] = args.x[i];
    kerf_sync_threads();
    args.y[i] = shared[256 * (63 - i)];`,
});
