import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { STEP_FIELDS } from "../core/signature.ts";
import { QUERY_TILE } from "../core/tiles.ts";
import { buildStep, STEP_BUFFERS } from "./step.ts";

Deno.test("buildStep mixes prefill chunks and decode rows", () => {
  const made = buildStep([
    { slot: 2, position: 5, tokens: [10, 11, 12], logits: "none", nSplits: 9 },
    { slot: 0, position: 40, tokens: [7], logits: "last", nSplits: 3 },
    { slot: 1, position: 0, tokens: [1, 2], logits: "all", nSplits: 1 },
  ]);
  assertEquals(Array.from(made.step), [6, 3, 3, 2, 1, 3]);
  assertEquals(Array.from(made.seqs), [3, 0, 5, 2, 1, 3, 40, 0, 2, 4, 0, 1]);
  assertEquals(Array.from(made.tokens), [10, 11, 12, 7, 1, 2]);
  assertEquals(Array.from(made.row_seq), [0, 0, 0, 1, 2, 2]);
  assertEquals(Array.from(made.row_position), [5, 6, 7, 40, 0, 1]);
  assertEquals(Array.from(made.tiles), [0, 0, 3, 0, 2, 4, 2, 0]);
  assertEquals(Array.from(made.decode_rows), [3]);
  assertEquals(Array.from(made.rows), [3, 4, 5]);
  assertEquals(Object.keys(made).sort(), [...STEP_BUFFERS].sort());
});

Deno.test("a step has the splits of the decode row that has most, wherever it stands", () => {
  const row = { position: 0, tokens: [1], logits: "last" } as const;
  const splits = [3, 5, 2].map((nSplits, slot) => ({ ...row, slot, nSplits }));
  assertEquals(buildStep(splits).step[STEP_FIELDS.indexOf("nSplits")], 5);
});

Deno.test("tiles and decode rows cover every row exactly once", () => {
  const sequence = fc.record({
    slot: fc.nat(7),
    position: fc.nat(9000),
    tokens: fc.array(fc.nat(50000), { minLength: 1, maxLength: 4 * QUERY_TILE + 1 }),
    logits: fc.constantFrom(...["none", "pick", "last", "all"] as const),
    nSplits: fc.nat(40),
  });
  fc.assert(
    fc.property(fc.array(sequence, { minLength: 1, maxLength: 6 }), (sequences) => {
      const made = buildStep(sequences);
      const nRows = made.step[STEP_FIELDS.indexOf("nRows")]!;
      const seen = new Uint8Array(nRows);
      for (let t = 0; t < made.tiles.length; t += 4) {
        const [seq, first, count] = made.tiles.subarray(t, t + 3);
        assert(count! >= 1 && count! <= QUERY_TILE);
        for (let r = first!; r < first! + count!; r++) {
          seen[r]!++;
          assertEquals(made.row_seq[r], seq);
        }
      }
      for (const r of made.decode_rows) {
        seen[r]!++;
        assertEquals(sequences[made.row_seq[r]!]!.tokens.length, 1);
      }
      assert(seen.every((n) => n === 1));
    }),
    { seed: 3, numRuns: 200 },
  );
});

Deno.test("buildStep refuses an empty step", () => {
  assertThrows(() => buildStep([]), RangeError, "no sequence");
  const empty = { slot: 0, position: 0, tokens: [], logits: "none", nSplits: 0 } as const;
  assertThrows(() => buildStep([empty]), RangeError, "no rows");
});
