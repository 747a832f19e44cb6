/**
 * The parts of an invocation's items as the runtime reads them: the grid as places that items follow one another at,
 * and a mask of parts for each. Parts are counted from 0 again where there are more than a mask has bits: then some
 * wait for more than they need, and none for less.
 */

import type { GridFactor } from "../../core/signature.ts";
import { failToPrepare } from "../check_invocation.ts";
import type { Invocation, Parts } from "../types.ts";

/** `MAX_PARTS` in runtime/plan.h. */
export const MAX_PARTS = 32;

/** What the runtime is told of an invocation with parts. */
export interface PartTable {
  /** The factor of the grid that counts the places. */
  readonly factor: number;
  readonly nPlaces: number;
  /** `struct parts`: places of each part, then the mask of each place. */
  readonly words: Uint32Array<ArrayBuffer>;
}

/** @throws {TypeError} no factor of the grid counts what `parts` are of, or there is not one of each */
export function partTable(
  invocation: Invocation,
  { parts: { along, of }, grid }: { readonly parts: Parts; readonly grid: readonly GridFactor[] },
): PartTable {
  const factor = grid.findIndex((f) =>
    typeof f.of === "object" && "constant" in f.of && f.of.constant === along
  );
  if (factor < 0) failToPrepare(invocation, `its parts are along "${along}", its grid is not`);
  const n = invocation.constants[along];
  if (n !== of.length) {
    failToPrepare(invocation, `it has parts of ${of.length} "${along}", and these are ${n}`);
  }
  const per = grid[factor]!.per ?? 1;
  const nPlaces = Math.ceil(of.length / per);
  const words = new Uint32Array(MAX_PARTS + nPlaces);
  for (let place = 0; place < nPlaces; place++) {
    const here = new Set(of.slice(place * per, (place + 1) * per).map((part) => part % MAX_PARTS));
    for (const part of here) {
      words[part]!++;
      words[MAX_PARTS + place]! |= 1 << part;
    }
  }
  return { factor, nPlaces, words };
}
