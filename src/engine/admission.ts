/**
 * Holds work against the cache's budget before it starts: how much a sequence will need at most, in
 * chunks or layer by layer, and what is left of `--kv-max`. Decides; computes and allocates nothing.
 */

import { formatBytes } from "../core/bytes.ts";
import { KerfError } from "../core/error.ts";
import { boundedSpec } from "./bounded_spec.ts";
import type { KvCache } from "./cache.ts";
import { streamSegments } from "./compress_drafts.ts";
import { forecastPeak, noRows, rowsAfter } from "./kv_forecast.ts";
import type { ForecastShape, HeadRows } from "./kv_forecast.ts";
import { keptRows } from "./row_budgets.ts";

/** A sequence's work. */
export interface Work {
  /** Rows already cached. */
  readonly nCached: number;
  readonly nPrompt: number;
  /** Positions after which the cache is compressed, ascending; the last is nPrompt. */
  readonly boundaries: readonly number[];
  /** Tokens to generate; absent: as many as fit. */
  readonly maxTokens?: number;
}

/** How a sequence may run. */
export interface Admitted {
  readonly order: "chunked" | "layered";
  /** Tokens to generate at most. */
  readonly maxTokens: number;
  /** The most bytes it will hold. */
  readonly peakBytes: number;
}

/** Nobody sees less of a process. */
const WORTH_LAYERS_BYTES = 8 * 2 ** 20;

/**
 * Whether a prompt that has the engine to itself runs layer by layer, from both peaks. It takes as long and
 * leaves the same; but nothing else runs meanwhile.
 */
export const isLayeredWorth = (peak: { readonly chunked: number; readonly layered: number }) =>
  peak.chunked - peak.layered >= Math.max(WORTH_LAYERS_BYTES, peak.chunked / 2);

/** Budget and shape of a cache. */
export class Admission {
  readonly #shape: ForecastShape;
  readonly #nCtx: number;
  readonly #cache: KvCache;
  /** `--kv-max`; Infinity: none. */
  readonly limitBytes: number;

  constructor(
    cache: KvCache,
    steps: Pick<ForecastShape, "tokens" | "channels" | "valueChannels" | "bits" | "classes">,
    limitBytes: number,
  ) {
    this.#cache = cache;
    const { tokens, channels, valueChannels, bits, classes } = steps;
    this.#shape = { ...cache.shape, tokens, channels, valueChannels, bits, classes };
    this.#nCtx = cache.shape.nCtx;
    this.limitBytes = limitBytes;
  }

  /**
   * Refuses a prompt that leaves the context no room.
   *
   * @throws {KerfError} it is empty, or prompt and answer are longer than the context
   */
  checkContext(work: Work, slot: number | null = null): void {
    const { nPrompt, maxTokens } = work;
    const nCtx = this.#nCtx;
    if (nPrompt === 0) {
      throw new KerfError("Cannot generate from an empty prompt", { hint: "give a text" });
    }
    if (nPrompt + (maxTokens ?? 1) <= nCtx || this.#staysInside(work, slot)) return;
    const asked = maxTokens === undefined ? "" : ` and ${maxTokens} tokens of answer`;
    const bounded = nPrompt < nCtx && this.#shape.tokens ? boundedSpec(this.#shape.tokens) : null;
    throw new KerfError(
      `Cannot fit a prompt of ${nPrompt} tokens${asked} in the context: it holds ${nCtx}`,
      {
        hint: [
          nPrompt < nCtx
            ? `ask for at most -n ${nCtx - nPrompt}`
            : "shorten the prompt, or raise -c where the model allows it",
          ...(bounded === null ? [] : [`or outgrow it: --prune ${bounded}`]),
        ],
      },
    );
  }

  /** Whether evictions keep every head within the context, whatever is generated. */
  #staysInside({ nCached, nPrompt }: Work, slot: number | null): boolean {
    const { tokens, layout: { positions }, nLayers, nKvHeads } = this.#shape;
    if (!tokens || positions !== "cache" || tokens.every === 0) return false;
    const start = this.#startRows(nCached === 0 ? null : slot);
    return Array.from({ length: nLayers * nKvHeads }, (_, head) => {
      const { rows } = start[head]!;
      const at = { layer: Math.floor(head / nKvHeads), kvHead: head % nKvHeads };
      const kept = keptRows(tokens, { ...at, nRows: this.#nCtx });
      return Math.max(rows + nPrompt - nCached, kept + tokens.every);
    }).every((rows) => rows <= this.#nCtx);
  }

  /** The rows of a slot as a forecast takes them; no slot: none. */
  #startRows(slot: number | null): HeadRows[] {
    if (slot === null) return noRows(this.#shape);
    return Array.from({ length: this.#cache.nHeadsPerSlot }, (_, head) => {
      const at = { slot, head };
      const compressed = (stream: "key" | "value") => {
        const segments = streamSegments(this.#cache, stream);
        return (segments?.compressed ?? [])
          .reduce((sum, { index }) => sum + this.#cache.sizeOf(at, index).rows, 0);
      };
      return { rows: this.#cache.rowsOf(at), key: compressed("key"), value: compressed("value") };
    });
  }

  #peak(work: Work, slot: number | null, options: { order: Admitted["order"]; nTokens: number }) {
    let start = this.#startRows(work.nCached === 0 ? null : slot);
    let at = work.nCached;
    let peak = 0;
    for (const [i, end] of work.boundaries.entries()) {
      const isLast = i === work.boundaries.length - 1;
      const stage = { start, nPrefill: end - at };
      const bytes = forecastPeak(this.#shape, {
        ...stage,
        // The last token is sampled and never cached.
        nDecode: isLast ? Math.max(0, options.nTokens - 1) : 0,
        order: i === 0 ? options.order : "chunked",
      });
      peak = Math.max(peak, bytes);
      start = rowsAfter(this.#shape, stage);
      at = end;
    }
    return peak;
  }

  /**
   * How the work can run within `availableBytes`; null: it cannot. In chunks, unless only layer by layer it
   * fits, or it is alone and takes half the bytes so.
   */
  admit(
    work: Work,
    slot: number | null,
    availableBytes: number,
    { alone = false }: { readonly alone?: boolean } = {},
  ): Admitted | null {
    const orders: Admitted["order"][] = work.nCached === 0 ? ["chunked", "layered"] : ["chunked"];
    if (alone && this.#isLayeredWorth(work, slot)) orders.reverse();
    for (const order of orders) {
      const peak = (nTokens: number) => this.#peak(work, slot, { order, nTokens });
      const fewest = work.maxTokens ?? 1;
      if (peak(fewest) > availableBytes) continue;
      const maxTokens = work.maxTokens ?? mostThatFit(
        { from: fewest, to: Math.max(fewest, this.#nCtx - work.nPrompt) },
        (n) => peak(n) <= availableBytes,
      );
      return { order, maxTokens, peakBytes: peak(maxTokens) };
    }
    return null;
  }

  #isLayeredWorth(work: Work, slot: number | null): boolean {
    const nTokens = work.maxTokens ?? 1;
    const peak = (order: Admitted["order"]) => this.#peak(work, slot, { order, nTokens });
    return work.nCached === 0 &&
      isLayeredWorth({ chunked: peak("chunked"), layered: peak("layered") });
  }

  /**
   * Refuses work that does not fit.
   *
   * @param availableBytes what is left of the budget; default: all of it
   * @throws {KerfError} saying what was asked, what there is, and what to lower
   */
  checkBudget(work: Work, slot: number | null, availableBytes = this.limitBytes): void {
    if (this.admit(work, slot, availableBytes)) return;
    const nTokens = work.maxTokens ?? 1;
    const orders = work.nCached === 0 ? ["chunked", "layered"] as const : ["chunked"] as const;
    const least = Math.min(...orders.map((order) => this.#peak(work, slot, { order, nTokens })));
    const held = this.limitBytes - availableBytes;
    const others = held > 0 ? ` (${formatBytes(held)} are held by other sequences)` : "";
    throw new KerfError(
      `Cannot run a prompt of ${work.nPrompt} tokens and ${nTokens} of answer in ` +
        `--kv-max ${formatBytes(this.limitBytes)}: the cache needs ${formatBytes(least)}${others}`,
      {
        hint: [
          `--kv-max ${Math.ceil((least + held) / 2 ** 20)}M`,
          "or a shorter prompt, a smaller -n, or a --prune with a higher ratio",
        ],
      },
    );
  }
}

/** The largest n in the range for which `fits` holds; it holds for the first and is monotone. */
function mostThatFit(range: { from: number; to: number }, fits: (n: number) => boolean): number {
  let { from, to } = range;
  while (from < to) {
    const middle = Math.ceil((from + to) / 2);
    if (fits(middle)) from = middle;
    else to = middle - 1;
  }
  return from;
}
