/** The flags of `run`: what llama.cpp's users expect, and pruning. */

import type { Command } from "./command.ts";
import { JSON_FLAG, MODEL, PROMPT, PRUNE } from "./shared.ts";

/** Answer a prompt. */
export const RUN: Command = {
  name: "run",
  summary: "answer a prompt",
  usage: "run [flags] [PROMPT…]",
  example: 'deno task run --prune think:ratio=0.5 "What is the capital of France?"',
  flags: [
    ...MODEL,
    PRUNE,
    ...PROMPT,
    {
      name: "n",
      aliases: ["predict"],
      kind: "integer",
      value: "N",
      help: "tokens to generate at most (default -1: until the model stops or the context is full)",
    },
    { name: "temp", kind: "number", value: "T", help: "temperature; 0 is greedy (default 0)" },
    {
      name: "top-k",
      kind: "integer",
      value: "K",
      help: "sample among the K likeliest (40; 0: all)",
    },
    { name: "top-p", kind: "number", value: "P", help: "… among the likeliest of mass P (0.95)" },
    {
      name: "min-p",
      kind: "number",
      value: "P",
      help: "… at least P times the likeliest (0.05)",
    },
    { name: "repeat-penalty", kind: "number", value: "X", help: "divide repeats by X (1: off)" },
    { name: "s", aliases: ["seed"], kind: "integer", value: "N", help: "seed of the sampling" },
    { name: "kv-max", kind: "size", value: "SIZE", help: "hard limit of the cache, e.g. 64M" },
    {
      name: "compress-after",
      kind: "text",
      value: "file",
      choices: ["file"],
      help: "compress the cache after the file, before the prompt",
    },
    {
      name: "ub",
      aliases: ["ubatch-size"],
      kind: "integer",
      value: "N",
      help: "prefill chunk (512)",
    },
    JSON_FLAG,
    {
      name: "stats",
      kind: "switch",
      help: "statistics on standard error also with --json or -q",
    },
    {
      name: "q",
      aliases: ["quiet"],
      kind: "switch",
      help: "nothing but errors on standard error",
    },
  ],
};
