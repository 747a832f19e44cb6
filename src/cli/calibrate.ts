/**
 * `deno task calibrate`: what a variant's channel scores say over a text, as a file that variants with static
 * channels read: `importance` f32 [nLayers, nKvHeads, headDim] and `widths` u32 [nLayers, nKvHeads].
 */

import { counted } from "../core/counted.ts";
import { KerfError } from "../core/error.ts";
import { encodeSafetensors } from "../model/mod.ts";
import { refuseWords } from "./args.ts";
import type { ParsedArgs } from "./args.ts";
import { channelShares, headWidths } from "./calibrate/static_channels.ts";
import { loadWithProgress } from "./load_flags.ts";
import { runCommandLine } from "./main.ts";
import { readUserFile } from "./prompt.ts";
import { openProgress, writeOut } from "./terminal.ts";
import { outputPath, writeWhole } from "./write_whole.ts";

const EXAMPLE =
  "deno task calibrate --prune think:ratio=0.5 -f tests/data/long.txt -o channels.safetensors";

/** Shorter ends of a text say little. */
const FEWEST_TOKENS = 64;

/** A number between two others, or an error that names the flag. */
function within(values: ParsedArgs["values"], name: string, [low, usual, high]: readonly number[]) {
  const value = (values[name] ?? usual) as number;
  if (value >= low! && value <= high!) return value;
  throw new KerfError(`Cannot use --${name} ${value}: it is from ${low} to ${high}`, {
    hint: `--${name} ${usual}`,
    exitCode: 2,
  });
}

/** Token ids in passages of at most `length`. */
function passagesOf(tokens: readonly number[], length: number): number[][] {
  const count = Math.ceil(tokens.length / length);
  return Array.from({ length: count }, (_, i) => tokens.slice(i * length, (i + 1) * length))
    .filter((passage) => passage.length >= Math.min(FEWEST_TOKENS, length));
}

export async function main({ values, positionals }: ParsedArgs): Promise<number> {
  refuseWords("calibrate", positionals);
  const ratio = within(values, "ratio", [0, 0.5, 0.95]);
  const floor = within(values, "floor", [0, 0.25, 1]);
  const length = within(values, "p", [1, 1024, Number.MAX_SAFE_INTEGER]);
  const multiple = within(values, "multiple", [1, 1, 1024]);
  const needed = { prune: "a variant whose scores count", f: "a text", o: "a file to write" };
  for (const [name, what] of Object.entries(needed)) {
    if (values[name] !== undefined) continue;
    throw new KerfError(`Cannot calibrate without ${what}`, { hint: EXAMPLE, exitCode: 2 });
  }
  const [files, output] = [values.f as readonly string[], String(values.o)];
  const outputFile = await outputPath(output);
  const texts = files.map(readUserFile);
  const drawer = openProgress();
  using model = await loadWithProgress(values, drawer, { parallel: 1 });
  const { nLayers, nKvHeads, headDim } = model.loaded.config;
  const passages = texts.flatMap((text) => passagesOf(model.tokenize(text, { raw: true }), length));
  if (passages.length === 0) {
    throw new KerfError(`Cannot calibrate on fewer than ${FEWEST_TOKENS} tokens`, {
      hint: "give a longer text: -f FILE",
    });
  }
  const scores: Float32Array[] = [];
  for (const [i, tokens] of passages.entries()) {
    drawer.draw({ label: "passages", done: i, total: passages.length, unit: "count" });
    scores.push(await model.channelScores({ tokens }));
  }
  drawer.end();
  const sizes = { nHeads: nLayers * nKvHeads, headDim };
  const importance = channelShares(scores, sizes);
  const widths = headWidths(importance, sizes, { ratio, floor, multiple });
  const tables = {
    importance: { type: "F32", shape: [nLayers, nKvHeads, headDim], data: importance },
    widths: { type: "U32", shape: [nLayers, nKvHeads], data: widths },
  } as const;
  const metadata = { scores: model.loaded.prune.spec, ratio: String(ratio) };
  await writeWhole(outputFile, encodeSafetensors(tables, metadata));
  const total = widths.reduce((sum, width) => sum + width, 0);
  writeOut(
    `${output}: ${counted(passages.length, "passage")}, ${total} of ${
      nLayers * nKvHeads * headDim
    } channels, ` +
      `${Math.min(...widths)} to ${Math.max(...widths)} a head\n`,
  );
  return 0;
}

if (import.meta.main) Deno.exit(await runCommandLine(Deno.args, { main }));
