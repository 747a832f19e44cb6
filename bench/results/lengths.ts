/** What was measured at one length of prompts, one entry a spec. */

import type { EvalSummary } from "../../src/eval/mod.ts";
import { continuationFile, needleFile } from "./cells.ts";
import { familyOf } from "./families.ts";
import { readLines, summaryOf } from "./read.ts";

/** A mean with its interval. */
export type Number95 = Pick<EvalSummary, "mean" | "low" | "high" | "n">;

/** A spec's numbers; what was not measured is not there. */
export interface SpecNumbers {
  readonly spec: string;
  readonly family: string;
  /** Stored bytes, percent of dense. */
  readonly percent: number;
  /** `kl`, `top1` and `dnll` of passages, `needle` and `answer_nll` of prompts. */
  readonly metrics: ReadonlyMap<string, Number95>;
}

/** A length's numbers, in the order in which specs were asked for. */
export interface Length {
  readonly nTokens: number;
  readonly specs: readonly SpecNumbers[];
}

const PROTOCOLS = [
  ["continuation", continuationFile],
  ["needle after context", needleFile],
] as const;

/** Reads a length. @param folder with the results, a file URL */
export function readLength(folder: URL, nTokens: number): Length {
  const found = new Map<string, { percent: number; metrics: Map<string, Number95> }>();
  for (const [protocol, fileOf] of PROTOCOLS) {
    const { summary } = summaryOf(readLines(new URL(fileOf(nTokens), folder)), protocol);
    for (const { spec, metric, storedBytes, denseBytes, mean, low, high, n } of summary) {
      const own = found.get(spec) ??
        { percent: 100 * storedBytes / denseBytes, metrics: new Map() };
      own.metrics.set(metric, { mean, low, high, n });
      found.set(spec, own);
    }
  }
  return {
    nTokens,
    specs: [...found].map(([spec, own]) => ({ spec, family: familyOf(spec), ...own })),
  };
}
