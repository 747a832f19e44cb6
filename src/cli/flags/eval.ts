/** The flags of what measures quality: `eval`, and `eval calibrate`. */

import type { Command, Flag } from "./command.ts";
import { JSON_FLAG, MODEL, PASSAGES_FLAG, PREFILL_FLAG, PRUNE } from "./shared.ts";

const REPORT_FLAG: Flag = {
  name: "report",
  kind: "path-out",
  value: "FILE.html",
  help: "write charts and tables as one page",
};

/** Measure what pruning costs. */
export const EVAL: Command = {
  name: "eval",
  summary: "measure what pruning costs in quality, bytes and speed",
  usage: "eval [flags]",
  example: "deno task eval --prune none --prune think:ratio=0.3..0.7/0.2 --task ppl,kl",
  flags: [
    ...MODEL.filter((flag) => flag.name !== "c"),
    { ...PRUNE, repeat: true, help: `${PRUNE.help}; may be repeated, and swept: 0.3..0.7/0.1` },
    {
      name: "task",
      kind: "text",
      value: "NAME,…",
      help:
        "ppl, kl (default both), agree, llama-ppl, needle, single-key, multi-key, multi-value, " +
        "multi-query, variables, common-words, frequent-words, lookup",
    },
    {
      name: "c",
      aliases: ["ctx-size"],
      kind: "integers",
      value: "N,…",
      help: "tokens of prompts with needles (1024) and of llama-ppl's chunks (512)",
    },
    {
      name: "questions",
      kind: "path-in",
      value: "FILE.jsonl",
      repeat: true,
      help: "questions of your own, {context, question, answer} a line; may be repeated",
    },
    {
      name: "compress-after",
      kind: "text",
      value: "file",
      choices: ["file"],
      help: "the question arrives after compression: it is no part of what is compressed",
    },
    PREFILL_FLAG,
    { name: "n", kind: "integer", value: "T", help: "tokens fed over what is compressed (256)" },
    PASSAGES_FLAG,
    {
      name: "chapters",
      kind: "integers",
      value: "N,…",
      help:
        "chapters of Moby Dick that passages begin with (3,9,36,41,48,54,64,81; 3,54,81 if long)",
    },
    { name: "s", aliases: ["seed"], kind: "integer", value: "N", help: "seed of resampling (1)" },
    {
      name: "budget",
      kind: "text",
      value: "TIME",
      help: "measure what fits, e.g. 10m, and say what does not",
    },
    {
      name: "results",
      kind: "path-out",
      value: "FILE.jsonl",
      help: "append results here, and go on from those there (default in the cache)",
    },
    REPORT_FLAG,
    { name: "fresh", kind: "switch", help: "measure again what is there already" },
    JSON_FLAG,
  ],
};

/** Measure what a budget means to each layer or head. */
export const EVAL_CALIBRATE: Command = {
  name: "eval calibrate",
  summary: "measure what a budget means to each layer or head, and share it out",
  usage: "eval calibrate --prune SPEC -o FILE.json [flags]",
  example: "deno task eval calibrate --prune think:ratio=0.5 -o think.json",
  flags: [
    ...MODEL.filter((flag) => flag.name !== "c").map((flag) =>
      flag.name === "activations"
        ? { ...flag, help: "arithmetic of the matrix products (f32: heads differ by little)" }
        : flag
    ),
    { ...PRUNE, help: "one variant with a budget, e.g. think:ratio=0.5 or snapkv:budget=256" },
    { name: "o", kind: "path-out", value: "FILE.json", help: "the file to write" },
    {
      name: "per",
      kind: "text",
      value: "UNIT",
      choices: ["layer", "head"],
      help: "what gets a budget of its own: layer, or head (default, where heads choose)",
    },
    PREFILL_FLAG,
    { name: "n", kind: "integer", value: "T", help: "tokens fed over what is compressed (32)" },
    PASSAGES_FLAG,
    {
      name: "chapters",
      kind: "integers",
      value: "N,…",
      help: "chapters of Moby Dick that passages begin with (16,24,32,45,72,87,110,133)",
    },
    {
      name: "results",
      kind: "path-out",
      value: "FILE.jsonl",
      help: "append measurements here, and go on from those there (default in the cache)",
    },
    { ...REPORT_FLAG, help: "write maps of what was measured, layer by head, as one page" },
    { name: "fresh", kind: "switch", help: "measure again what is there already" },
  ],
};
