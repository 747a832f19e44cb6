/**
 * What the choices of a case stand for: how many channels and rows stay, and the values of a variant's
 * parameters.
 */

import type { ParamSpecs } from "../dsl/params.ts";
import type { Layout } from "../layout/types.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { Kept, ParamChoice } from "./cases.ts";

/** Channels that each KV head keeps. */
export function widthsOf(kept: Kept, headDim: number): number[] {
  if (kept === "mixed") return [Math.floor(0.4 * headDim), headDim - 1];
  return new Array(N_KV_HEADS).fill(kept === "one" ? 1 : headDim);
}

/** Sixteen codes of a row of values are one cell, and a coded row stores whole cells. */
const CELL_CHANNELS = 16;

/** Channels that each KV head keeps of each stream. */
export function caseWidths({ value }: Pick<Layout, "value">, kept: Kept, headDim: number) {
  const widths = widthsOf(kept, headDim);
  const isCoded = value.segments.some(({ channels, code }) =>
    channels === "list" && code.kind === "affine"
  );
  const cell = isCoded ? CELL_CHANNELS : 1;
  return {
    key: widths,
    // Not those of keys in the same head.
    value: widths.toReversed().map((width) => Math.ceil(width / cell) * cell),
  };
}

/** Rows that a KV head keeps of `n`; none of none. */
export function keptOf(kept: Kept, n: number, kvHead: number): number {
  if (kept === "mixed") return Math.min(n, Math.max(1, kvHead === 0 ? Math.floor(0.4 * n) : n - 1));
  return kept === "one" ? Math.min(1, n) : n;
}

/** A share that leaves some of both kinds. */
const SOME = 0.4;

/**
 * Small values: odd and fewer than the rows of the longer cases, or near 1, as far as a parameter allows.
 * The least of a parameter that has none is its default.
 *
 * @param options `codes`: whether numbers count rows that are coded, which come in tiles
 */
export function paramsOf(
  specs: ParamSpecs,
  choice: ParamChoice,
  { codes }: { readonly codes: boolean },
): Record<string, number> {
  const few = codes ? 16 : 41;
  if (choice === "default") return {};
  if (choice === "switched") {
    const isSwitch = ({ min, max, integer }: ParamSpecs[string]) =>
      min === 0 && max === 1 && integer === true;
    return Object.fromEntries(
      Object.entries(specs).filter(([, spec]) => isSwitch(spec))
        .map(([name, spec]) => [name, 1 - spec.default]),
    );
  }
  return Object.fromEntries(
    Object.entries(specs).map(([name, { default: given, min, max = Infinity, integer }]) => [
      name,
      choice === "least"
        ? min ?? given
        : Math.min(max, Math.max(min ?? -Infinity, integer ? few : max <= 1 ? SOME * max : 3)),
    ]),
  );
}
