/**
 * Moments of queries through their kernels: steps of two sequences, cut as steps are cut, then what each row
 * is expected to get, against the declared accumulator in f64.
 */

import { assert, assertEquals } from "@std/assert";
import { queryMoments } from "../src/dsl/accumulator.ts";
import type { Moments } from "../src/dsl/accumulator.ts";
import { assertClose } from "./_close.ts";
import { randomFrom } from "./_kernel.ts";
import type { RunKernel } from "./_kernel.ts";
import { AT, pageConstants, writeCache } from "./_kv_cache.ts";
import type { HeadRows } from "./_kv_cache.ts";

/** What to run. */
export interface MomentsCase {
  readonly layout: string;
  readonly headDim: number;
  readonly nKvHeads: number;
  readonly group: number;
  readonly skip: number;
  readonly ahead: number;
  /** Rows of AT.slot and of the other slot in each step; 0: it is not in the step. */
  readonly steps: readonly (readonly [number, number])[];
  readonly rows: number;
  readonly nListed?: number;
}

/** @param given its steps bring at least one row of AT.slot beyond `skip` */
export async function assertMoments(given: MomentsCase, run: RunKernel): Promise<void> {
  const { headDim, nKvHeads, group, skip, ahead, steps, rows, nListed = 0 } = given;
  const nHeads = group * nKvHeads;
  const random = randomFrom(rows + headDim);
  const stride = (nHeads + 2 * nKvHeads) * headDim;
  const declared = queryMoments({ skip, ahead });
  const states: Moments[] = Array.from({ length: nHeads }, () => declared.init(headDim));
  const size = (headDim + 2) * headDim;
  let moments = new Float32Array(AT.nSlots * AT.nLayers * nHeads * size).fill(NaN);
  const seen = [0, 0];
  const label = JSON.stringify(given);
  const counts = { layer: AT.layer, n_layers: AT.nLayers, n_heads: nHeads, n_kv_heads: nKvHeads };
  for (const step of steps) {
    const slots = [0, 1].filter((i) => step[i]! > 0);
    const seqs: number[] = [];
    let nRows = 0;
    for (const i of slots) {
      seqs.push(step[i]!, nRows, seen[i]!, i === 0 ? AT.slot : 1 - AT.slot);
      nRows += step[i]!;
    }
    // A mean far from zero: what products of the queries themselves would lose their digits to.
    const qkv = Float32Array.from(
      { length: nRows * stride },
      (_, i) => random() + (i % headDim % 5 === 0 ? 20 : 0),
    );
    const written = await run("query_moments", {
      buffers: { qkv, seqs: Uint32Array.from(seqs), moments },
      constants: { ...counts, qkv_stride: stride, skip },
      defines: { HEAD_DIM: headDim },
      step: { nRows, nSeqs: slots.length },
    });
    moments = written["moments"] as Float32Array<ArrayBuffer>;
    for (let row = 0; row < step[0]!; row++) {
      if (seen[0]! + row < skip) continue;
      states.forEach((state, head) => {
        const at = row * stride + head * headDim;
        states[head] = declared.update(state, qkv.subarray(at, at + headDim));
      });
    }
    step.forEach((n, i) => seen[i]! += n);
  }
  assert(states[0]!.n > 0, "no query counts");

  const channels = Array.from({ length: headDim }, (_, c) => c).filter((c) => c % 3 !== 1);
  const heads = Array.from({ length: nKvHeads }, (_, head): HeadRows => {
    const n = Math.max(1, rows - 3 * head);
    const row = () => Float32Array.from({ length: headDim }, () => Math.f16round(random() / 4));
    return {
      ...{ keys: Array.from({ length: n }, row), values: Array.from({ length: n }, row) },
      ...{
        nListed: Math.min(nListed, n),
        channels,
        positions: Array.from({ length: n }, (_, i) => i),
      },
    };
  });
  const cache = writeCache(given.layout, heads, { headDim });
  const nKey = cache.layout.key.segments.length;
  const nTokens = seen[0]!;
  const half = headDim / 2;
  const angles = Float32Array.from({ length: (nTokens + rows + ahead) * headDim }, (_, i) => {
    const [position, c] = [Math.floor(i / headDim), i % headDim];
    const angle = position * 10000 ** (-(c % half) / half);
    return c < half ? Math.cos(angle) : Math.sin(angle);
  });
  const meanOf = (next: number, c: number) => {
    let sum = 0;
    for (let i = 0; i < ahead; i++) sum += angles[(next + i) * headDim + c]!;
    return sum / ahead;
  };
  const rotations = heads.map(({ keys }) => {
    // Where keys stand at their places, those are what comes next.
    const next = cache.layout.positions === "cache" ? keys.length : nTokens;
    const mean = Array.from({ length: headDim }, (_, c) => meanOf(next, c));
    return { cos: mean.slice(0, half), sin: mean.slice(half) };
  });
  const found = await run(`expected_logits__${given.layout}`, {
    buffers: {
      ...{ moments, angles, ...cache.buffers },
      expected_logits: new Float32Array(nHeads * rows).fill(-7),
    },
    constants: {
      ...{ ...cache.constants, ...counts, slot: AT.slot, n_tokens: nTokens, skip, ahead },
      ...{
        max_rows: rows,
        n_tiles: Math.ceil(rows / 16) + nKey - 1,
        scale: 1 / Math.sqrt(headDim),
      },
      ...pageConstants(cache),
    },
    defines: { HEAD_DIM: headDim, GROUP: group },
    step: {},
  });
  const logits = found["expected_logits"] as Float32Array;
  const want = new Float64Array(nHeads * rows).fill(-7);
  const bound = new Float64Array(want.length);
  states.forEach((state, head) => {
    const { keys, nListed } = heads[Math.floor(head / group)]!;
    keys.forEach((key, row) => {
      const kept = row < nListed ? key.map((x, c) => channels.includes(c) ? x : 0) : key;
      want[head * rows + row] = declared.finish(state, kept, rotations[Math.floor(head / group)]!);
      // Every product and sum rounds once: those of all queries, channels and positions to come.
      const far = kept.reduce((sum, x) => sum + Math.abs(x), 0);
      const sizes = 21 * far + (2 * far) ** 2;
      bound[head * rows + row] = 2 ** -24 * (state.n + 4 * headDim + ahead + 64) * sizes;
    });
  });
  assertClose(logits, want, { bound: (i) => bound[i]!, label: `expected logits ${label}` });

  const first = Math.min(2, rows - 1);
  const cuts = Uint32Array.from([
    ...Array(4 * AT.layer * nKvHeads).fill(99),
    ...heads.flatMap(({ keys }) => [0, keys.length, 1, 0]),
  ]);
  const summed = await run("expected_sums", {
    buffers: { expected_logits: logits, cuts, expected_sums: new Float32Array(2 * nHeads) },
    constants: { ...counts, protect_first: first, max_rows: rows },
    defines: {},
    step: {},
  });
  const sums = summed["expected_sums"] as Float32Array;
  for (let head = 0; head < nHeads; head++) {
    const n = heads[Math.floor(head / group)]!.keys.length;
    const own = [...logits.subarray(head * rows + first, head * rows + n)];
    if (own.length === 0) {
      assertEquals(sums[2 * head + 1], 0, "no row may leave");
      continue;
    }
    const largest = Math.max(...own);
    assertEquals(sums[2 * head], largest, `${label}, head ${head}`);
    const total = own.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
    assertClose([sums[2 * head + 1]!], [total], {
      bound: 2 ** -24 * (rows + 64) * total,
      label: `sum of weights ${label}`,
    });
  }
}
