/**
 * One thing to generate, and whether it may start now: what it needs is held against what the budget has
 * left beside the sequences that run and those that are kept.
 */

import type { StreamingDecoder } from "../model/tokenizer.ts";
import type { Admission, Admitted, Work } from "./admission.ts";
import type { Engine } from "./engine.ts";
import type { SamplingOptions } from "./sampling.ts";
import type { Sequence } from "./sequence.ts";

/** One thing to generate. */
export interface Request {
  readonly promptTokens: readonly number[];
  readonly maxTokens?: number;
  readonly sampling: SamplingOptions;
  readonly stopIds: ReadonlySet<number>;
  readonly decoder: StreamingDecoder;
  /** Compress once after this many prompt tokens, before the rest. */
  readonly compressAfter?: number;
  /** A slot that keeps its cache afterwards, and how much of the prompt it holds already. */
  readonly kept?: { readonly slot: number; readonly nCached: number };
}

/** Where a request's prefill stops to compress. */
export function boundariesOf({ promptTokens, compressAfter, kept }: Request): number[] {
  const nPrompt = promptTokens.length;
  const isInside = compressAfter !== undefined && compressAfter > (kept?.nCached ?? 0) &&
    compressAfter < nPrompt;
  return isInside ? [compressAfter, nPrompt] : [nPrompt];
}

/** What admission asks of a request. */
export const workOf = (request: Request): Work => ({
  nCached: request.kept?.nCached ?? 0,
  nPrompt: request.promptTokens.length,
  boundaries: boundariesOf(request),
  ...(request.maxTokens === undefined ? {} : { maxTokens: request.maxTokens }),
});

/** Bytes that sequences other than the one in `slot` hold or may come to hold. */
function heldByOthers(
  { cache: { table } }: Engine,
  slot: number | null,
  running: ReadonlyMap<Sequence, { admitted: Admitted }> = new Map(),
): number {
  let bytes = table.allocatedBytes - (slot === null ? 0 : table.bytesOf(slot).allocated);
  for (const [sequence, { admitted }] of running) {
    bytes += admitted.peakBytes - table.bytesOf(sequence.slot).allocated;
  }
  return bytes;
}

/** Why a request cannot start though nothing runs: kept sequences hold the slots or the budget. */
export function refusal(engine: Engine, request: Request, admission: Admission): unknown {
  const slot = request.kept?.slot ?? null;
  try {
    if (slot === null && !engine.cache.hasFreeSlot) engine.cache.openSlot();
    const available = admission.limitBytes - heldByOthers(engine, slot);
    admission.checkBudget(workOf(request), slot, available);
  } catch (error) {
    return error;
  }
  return new Error("a request was refused that fits");
}

/** How a request may run now; null: it has to wait. */
export function admitNext(
  engine: Engine,
  request: Request,
  { running, admission }: {
    running: ReadonlyMap<Sequence, { admitted: Admitted }>;
    admission: Admission;
  },
): Admitted | null {
  const slot = request.kept?.slot ?? null;
  if (slot === null && !engine.cache.hasFreeSlot) return null;
  const available = admission.limitBytes - heldByOthers(engine, slot, running);
  const alone = running.size === 0;
  const admitted = admission.admit(workOf(request), slot, available, { alone });
  // Waiting for company to leave beats working layer by layer.
  return admitted?.order === "layered" && !alone ? null : admitted;
}
