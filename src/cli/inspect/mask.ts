/** `inspect mask`: what compression keeps of a prompt, per layer and KV head. */

import { KerfError } from "../../core/error.ts";
import type { ParsedArgs } from "../args.ts";
import { loadWithProgress } from "../load_flags.ts";
import { askedOf } from "../prompt.ts";
import { openProgress, writeOut } from "../terminal.ts";

export async function inspect(args: ParsedArgs): Promise<number> {
  const { values } = args;
  const asked = await askedOf(args, "inspect mask");
  if (asked.kind !== "text") {
    throw new KerfError("Cannot show a mask: it takes one prompt", {
      hint: "deno task inspect mask --prune think -f tests/data/long.txt",
      exitCode: 2,
    });
  }
  using model = await loadWithProgress(values, openProgress(), { parallel: 1 });
  const options = {
    raw: values.raw === true,
    ...(values.sys === undefined ? {} : { system: values.sys as string }),
  };
  const layers = await model.mask(asked.text, options);
  if (values.json) {
    writeOut(JSON.stringify({ layers }) + "\n");
    return 0;
  }
  const { headDim } = model.loaded.config;
  writeOut(`${model.loaded.prune.spec}: one row per layer and KV head, █ a kept key channel\n`);
  for (const [layer, { heads }] of layers.entries()) {
    for (const [head, { keptChannels, keptChannelsPerRow, keptTokens }] of heads.entries()) {
      const kept = new Set(keptChannels ?? Array.from({ length: headDim }, (_, c) => c));
      const cells = Array.from({ length: headDim }, (_, c) => kept.has(c) ? "█" : "·").join("");
      const rows = keptTokens ? `, ${keptTokens.length} tokens` : "";
      const own = keptChannelsPerRow ? `, ${keptChannelsPerRow} of its own an older key` : "";
      writeOut(`${String(layer).padStart(3)}.${head} ${cells} ${kept.size}${own}${rows}\n`);
    }
  }
  return 0;
}
