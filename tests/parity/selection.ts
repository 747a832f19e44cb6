/**
 * The template kernels around attention and the head against plain loops: the choice of channels,
 * the merge of partial softmaxes, and the place of the largest logit.
 */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { PACK_ROWS } from "../../src/core/packing.ts";
import { q8RowBytes } from "../../src/core/quantized_row.ts";
import { testIsas } from "../../src/device/testing.ts";
import type { Isa } from "../../src/device/testing.ts";
import {
  argMaxReference,
  attentionMergeReference,
  largestOfGroups,
  quantizedBytes,
  quantizeRows,
  selectChannelsReference,
  turnReference,
} from "../../src/reference/mod.ts";
import { argMaxRows } from "../_arg_max.ts";
import { assertClose } from "../_close.ts";
import { randomFrom, runNamed } from "../_kernel.ts";

const HEAD_DIM = 32;
const isas = await testIsas();

Deno.test("select_channels: the highest scores stay, ties keep the lower channel", async () => {
  const [nSlots, nLayers, nKvHeads, slot, layer] = [2, 3, 3, 1, 2];
  const score = fc.oneof(
    fc.constantFrom(0, -0, 1, 1, 2, Infinity, -Infinity, NaN),
    fc.float({ noNaN: true }),
  );
  const heads = fc.array(
    fc.record({
      scores: fc.array(score, { minLength: HEAD_DIM, maxLength: HEAD_DIM }),
      width: fc.nat(HEAD_DIM),
    }),
    { minLength: nKvHeads, maxLength: nKvHeads },
  );
  await fc.assert(
    fc.asyncProperty(heads, fc.constantFrom(...isas), async (given, isa) => {
      const scores = new Float32Array(nSlots * nLayers * nKvHeads * HEAD_DIM);
      const widths = new Uint32Array(nLayers * nKvHeads);
      const place = (h: number) => ((slot * nLayers + layer) * nKvHeads + h) * HEAD_DIM;
      given.forEach(({ scores: values, width }, h) => {
        scores.set(values, place(h));
        widths[layer * nKvHeads + h] = width;
      });
      const { channels } = await runNamed("select_channels", {
        isa,
        buffers: { scores, widths, channels: new Uint32Array(scores.length).fill(99) },
        constants: { slot, layer, n_layers: nLayers, n_kv_heads: nKvHeads },
        defines: { HEAD_DIM },
      });
      const expected = new Uint32Array(scores.length).fill(99);
      given.forEach(({ scores: values, width }, h) => {
        expected.set(selectChannelsReference(values, width), place(h));
      });
      assertEquals(channels, expected);
    }),
    { seed: 5, numRuns: 100 },
  );
});

/** Merges into codes, with and without the softmax of each row: those of what the same merge stores as f32. */
async function assertMergedCodes(
  kernel: string,
  { buffers, constants, ...run }: {
    readonly isa: Isa;
    readonly buffers: Record<"partials" | "out", Float32Array> & { decode_rows: Uint32Array };
    readonly constants: { readonly n_heads: number; readonly out_stride: number };
    readonly defines: Record<string, number>;
    readonly step: Record<string, number>;
  },
  values: Float32Array,
): Promise<void> {
  const { n_heads, out_stride } = constants;
  const codes = quantizedBytes(quantizeRows(values));
  const rowBytes = q8RowBytes(out_stride);
  const want = new Uint8Array(codes.length).fill(7);
  for (const row of buffers.decode_rows) {
    const own = codes.subarray(row * rowBytes).subarray(0, q8RowBytes(n_heads * HEAD_DIM));
    want.set(own, row * rowBytes);
  }
  const out = new Uint8Array(codes.length).fill(7);
  const stored = await runNamed(`${kernel}_q8`, {
    ...run,
    constants,
    buffers: { ...buffers, out },
  });
  assertEquals(stored.out, want, kernel);
  const nSoftmax = values.length / out_stride * n_heads * 2;
  const recording = { ...run, constants };
  const row_softmax = new Float32Array(nSoftmax).fill(-7);
  const both = await runNamed(`${kernel}_recording_q8`, {
    ...recording,
    buffers: { ...buffers, out, row_softmax },
  });
  const plain = await runNamed(`${kernel}_recording`, {
    ...recording,
    buffers: { ...buffers, row_softmax },
  });
  assertEquals(both.out, want, kernel);
  assertEquals(both.row_softmax, plain.row_softmax, kernel);
}

Deno.test("attention_merge: partial softmaxes meet as one softmax", async () => {
  const [nDecode, nHeads] = [3, 2];
  const random = randomFrom(9);
  for (const nSplits of [1, 2, 7]) {
    const size = HEAD_DIM + 16;
    const partials = new Float32Array(nDecode * nHeads * nSplits * size).fill(NaN);
    const expected = new Float64Array((nDecode + 2) * (nHeads + 1) * HEAD_DIM).fill(-7);
    const turnedBack = Float64Array.from(expected);
    const rows = Uint32Array.of(4, 0, 2);
    const stride = (nHeads + 1) * HEAD_DIM;
    for (let decoded = 0; decoded < nDecode; decoded++) {
      for (let head = 0; head < nHeads; head++) {
        // The last row saw nothing at all; elsewhere only its later splits may be empty.
        const nSeen = decoded === 2 ? 0 : 1 + decoded * (nSplits - 1);
        const parts = Array.from({ length: nSplits }, (_, split) => ({
          largest: split < nSeen ? Math.fround(20 * random()) : Math.fround(-1e30),
          sum: split < nSeen ? Math.fround(1.5 + random()) : 0,
          values: Float32Array.from({ length: HEAD_DIM }, () => split < nSeen ? random() : 0),
        }));
        const want = attentionMergeReference(parts, HEAD_DIM);
        turnedBack.set(turnReference(want), rows[decoded]! * stride + head * HEAD_DIM);
        expected.set(want, rows[decoded]! * stride + head * HEAD_DIM);
        parts.forEach(({ largest, sum, values }, split) => {
          const at = ((decoded * nHeads + head) * nSplits + split) * size;
          partials.set(values, at);
          partials.set([largest, sum], at + HEAD_DIM);
        });
      }
    }
    for (const isa of isas) {
      const run = {
        isa,
        buffers: { partials, decode_rows: rows, out: new Float32Array(expected.length).fill(-7) },
        constants: { n_heads: nHeads, out_stride: stride },
        defines: { HEAD_DIM },
        step: { nDecode, nSplits },
      };
      const merged = await runNamed("attention_merge", run);
      // Values are at most 1 in size; each of ≤ 7 merges adds a few roundings and exp's two units.
      const bound = 7 * 8 * 2 ** -24;
      assertClose(merged.out!, expected, { bound, label: `${nSplits} splits` });
      const turned = await runNamed("attention_merge_turned", run);
      // The errors of the channels meet, and every sum on the way rounds.
      const meets = (bound + (Math.log2(HEAD_DIM) + 4) * 2 ** -24) * Math.sqrt(HEAD_DIM);
      assertClose(turned.out!, turnedBack, { bound: meets, label: `turned, ${nSplits} splits` });
      for (const [kernel, values] of Object.entries({ "": merged.out!, _turned: turned.out! })) {
        await assertMergedCodes(`attention_merge${kernel}`, run, values);
      }
    }
  }
});

Deno.test("arg_max: the largest logit, ties keep the lower place, NaN never wins", async () => {
  for (const isa of isas) {
    for (const rows of argMaxRows()) {
      const [nLogits, width] = [rows.length, rows[0]!.length];
      const groups = rows.map((row) => largestOfGroups(row, PACK_ROWS));
      const { picks } = await runNamed("arg_max", {
        isa,
        buffers: {
          largest: Float32Array.from(groups.flatMap(({ largest }) => largest)),
          places: Uint32Array.from(groups.flatMap(({ places }) => places)),
          picks: new Uint32Array(nLogits + 1).fill(99),
        },
        constants: { n_groups: Math.ceil(width / PACK_ROWS) },
        step: { nLogits },
      });
      assertEquals([...picks!], [...rows.map(argMaxReference), 99], `${nLogits} × ${width}`);
    }
  }
});
