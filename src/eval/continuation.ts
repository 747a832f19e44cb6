/**
 * Continuation: P tokens are prefilled with the full cache, the cache is compressed once, the T tokens that
 * follow are fed over it, each predicting the next one. Gives the tasks `ppl` and `kl`.
 *
 * With p the full cache's distribution and q the compressed one's at a position, in nats:
 *
 *     nll   mean of −log q(next)        ppl = e^nll        dnll = nll − the full cache's nll
 *     kl    mean of Σ p (log p − log q)         top1  share of positions where argmax p = argmax q
 *
 * KL and the same-top share are llama.cpp's `--kl-divergence` measures; what is scored after the cut is as in
 * Kerf's reference data.
 */

import type { EvalCase, Measured } from "./case.ts";
import { compareRows } from "./distribution.ts";
import { mean, quantile } from "./statistics.ts";

/** Digits of a series: what a report can show. */
const SERIES_DIGITS = 5;

/** What the full cache gave: logits f32 [nVocab] at every position, and their mean NLL. */
export interface ContinuationTrace {
  readonly logits: readonly Float32Array[];
  readonly nll: number;
}

/**
 * llama-perplexity's case of a chunk of n_ctx tokens: the second half is scored, at positions n_ctx / 2 to
 * n_ctx − 2, each predicting the next token. What is pruned is the first half.
 */
export function chunkCase(passage: string, tokens: readonly number[]): EvalCase<ContinuationTrace> {
  const one = continuationCase(passage, tokens, Math.floor(tokens.length / 2));
  return {
    ...one,
    ...{ protocol: "chunks", tasks: ["llama-ppl"] },
    async measure(run, full) {
      const { values, trace } = await one.measure(run, full);
      const own = values.filter(({ task }) => task === "ppl");
      return { values: own.map((value) => ({ ...value, task: "llama-ppl" })), trace };
    },
  };
}

/**
 * The case of one passage.
 *
 * @param tokens P + T + 1 of them
 * @param nPrompt P
 */
export function continuationCase(
  passage: string,
  tokens: readonly number[],
  nPrompt: number,
): EvalCase<ContinuationTrace> {
  const prompt = tokens.slice(0, nPrompt);
  const fed = tokens.slice(nPrompt, -1);
  return {
    ...{ protocol: "continuation", tasks: ["ppl", "kl"], passage, prompt },
    nFollowing: fed.length,
    identity: tokens.slice(nPrompt),
    isCompared: true,
    async measure(run, full): Promise<Measured<ContinuationTrace>> {
      const logits: Float32Array[] = [];
      const rows: ReturnType<typeof compareRows>[] = [];
      for await (const row of run.force(fed)) {
        const i = rows.length;
        rows.push(compareRows(full?.logits[i] ?? row, row, tokens[nPrompt + i + 1]!));
        if (full === null) logits.push(row);
      }
      const nll = mean(rows.map((row) => row.nll));
      const kls = rows.map((row) => row.kl);
      const value = (task: string, metric: string, value: number) => ({ task, metric, value });
      return {
        values: [
          value("ppl", "nll", nll),
          value("ppl", "ppl", Math.exp(nll)),
          value("ppl", "dnll", nll - (full?.nll ?? nll)),
          value("kl", "kl", mean(kls)),
          value("kl", "top1", mean(rows.map((row) => Number(row.isSameTop)))),
          ...[50, 90, 99].map((p) => value("kl", `kl_p${p}`, quantile(kls, p / 100))),
        ],
        series: { kl: kls.map((kl) => Number(kl.toFixed(SERIES_DIGITS))) },
        trace: full ?? { logits, nll },
      };
    },
  };
}
