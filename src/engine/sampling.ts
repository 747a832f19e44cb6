/**
 * From logits to a token: repetition penalty, then top-k, top-p, min-p and temperature, in llama.cpp's
 * order. Ties go to the lower id, so greedy decoding and a seeded run are repeatable. The only
 * arithmetic that the engine does itself.
 */

import { KerfError } from "../core/error.ts";
import { argmax } from "./argmax.ts";
import { randomSource } from "./random.ts";

/** How a token is chosen. Absent fields are off, except `temperature`, whose default is 0: greedy. */
export interface SamplingOptions {
  /** Divides the logits; 0 takes the likeliest. */
  readonly temperature?: number;
  /** Sample among this many of the likeliest; 0: all. */
  readonly topK?: number;
  /** … among the likeliest whose mass reaches this. */
  readonly topP?: number;
  /** … among those at least this share as likely as the likeliest. */
  readonly minP?: number;
  /** Divides positive logits of recent tokens and multiplies negative ones; 1: off. */
  readonly repeatPenalty?: number;
  readonly seed?: number;
}

/** Tokens that may still be drawn, likeliest first, with their probabilities. */
export interface Distribution {
  readonly ids: readonly number[];
  readonly probabilities: readonly number[];
}

/** How far back the repetition penalty looks: llama.cpp's default. */
export const REPEAT_LAST_N = 64;

/**
 * Refuses options out of range.
 *
 * @throws {KerfError} exit code 2, naming the flag
 */
export function checkSampling(options: SamplingOptions): void {
  const rules: [keyof SamplingOptions, string, (x: number) => boolean, string, number][] = [
    ["temperature", "--temp", (x) => x >= 0, "0 or more", 0.8],
    ["topK", "--top-k", (x) => x >= 0 && Number.isInteger(x), "a whole number, 0 or more", 40],
    ["topP", "--top-p", (x) => x > 0 && x <= 1, "above 0 and at most 1", 0.95],
    ["minP", "--min-p", (x) => x >= 0 && x <= 1, "from 0 to 1", 0.05],
    ["repeatPenalty", "--repeat-penalty", (x) => x > 0, "above 0", 1.1],
    ["seed", "--seed", (x) => Number.isInteger(x), "a whole number", 1],
  ];
  for (const [key, flag, allowed, range, usual] of rules) {
    const value = options[key];
    if (value !== undefined && !(Number.isFinite(value) && allowed(value))) {
      throw new KerfError(`Cannot sample with ${flag} ${value}: it must be ${range}`, {
        hint: `${flag} ${usual}`,
        exitCode: 2,
      });
    }
  }
}

/** The largest `k` of `ids` by their logits, largest first, equal ones by id. */
function topIds(logits: Float32Array, ids: Uint32Array, k: number): number[] {
  const order = (a: number, b: number) => logits[b]! - logits[a]! || a - b;
  if (k > REPEAT_LAST_N * 4) return Array.from(ids.sort(order).subarray(0, k));
  // For the usual small k one pass with a sorted shortlist beats sorting the vocabulary.
  const top: number[] = [];
  for (const id of ids) {
    if (top.length === k && logits[id]! <= logits[top[k - 1]!]!) continue;
    let at = top.length;
    while (at > 0 && logits[top[at - 1]!]! < logits[id]!) at--;
    top.splice(at, 0, id);
    if (top.length > k) top.pop();
  }
  return top;
}

/**
 * Ids that top-p and min-p may keep where top-k keeps all. All that are less likely than (1 − topP) / nVocab
 * weigh less than 1 − topP together, so they are behind the cut: sorting the vocabulary takes longer than a
 * small model's step, and few are likelier.
 */
function likelyIds(
  logits: Float32Array,
  { topP, minP }: { readonly topP: number; readonly minP: number },
): { readonly ids: Uint32Array; readonly total: number } {
  const largest = logits[argmax(logits)]!;
  let total = 0;
  for (const logit of logits) total += Math.exp(logit - largest);
  const least = Math.max(minP, (1 - topP) * total / logits.length);
  // Half of it, so that no rounding matters.
  const lowest = largest + Math.log(least / 2);
  const ids = new Uint32Array(logits.length);
  let n = 0;
  for (let id = 0; id < logits.length; id++) if (logits[id]! >= lowest) ids[n++] = id;
  return { ids: ids.subarray(0, n), total };
}

const weights = (logits: readonly number[]) => logits.map((x) => Math.exp(x - logits[0]!));

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/**
 * What may be drawn from `logits`, after every filter.
 *
 * @param logits f32 [nVocab]; not changed
 * @param options `temperature` must be above 0
 */
export function distribution(logits: Float32Array, options: SamplingOptions): Distribution {
  const { temperature = 0, topK = 0, topP = 1, minP = 0 } = options;
  const all = topK === 0 || topK >= logits.length;
  const likely = all
    ? likelyIds(logits, { topP, minP })
    : { ids: Uint32Array.from(logits.keys()), total: null };
  let ids = topIds(logits, likely.ids, all ? likely.ids.length : topK);
  const before = weights(ids.map((id) => logits[id]!));
  let keep = ids.length;
  if (topP < 1) {
    const enough = topP * (likely.total ?? sum(before));
    let mass = 0;
    keep = before.findIndex((weight) => (mass += weight) >= enough) + 1 || ids.length;
  }
  if (minP > 0) {
    const below = before.findIndex((weight) => weight < minP);
    if (below >= 0) keep = Math.min(keep, below);
  }
  ids = ids.slice(0, keep);
  const after = weights(ids.map((id) => logits[id]! / temperature));
  const total = sum(after);
  return { ids, probabilities: after.map((weight) => weight / total) };
}

/** Logits with the repetition penalty applied to every token of `recent`, once each. */
export function penalise(
  logits: Float32Array,
  recent: readonly number[],
  penalty: number,
): Float32Array {
  const out = Float32Array.from(logits);
  for (const id of new Set(recent)) {
    out[id] = out[id]! > 0 ? out[id]! / penalty : out[id]! * penalty;
  }
  return out;
}

/** Whether the choice is always the largest logit as it is: then no sampler has to see the others. */
export const isGreedy = ({ temperature = 0, repeatPenalty = 1 }: SamplingOptions): boolean =>
  temperature === 0 && repeatPenalty === 1;

/** Chooses tokens one by one; each sequence has its own. */
export type Sampler = (logits: Float32Array, previous: readonly number[]) => number;

/**
 * Makes a sampler.
 *
 * @throws {KerfError} exit code 2: an option is out of range
 * @example
 * ```ts
 * import { sampler } from "./sampling.ts";
 * const greedy = sampler({ temperature: 0 });
 * if (greedy(Float32Array.of(1, 3, 3), []) !== 1) throw new Error("wrong");
 * ```
 */
export function sampler(options: SamplingOptions): Sampler {
  checkSampling(options);
  const { temperature = 0, repeatPenalty = 1, seed = 0 } = options;
  const random = randomSource(seed);
  return (logits, previous) => {
    const weighed = repeatPenalty === 1
      ? logits
      : penalise(logits, previous.slice(-REPEAT_LAST_N), repeatPenalty);
    if (temperature === 0) return argmax(weighed);
    const { ids, probabilities } = distribution(weighed, options);
    let rest = random();
    const drawn = probabilities.findIndex((p) => (rest -= p) < 0);
    return ids.at(drawn)!;
  };
}
