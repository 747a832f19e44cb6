/**
 * One step of attention over a problem on any target: prefill of its queries, decode of the last with its merge, and
 * both against the f64 reference.
 */

import { assertEquals } from "@std/assert";
import { QUERY_TILE } from "../src/core/mod.ts";
import type { TypedArray } from "../src/device/run_kernel.ts";
import { mergeKernel } from "../src/layout/mod.ts";
import { problem, shared } from "./_attention_case.ts";
import type { Case, Problem } from "./_attention_case.ts";
import { reference } from "./_attention_reference.ts";
import { assertClose } from "./_close.ts";
import type { RunKernel } from "./_kernel.ts";
import { AT } from "./_kv_cache.ts";

/** A step of one sequence: all queries are prefilled, the last one is decoded too. */
export function stepOf(p: Problem) {
  const { defines, buffers, constants } = shared(p);
  const tiles: number[] = [];
  for (let i = 0; i < p.nQuery; i += QUERY_TILE) {
    tiles.push(0, i, Math.min(QUERY_TILE, p.nQuery - i), 0);
  }
  const width = p.nHeads * p.headDim;
  // One split more than there are chunks, as a longer sequence beside this one would ask for.
  const nSplits = p.cache.nSplits + 1;
  return {
    defines,
    buffers: {
      ...{ qkv: p.qkv, tiles: Uint32Array.from(tiles), ...buffers },
      seqs: Uint32Array.of(p.nQuery, 0, p.rows - p.nQuery + p.ahead, AT.slot),
      out: new Float32Array(p.nQuery * width).fill(NaN),
      row_softmax: new Float32Array(p.nQuery * p.nHeads * 2).fill(NaN),
      decode_rows: Uint32Array.of(p.nQuery - 1),
      row_seq: new Uint32Array(p.nQuery),
      partials: new Float32Array(p.nHeads * nSplits * (p.headDim + 16)).fill(NaN),
    } as Record<string, TypedArray>,
    constants: { ...constants, out_stride: width, stores_codes: 0 } as Record<string, number>,
    step: { nRows: p.nQuery, nSeqs: 1, nTiles: tiles.length / 4, nDecode: 1, nSplits },
  };
}

/** The name of a kernel of a problem. */
export const kernelOf = ({ variant, q8, layout }: Problem, phase: string): string =>
  `attention_${variant.name}_${phase}${q8 ? "_q8" : ""}__${layout}`;

/** The outputs of the step's queries in tiles: f32 [nQuery, nHeads · headDim], or codes of such rows. */
export async function prefill(
  p: Problem,
  run: RunKernel,
  { storesCodes = false } = {},
): Promise<Float32Array<ArrayBuffer>> {
  const step = stepOf(p);
  const constants = { ...step.constants, stores_codes: Number(storesCodes) };
  const { out } = await run(kernelOf(p, "prefill"), { ...step, constants });
  return out as Float32Array<ArrayBuffer>;
}

/** The output of the step's last query, decoded: f32 [nHeads · headDim]. */
export async function decode(p: Problem, run: RunKernel): Promise<Float32Array<ArrayBuffer>> {
  const step = stepOf(p);
  const { partials } = await run(kernelOf(p, "decode"), step);
  const buffers = { ...step.buffers, partials: partials! };
  const { out } = await run(mergeKernel(p.cache.layout), { ...step, buffers });
  return (out as Float32Array<ArrayBuffer>).slice(-p.nHeads * p.headDim);
}

/** How a target runs kernels. */
export interface Running {
  readonly run: RunKernel;
  /** Whether multiply-adds are fused, and decode and merge give the bits of prefill. */
  readonly exact: boolean;
}

/** Prefill and decode of one problem. */
export async function assertAttention(
  given: Partial<Case>,
  { run, exact }: Running,
): Promise<void> {
  const p = problem(given);
  const { variant: _, ...shape } = given;
  const about = `${p.variant.name} ${JSON.stringify(shape)}`;
  const out = await prefill(p, run);
  const decoded = await decode(p, run);
  const width = p.nHeads * p.headDim;
  const last = p.nQuery - 1;
  // Prefill does in one place what decode and merge do in two.
  if (exact) assertEquals(decoded, out.slice(-width), `${about}, decoded`);
  for (const query of new Set([0, Math.floor(p.nQuery / 2), last])) {
    const { want, bound } = reference(p, { query, roundings: exact ? 1 : 2 });
    const close = (got: Float32Array, label: string) =>
      assertClose(got, want, { bound: (i) => bound[i]!, label: `${about}, ${label}` });
    close(out.subarray(query * width, (query + 1) * width), `query ${query}`);
    if (query === last && !exact) close(decoded, "decoded");
  }
}
