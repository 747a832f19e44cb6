/**
 * How much a budget matters to each layer or head: one of them is compressed, all others keep everything, and
 * the divergence from the full cache over the tokens that follow is what it costs. One prefill of a passage
 * serves all its measurements. Chooses nothing.
 *
 *     Ω_u(n) = mean over passages and positions of KL(p ‖ p_{u,n})
 *
 * with p the full cache's distribution and p_{u,n} that of the cache in which unit u keeps n, as ZeroQ measures
 * how sensitive layers are to their bits (arXiv:2001.00281, section 3.2).
 */

import { sha256 } from "../core/hash.ts";
import { setBudgets } from "../engine/set_budgets.ts";
import type { CaseLabels } from "./case.ts";
import { continuationCase } from "./continuation.ts";
import type { ContinuationTrace } from "./continuation.ts";
import { Prefills } from "./prefills.ts";
import type { FilledSlot, Prefiller } from "./prefills.ts";
import type { Passage } from "./passages.ts";
import { resultKey } from "./results.ts";
import type { EvalResult } from "./results.ts";
import { CompressedRun } from "./run.ts";
import type { EvalProgress } from "./time_guess.ts";

/** Heads that are compressed together, all to the same count. */
export interface HeadUnit {
  readonly labels: CaseLabels;
  /** layer · nKvHeads + KV head. */
  readonly heads: readonly number[];
}

/** What is measured: a unit that keeps so many. */
export interface BudgetPoint {
  readonly unit: HeadUnit;
  readonly kept: number;
}

/** What to measure, on what. */
export interface SensitivityOptions {
  /** Made with counts of its own (`withPrune`'s). */
  readonly prefiller: Prefiller;
  /** Its results' name. */
  readonly spec: string;
  /** P + T + 1 tokens each. */
  readonly passages: readonly Passage[];
  /** P */
  readonly nPrompt: number;
  readonly points: readonly BudgetPoint[];
  /** What a head keeps that keeps everything. */
  readonly everything: number;
  /** Results that need no measuring, by key. */
  readonly known: ReadonlyMap<string, EvalResult>;
}

/** What happens on the way. */
export type SensitivityEvent =
  | {
    readonly kind: "result";
    readonly point: BudgetPoint;
    readonly result: EvalResult;
    readonly isKnown: boolean;
  }
  | EvalProgress;

/** Every layer, or every KV head of every layer, in their order. */
export function headUnits(
  { nLayers, nKvHeads }: { readonly nLayers: number; readonly nKvHeads: number },
  per: "layer" | "head",
): HeadUnit[] {
  if (per === "head") {
    return Array.from({ length: nLayers * nKvHeads }, (_, head) => ({
      labels: { layer: Math.floor(head / nKvHeads), kvHead: head % nKvHeads },
      heads: [head],
    }));
  }
  return Array.from({ length: nLayers }, (_, layer) => ({
    labels: { layer },
    heads: Array.from({ length: nKvHeads }, (_, i) => layer * nKvHeads + i),
  }));
}

const PROTOCOL = "sensitivity";

/** One measurement of one passage. */
interface Work {
  readonly point: BudgetPoint;
  readonly place: Pick<EvalResult, "spec" | "protocol" | "passage" | "caseSha256">;
}

async function worksOf(
  { spec, points, nPrompt }: SensitivityOptions,
  { name, tokens }: Passage,
): Promise<Work[]> {
  const text = await sha256(JSON.stringify([PROTOCOL, nPrompt, tokens]));
  return await Promise.all(points.map(async (point) => {
    const caseSha256 = await sha256(JSON.stringify([text, point.unit.heads, point.kept]));
    return { point, place: { spec, protocol: PROTOCOL, passage: name, caseSha256 } };
  }));
}

/** Measures every point on every passage, yielding what happens. */
export async function* measureSensitivity(
  options: SensitivityOptions,
): AsyncGenerator<SensitivityEvent, void> {
  const { prefiller, passages, nPrompt, points, known } = options;
  const total = points.length * passages.length;
  let [done, measured, spentMs] = [0, 0, 0];
  const todo: { readonly passage: Passage; readonly works: readonly Work[] }[] = [];
  for (const passage of passages) {
    const works = await worksOf(options, passage);
    for (const { point, place } of works) {
      const result = known.get(resultKey(place));
      if (!result) continue;
      done++;
      yield { kind: "result", point, result, isKnown: true };
    }
    todo.push({ passage, works: works.filter(({ place }) => !known.has(resultKey(place))) });
  }
  for (const { passage, works } of todo) {
    if (works.length === 0) continue;
    // It asks again and again, so the prefill is kept.
    const prefills = new Prefills(passage.tokens.slice(0, nPrompt), [prefiller, prefiller]);
    const item = continuationCase(passage.name, passage.tokens, nPrompt);
    let trace: ContinuationTrace | null = null;
    for (const { point, place } of works) {
      const { labels } = point.unit;
      const label = Object.entries(labels).map(([name, value]) => `${name} ${value}`).join(" ");
      const leftMs = measured === 0 ? null : (total - done) * spentMs / measured;
      yield {
        ...{ kind: "progress", done, total, leftMs },
        label: `${passage.name} · ${label} keeps ${point.kept}`,
      };
      const startMs = performance.now();
      const measure = async (kept: Uint32Array, full: ContinuationTrace | null) => {
        setBudgets(prefiller.engine, kept);
        return await inSlot(prefiller, await prefills.open(prefiller), async (run) => ({
          ...await item.measure(run, full),
          ...run.bytes,
        }));
      };
      trace ??= (await measure(countsOf(options, null), null)).trace;
      const prefillMs = performance.now() - startMs;
      const { values, storedBytes, denseBytes } = await measure(countsOf(options, point), trace);
      const ms = performance.now() - startMs;
      spentMs += ms;
      measured++;
      done++;
      const result = {
        ...{ ...place, labels: { ...labels, kept: point.kept } },
        values: values.map(({ metric, value }) => ({ task: PROTOCOL, metric, value })),
        ...{ storedBytes, denseBytes, decodeTokensPerSecond: null },
        ...{ prefillMs, compressMs: 0, measureMs: ms - prefillMs },
      };
      yield { kind: "result", point, result, isKnown: false };
    }
  }
}

/** What heads keep where a point's do so; null: all keep everything. */
function countsOf(
  { prefiller: { engine }, everything }: SensitivityOptions,
  point: BudgetPoint | null,
): Uint32Array {
  const kept = new Uint32Array(engine.cache.nHeadsPerSlot).fill(everything);
  for (const head of point?.unit.heads ?? []) kept[head] = point!.kept;
  return kept;
}

/** Compresses a filled slot, uses it, closes it. */
async function inSlot<T>(
  { engine }: Prefiller,
  { slot, logits }: FilledSlot,
  use: (run: CompressedRun) => Promise<T>,
): Promise<T> {
  try {
    await engine.compress(slot);
    return await use(new CompressedRun(engine, slot, logits, { timedRows: 0 }));
  } finally {
    engine.cache.closeSlot(slot);
  }
}
