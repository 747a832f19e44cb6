/**
 * The work of an evaluation: every case on every spec, case by case, so that the specs of a case that was
 * reached can be paired. The full cache goes first where others are compared with it. What is known already
 * is not measured again; what does not fit a budget of time is left out, and named.
 */

import { sha256 } from "../core/hash.ts";
import type { EvalCase } from "./case.ts";
import { measureCase } from "./measure_case.ts";
import { Prefills } from "./prefills.ts";
import type { Prefiller } from "./prefills.ts";
import { resultKey } from "./results.ts";
import type { EvalResult } from "./results.ts";
import { TimeGuess } from "./time_guess.ts";
import type { EvalProgress } from "./time_guess.ts";

/** The full cache's spec. */
export const FULL = "none";

/** A spec, and the model under it once it is needed. */
export interface EvalSpec {
  /** In its shortest form. */
  readonly spec: string;
  readonly open: () => Promise<Prefiller>;
}

/** What to evaluate. */
export interface EvaluateOptions {
  /** Those asked for, in order. */
  readonly specs: readonly EvalSpec[];
  /** The full cache, whether or not it was asked for. */
  readonly full: EvalSpec;
  readonly cases: readonly EvalCase[];
  /** Results that need no measuring, by key. */
  readonly known?: ReadonlyMap<string, EvalResult>;
  /** Time for all of it. Default: as long as it takes. */
  readonly budgetMs?: number;
}

/** What happens on the way. */
export type EvalEvent =
  /** `isWanted`: its spec was asked for, and is not only what others are compared with. */
  | {
    readonly kind: "result";
    readonly result: EvalResult;
    readonly isKnown: boolean;
    readonly isWanted: boolean;
  }
  | EvalProgress
  /** A case that the budget leaves no time for. */
  | { readonly kind: "left-out"; readonly item: EvalCase };

/** A case with what there is to do of it. */
interface Work {
  readonly item: EvalCase;
  readonly caseSha256: string;
  readonly known: readonly EvalResult[];
  /** Specs to measure, the full cache first if others need it. */
  readonly runs: readonly EvalSpec[];
  /** Specs whose results are wanted. */
  readonly wanted: ReadonlySet<string>;
}

async function workOf(item: EvalCase, options: EvaluateOptions): Promise<Work> {
  const { specs, full, known = new Map<string, EvalResult>() } = options;
  const { protocol, passage, prompt, identity } = item;
  const caseSha256 = await sha256(JSON.stringify([protocol, passage, prompt, identity]));
  const knownOf = ({ spec }: EvalSpec) =>
    known.get(resultKey({ spec, protocol, passage, caseSha256 }));
  const todo = specs.filter((spec) => knownOf(spec) === undefined);
  const rest = todo.filter(({ spec }) => spec !== FULL);
  const runs = item.isCompared && todo.length > 0 ? [full, ...rest] : todo;
  return {
    ...{ item, caseSha256, runs },
    known: specs.map(knownOf).filter((result) => result !== undefined),
    wanted: new Set(todo.map(({ spec }) => spec)),
  };
}

/** Evaluates, yielding what happens. */
export async function* evaluate(options: EvaluateOptions): AsyncGenerator<EvalEvent, void> {
  const { cases, budgetMs = Infinity } = options;
  const startMs = performance.now();
  const works = await Promise.all(cases.map((item) => workOf(item, options)));
  for (const { known } of works) {
    for (const result of known) yield { kind: "result", result, isKnown: true, isWanted: true };
  }
  const total = works.reduce((sum, { runs }) => sum + runs.length, 0);
  let done = 0;
  const guess = new TimeGuess();
  const guessOf = ({ item, runs }: Work) => guess.of(item, runs.map(({ spec }) => spec)) ?? 0;
  for (const [at, work] of works.entries()) {
    const { item, caseSha256, runs, wanted } = work;
    const isLate = performance.now() - startMs + guessOf(work) > budgetMs;
    if (runs.length > 0 && isLate && done > 0) {
      done += runs.length;
      yield { kind: "left-out", item };
      continue;
    }
    const engines: Prefiller[] = [];
    for (const { open } of runs) engines.push(await open());
    const prefills = new Prefills(item.prompt, engines);
    let trace: unknown = null;
    for (const [i, { spec }] of runs.entries()) {
      const label = `${item.protocol} ${item.passage} · ${spec}`;
      const own = guess.of(item, runs.slice(i).map(({ spec }) => spec), i > 0);
      const later = works.slice(at + 1).reduce((sum, work) => sum + guessOf(work), 0);
      yield { kind: "progress", label, done, total, leftMs: own && own + later };
      const { measured, ...numbers } = await measureCase(engines[i]!, item, {
        prefills,
        full: trace,
      });
      if (spec === FULL) trace = measured.trace;
      guess.add(item, { spec, ...numbers }, i === 0);
      done++;
      const { values, series } = measured;
      const { protocol, passage, labels } = item;
      const place = { spec, protocol, passage, ...(labels ? { labels } : {}), caseSha256 };
      const result = { ...place, values, ...(series ? { series } : {}), ...numbers };
      yield { kind: "result", result, isKnown: false, isWanted: wanted.has(spec) };
    }
  }
}
