/**
 * The specs of the study: every variant and the compositions worth a look, each with one number left open,
 * which is solved so that the cache holds a budget of bytes at the end of a prompt. So specs of a budget are
 * compared at equal bytes, whatever the length. Specs without an open number stand at bytes of their own.
 */

import { designCache } from "../../src/cli/inspect/header.ts";
import type { Header } from "../../src/cli/inspect/header.ts";
import { cacheBytes } from "../../src/cli/inspect/sizes.ts";

/** A spec, in which ROWS, RATIO or BITS stands for the open number. */
interface Template {
  readonly template: string;
  /** Percent of the dense f16 cache; null: no number is open. */
  readonly budget: number | null;
  /** Prompts of at most so many tokens. */
  readonly longest: number;
}

const KIVI = "kivi:bits=4,residual=32";

/** What `leank` reads: made of a chapter that is none of the study's passages. */
const LEANK_FILE = ".cache/leank.safetensors";

/** The words of the command that makes it, for 75 % of the bytes. */
export const CALIBRATE = [
  ...["task", "calibrate", "--prune", "think", "--ratio", "0.52"],
  ...["-f", "tests/data/long.txt", "-o", LEANK_FILE],
];

/** Templates by budget, and by the longest prompt that they are measured on. */
const TABLE: readonly (readonly [number | null, number, readonly string[]])[] = [
  [null, 8192, [
    "none",
    KIVI,
    "kivi:bits=2,residual=32",
    "think:ratio=0.4+kivi:bits=2,residual=32",
    "spark:ratio=0.5",
    "think_bits:budget=0.12",
  ]],
  [null, 4096, ["think:ratio=0.7", "spark:ratio=0.8"]],
  [null, 1024, [
    "think_mass:mass=0.98",
    `leank:file=${LEANK_FILE}`,
    "rotated",
    "rotated:keyBits=2,valueBits=2",
    "think:ratio=0.4+rotated:keys=0",
    "massed:of=snapkv,mass=0.9,budget=1024",
    "thresholded:of=snapkv,share=0.05,budget=1024",
  ]],
  [75, 8192, ["think:ratio=RATIO"]],
  [75, 4096, ["think_values:ratio=RATIO"]],
  [75, 1024, [
    "think:ratio=RATIO+think_values:ratio=RATIO",
    "key_norm_channels:ratio=RATIO",
    "random_channels:ratio=RATIO",
  ]],
  [50, 4096, [
    "snapkv:budget=ROWS",
    "tova:budget=ROWS",
    "think:ratio=RATIO+think_values:ratio=RATIO",
  ]],
  [50, 1024, [
    "h2o:budget=ROWS,every=0",
    "streaming:budget=ROWS",
    "expected_attention:budget=ROWS",
    "key_norm:budget=ROWS",
    "key_diff:budget=ROWS",
    "snapkv:budget=ROWS+think:ratio=0.4",
  ]],
  [25, 8192, [
    "snapkv:budget=ROWS",
    "tova:budget=ROWS",
    `think:ratio=RATIO+${KIVI}`,
    `snapkv:budget=ROWS+${KIVI}`,
    `tova:budget=ROWS+${KIVI}`,
    "think_bits:budget=BITS",
  ]],
  [25, 4096, ["streaming:budget=ROWS", "key_norm:budget=ROWS", "key_diff:budget=ROWS"]],
  [25, 1024, [
    "h2o:budget=ROWS,every=0",
    "pyramidkv:budget=ROWS",
    "expected_attention:budget=ROWS",
    "adakv:of=snapkv,budget=ROWS",
    "chunkkv:of=snapkv,budget=ROWS",
    "think:ratio=RATIO+think_values:ratio=RATIO",
    "snapkv:budget=ROWS+think:ratio=0.4",
  ]],
  [16, 8192, [
    `snapkv:budget=ROWS+${KIVI}`,
    `tova:budget=ROWS+${KIVI}`,
    `tova:budget=ROWS+think:ratio=0.4+${KIVI}`,
    "think_bits:budget=BITS",
    "snapkv:budget=ROWS+think_bits:budget=0.2",
    "tova:budget=ROWS+think_bits:budget=0.2",
  ]],
  [16, 1024, ["snapkv:budget=ROWS", "tova:budget=ROWS", "streaming:budget=ROWS"]],
  [12, 8192, [
    "snapkv:budget=ROWS",
    "tova:budget=ROWS",
    `snapkv:budget=ROWS+${KIVI}`,
    `tova:budget=ROWS+${KIVI}`,
    `tova:budget=ROWS+think:ratio=0.4+${KIVI}`,
    "think_bits:budget=BITS",
    "snapkv:budget=ROWS+think_bits:budget=0.16",
    "tova:budget=ROWS+think_bits:budget=0.16",
  ]],
  [12, 1024, ["streaming:budget=ROWS"]],
];

const TEMPLATES: readonly Template[] = TABLE.flatMap(([budget, longest, templates]) =>
  templates.map((template) => ({ template, budget, longest }))
);

const range = (from: number, to: number, step: number) =>
  Array.from(
    { length: Math.round((to - from) / step) + 1 },
    (_, i) => Number((from + i * step).toFixed(4)),
  );

/** Values that an open number may take, in the order of what they keep. */
const OPEN: Readonly<Record<string, (nTokens: number) => readonly number[]>> = {
  ROWS: (nTokens) => range(Math.ceil(nTokens / 10), nTokens, 1),
  RATIO: () => range(0.05, 0.95, 0.005).reverse(),
  BITS: () => range(0.08, 0.28, 0.0025),
};

/** How far a spec may be from its budget, in percent of dense: above, below. */
const [ABOVE, BELOW] = [0.2, 1.6];

/** Rows that wait to be coded come and go with the number: so far around it bytes are not in order. */
const AROUND = 72;

/** A template with its number: of those that meet the budget the one that keeps most; null: none does. */
async function solve(
  header: Header,
  { template, budget }: { readonly template: string; readonly budget: number },
  nTokens: number,
): Promise<string | null> {
  const name = Object.keys(OPEN).find((name) => template.includes(name))!;
  const specOf = (number: number) => template.replaceAll(name, String(number));
  const bytesOf = async (prune: string) =>
    cacheBytes(header.config, await designCache(header, { prune, c: nTokens }), nTokens);
  const dense = await bytesOf("none");
  const percentOf = async (number: number) => 100 * await bytesOf(specOf(number)) / dense;
  const numbers = OPEN[name]!(nTokens);
  let [low, high] = [0, numbers.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (await percentOf(numbers[middle]!) >= budget) high = middle;
    else low = middle + 1;
  }
  for (const number of numbers.slice(Math.max(0, low - AROUND), low + AROUND).toReversed()) {
    const percent = await percentOf(number);
    if (percent <= budget + ABOVE && percent >= budget - BELOW) return specOf(number);
  }
  return null;
}

/**
 * The specs for prompts of a length; those that cannot be as small as their budget are left out.
 *
 * @param reach only those that are also measured on prompts of so many tokens
 */
export async function specsAt(
  header: Header,
  nTokens: number,
  reach = nTokens,
): Promise<string[]> {
  const specs: string[] = [];
  for (const { template, budget, longest } of TEMPLATES) {
    if (reach > longest) continue;
    const spec = budget === null ? template : await solve(header, { template, budget }, nTokens);
    if (spec !== null) specs.push(spec);
  }
  return specs;
}
