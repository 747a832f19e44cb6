/**
 * What a basis does not go with: channel lists, which count the model's own channels, keys that are rotated
 * again when they move, heads that no Hadamard matrix fits. Reads declared data only.
 */

import { KerfError } from "../core/error.ts";
import type { BasisStep } from "../dsl/basis.ts";
import { formatSpec } from "./spec.ts";
import type { SpecStep } from "./spec.ts";

/** A step of a spec as it was typed. */
interface Typed {
  readonly typed: SpecStep;
}

/** A stream that a spec turns. */
export interface TurnedStream extends Typed {
  readonly step: BasisStep;
}

/** What stands beside it. */
export interface BasisNeighbours {
  readonly headDim: number;
  /** The steps that list channels, with their streams. */
  readonly lists: readonly (Typed & { readonly of: "key" | "value" })[];
  /** The step that rotates keys by their place in the cache. */
  readonly cached: Typed | null;
}

/**
 * Checks the streams that a spec turns.
 *
 * @throws {KerfError} exit code 2: the first clash, with the spec that has none
 */
export function checkBasis(
  turned: readonly TurnedStream[],
  { headDim, lists, cached }: BasisNeighbours,
): void {
  /** The spec that does not turn these streams of a step; without it where no parameter says so. */
  const without = (streams: readonly TurnedStream[], other: SpecStep | null) => {
    const { typed } = streams[0]!;
    const off = streams.map(({ step }) => step.if);
    const values = { ...typed.values, ...Object.fromEntries(off.map((name) => [name, 0])) };
    const own = off.every((name) => typeof name === "string") ? [{ ...typed, values }] : [];
    const rest = [...(other ? [other] : []), ...own];
    return rest.length > 0 ? `--prune ${formatSpec(rest)}` : "--prune none";
  };
  for (const stream of turned) {
    const { step: { of }, typed: { name } } = stream;
    const list = lists.find((other) => other.of === of);
    if (list) {
      throw new KerfError(
        `Cannot combine "${list.typed.name}" and "${name}": a channel list counts the model's own ` +
          `channels of ${of}s, and they are stored in another basis`,
        { hint: without([stream], list.typed), exitCode: 2 },
      );
    }
    if (of === "key" && cached) {
      throw new KerfError(
        `Cannot combine "${cached.typed.name}" with positions in the cache and "${name}": keys in ` +
          "another basis cannot be rotated again",
        { hint: without([stream], cached.typed), exitCode: 2 },
      );
    }
    if (!Number.isInteger(Math.log2(headDim))) {
      throw new KerfError(
        `Cannot turn ${of}s with "${name}": a Hadamard basis has a power of two of channels, and ` +
          `the model's heads have ${headDim}`,
        {
          hint: without(turned.filter(({ typed }) => typed === stream.typed), null),
          exitCode: 2,
        },
      );
    }
  }
}
