/** What the study measures: runs of `deno task eval`, each with a file of results of its own. */

import type { Header } from "../../src/cli/inspect/header.ts";
import { specsAt } from "./specs.ts";

/** One run. */
export interface Cell {
  /** Of the results beside this file. */
  readonly file: string;
  /** Tokens of a prompt. */
  readonly nTokens: number;
  readonly flags: readonly string[];
  /** Where not all specs of the length are measured: which, or those that prompts of so many tokens have too. */
  readonly specs?: readonly string[] | number;
}

/** Tokens fed over a compressed prompt: with the longest prompt as many as the model knows positions. */
export const FED = 128;

/** The longest prompts: whatever is measured on them is measured on all others too. */
const LONGEST = 8064;

/** Chapters of Moby Dick by length: as many as the study had time for, and of which specs. */
const CHAPTERS: readonly (readonly [number, string, number?])[] = [
  [1024, "3,9,36,41"],
  [3072, "3,54,81", LONGEST],
  [4096, "3,54,81,41"],
  [LONGEST, "3,54"],
];

/** Lengths of prompts with needles; of the longest a few specs. */
const NEEDLES: readonly (readonly [number, (readonly string[])?])[] = [[1024], [4096], [LONGEST, [
  ...["none", "kivi:bits=4,residual=32", "think:ratio=0.5", "snapkv:budget=2000"],
  ...["tova:budget=6116+kivi:bits=4,residual=32", "think_bits:budget=0.24"],
  ...["think_bits:budget=0.1475", "tova:budget=5622+think_bits:budget=0.2"],
]]];

/** Where a length's divergence from the full cache is. */
export const continuationFile = (nTokens: number): string => `continuation_${nTokens}.jsonl`;

/** Where a length's needles are. */
export const needleFile = (nTokens: number): string => `needle_${nTokens}.jsonl`;

/** All runs. */
export const CELLS: readonly Cell[] = [
  ...CHAPTERS.map(([nTokens, chapters, specs]): Cell => ({
    ...{ file: continuationFile(nTokens), nTokens, ...(specs ? { specs } : {}) },
    flags: ["--task", "ppl,kl", "-p", `${nTokens}`, "-n", `${FED}`, "--chapters", chapters],
  })),
  ...NEEDLES.map(([nTokens, specs]): Cell => ({
    ...{ file: needleFile(nTokens), nTokens, ...(specs ? { specs } : {}) },
    flags: ["--task", "needle", "-c", `${nTokens}`, "--compress-after", "file"],
  })),
];

/** The words of a run's command, in the project's folder. */
export async function commandOf(
  { file, nTokens, flags, specs }: Cell,
  header: Header,
): Promise<string[]> {
  const all = typeof specs === "object" ? specs : await specsAt(header, nTokens, specs);
  return [
    ...["task", "eval", "--activations", "f32", ...flags, "--results", `bench/results/${file}`],
    ...all.flatMap((spec) => ["--prune", spec]),
  ];
}
