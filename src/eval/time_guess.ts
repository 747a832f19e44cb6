/**
 * How long what is left of an evaluation will take, from what was measured of it: the prefill of a case, which
 * its specs share, and what each spec adds. Corrects itself with every result.
 */

import type { EvalCase } from "./case.ts";
import type { EvalResult } from "./results.ts";

/** Something is about to be measured; `leftMs` is a guess, null: there is nothing to guess from. */
export interface EvalProgress {
  readonly kind: "progress";
  readonly label: string;
  readonly done: number;
  readonly total: number;
  readonly leftMs: number | null;
}

type Times = Pick<EvalResult, "spec" | "prefillMs" | "compressMs" | "measureMs">;

/** A time and the tokens that it was for. */
interface Sum {
  readonly ms: number;
  readonly tokens: number;
}

const tokensOf = ({ prompt, nFollowing }: EvalCase): number => prompt.length + nFollowing;

/** Guesses by the token: of a spec in a protocol, or as far as that is unknown of what is most like it. */
export class TimeGuess {
  readonly #sums = new Map<string, Sum>();

  #add(key: string, ms: number, tokens: number): void {
    const sum = this.#sums.get(key) ?? { ms: 0, tokens: 0 };
    this.#sums.set(key, { ms: sum.ms + ms, tokens: sum.tokens + tokens });
  }

  #rate(...keys: readonly string[]): number | null {
    const sum = keys.map((key) => this.#sums.get(key)).find((sum) => sum !== undefined);
    return sum ? sum.ms / sum.tokens : null;
  }

  /** @param isFirst whether it is the first of its case, which prefills */
  add(item: EvalCase, { spec, prefillMs, compressMs, measureMs }: Times, isFirst: boolean): void {
    this.#add("prefill", prefillMs, isFirst ? item.prompt.length : 0);
    for (const key of [`${item.protocol} ${spec}`, item.protocol, ""]) {
      this.#add(key, compressMs + measureMs, tokensOf(item));
    }
  }

  /**
   * What specs of a case will take, in milliseconds; null: nothing was measured.
   *
   * @param isBegun whether it is prefilled
   */
  of(item: EvalCase, specs: readonly string[], isBegun = false): number | null {
    const prefill = this.#rate("prefill");
    if (prefill === null) return null;
    const { protocol } = item;
    return specs.reduce(
      (ms, spec) => ms + tokensOf(item) * this.#rate(`${protocol} ${spec}`, protocol, "")!,
      isBegun ? 0 : prefill * item.prompt.length,
    );
  }
}
