/** Values that lose all they store, and become whole again as their mean: kernels' arguments. */

import { moveName, parseSegmentName } from "../src/layout/mod.ts";
import { decodeRun } from "./_decode_case.ts";
import type { DecodeCase } from "./_decode_case.ts";
import { encodeRun } from "./_encode_case.ts";
import type { EncodeCase } from "./_encode_case.ts";
import { randomFrom } from "./_kernel.ts";
import { AT } from "./_kv_cache.ts";

/** What the rows become, or were. */
const EMPTY = "none_mean_f16t1";

/** Elements of `fills` before those of values, and what a place holds that no kernel wrote. */
export const BEFORE = 5;
export const UNTOUCHED = -7;

const headsBefore = (nKvHeads: number) => (AT.slot * AT.nLayers + AT.layer) * nKvHeads;
const fillsLength = (nKvHeads: number, headDim: number) =>
  BEFORE + AT.nSlots * AT.nLayers * nKvHeads * headDim;

/** Rows of an order that lose their values. */
export type AverageCase =
  & Omit<EncodeCase, "stream" | "to" | "channels" | "high">
  & Required<Pick<EncodeCase, "order">>;

/** How `average_rows` runs on a case's cache; `start` is the first fill of its first head. */
export function averageRun(given: AverageCase) {
  const { headDim = 64, rows } = given;
  const made = encodeRun({ ...given, stream: "value", to: EMPTY });
  const fills = new Float32Array(fillsLength(rows.length, headDim)).fill(UNTOUCHED);
  return {
    ...made,
    name: `average_rows__${moveName(made.move)}`,
    run: {
      ...made.run,
      buffers: { ...made.run.buffers, fills },
      constants: { ...made.run.constants, value_fills: BEFORE },
    },
    start: BEFORE + headsBefore(rows.length) * headDim,
  };
}

/** How `repeat_means` runs on a case's cache, over fills of its own. */
export function repeatRun(given: Omit<DecodeCase, "stream" | "from" | "channels" | "high">) {
  const { headDim = 64, rows, type = "f16" } = given;
  const made = decodeRun({ ...given, stream: "value", from: EMPTY });
  const random = randomFrom(headDim);
  const fills = Float32Array.from(
    { length: fillsLength(rows.length, headDim) },
    () => Math.f16round(random()),
  );
  const move = { ...made.move, to: parseSegmentName(`${type}t1`) };
  return {
    ...made,
    name: `repeat_means__${moveName(move)}`,
    run: {
      ...made.run,
      buffers: { ...made.run.buffers, fills },
      constants: { ...made.run.constants, value_fills: BEFORE },
    },
    start: BEFORE + headsBefore(rows.length) * headDim,
  };
}
