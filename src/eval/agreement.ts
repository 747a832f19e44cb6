/**
 * Output agreement: greedy tokens over the compressed cache against those over the full one, of the same
 * prompt. One different token changes the text behind it, so the length of the common beginning is given too.
 */

import type { EvalCase, Measured } from "./case.ts";

/** Tokens generated. */
const N_TOKENS = 128;

/** The case of a passage: its first tokens as they are. @param prompt P tokens */
export function agreementCase(
  passage: string,
  prompt: readonly number[],
): EvalCase<readonly number[]> {
  return {
    ...{ protocol: "agreement", tasks: ["agree"], passage, prompt },
    nFollowing: N_TOKENS,
    identity: N_TOKENS,
    isCompared: true,
    async measure(run, full): Promise<Measured<readonly number[]>> {
      const tokens = await run.greedy(run.promptLogits, N_TOKENS);
      const wanted = full ?? tokens;
      const same = tokens.map((id, i) => id === wanted[i]);
      const first = same.indexOf(false);
      const value = (metric: string, value: number) => ({ task: "agree", metric, value });
      return {
        values: [
          value("agree", same.filter(Boolean).length / N_TOKENS),
          value("common_prefix", first < 0 ? N_TOKENS : first),
        ],
        trace: wanted,
      };
    },
  };
}
