/**
 * The command lines as data: every command's flags, their kinds and their help. The launcher reads it for
 * permissions, the parser for values, `--help` for text. Holds no behaviour and imports no command.
 */

import { TARGETS } from "../core/manifest.ts";

/** What a flag's value is. `path-in` and `path-out` become read and write permissions. */
export type FlagKind =
  | "switch"
  | "text"
  | "number"
  | "integer"
  | "integers"
  | "size"
  | "path-in"
  | "path-out";

/** One flag. */
export interface Flag {
  /** Without dashes; one letter or llama.cpp's short words take one dash, the rest two. */
  readonly name: string;
  readonly kind: FlagKind;
  readonly help: string;
  /** The value's name in the usage text. */
  readonly value?: string;
  /** Other spellings, without dashes. */
  readonly aliases?: readonly string[];
  /** Allowed values. */
  readonly choices?: readonly string[];
  /** May be given several times. */
  readonly repeat?: boolean;
}

/** One command. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly usage: string;
  readonly example: string;
  readonly flags: readonly Flag[];
}

const MODEL: readonly Flag[] = [
  {
    name: "m",
    aliases: ["model"],
    kind: "text",
    value: "MODEL",
    help: "a .gguf file, hf:user/repo[:QUANT]; default: SmolLM2-135M-Instruct, fetched once",
  },
  {
    name: "device",
    kind: "text",
    value: "NAME",
    choices: ["auto", "cpu", "webgpu", "cuda"],
    help: "auto, cpu, webgpu or cuda (default cpu); `inspect devices` says what is there",
  },
  {
    name: "activations",
    kind: "text",
    value: "TYPE",
    choices: ["f32", "f16", "q8"],
    help: "arithmetic of the matrix products: f32, f16 or q8 (default q8 on the CPU, else f32)",
  },
  {
    name: "attention",
    kind: "text",
    value: "SPEC",
    help: "attention variant from kernels/attention/ (default causal)",
  },
  {
    name: "ctk",
    kind: "text",
    value: "TYPE",
    choices: ["f16", "f32"],
    help: "key cache type (f16)",
  },
  {
    name: "ctv",
    kind: "text",
    value: "TYPE",
    choices: ["f16", "f32"],
    help: "value cache type (f16)",
  },
  {
    name: "t",
    aliases: ["threads"],
    kind: "integer",
    value: "N",
    help: "threads of the CPU (default: all); without effect on other devices",
  },
  {
    name: "c",
    aliases: ["ctx-size"],
    kind: "integer",
    value: "N",
    help: "context in tokens (default: the model's)",
  },
];

const PRUNE: Flag = {
  name: "prune",
  kind: "text",
  value: "SPEC",
  help: "pruning, e.g. think:ratio=0.5; steps joined by +; none is dense",
};

const PREFILL_FLAG: Flag = {
  name: "p",
  kind: "integer",
  value: "P",
  help: "tokens of a passage prefilled (1024)",
};

const PASSAGES_FLAG: Flag = {
  name: "text",
  kind: "path-in",
  value: "FILE…",
  repeat: true,
  help: "a file, one passage, or a folder of them; may be repeated (default Moby Dick)",
};

const JSON_FLAG: Flag = { name: "json", kind: "switch", help: "print JSON on standard output" };

const PROMPT: readonly Flag[] = [
  {
    name: "f",
    aliases: ["file"],
    kind: "path-in",
    value: "FILE",
    help: "the prompt from a file; PROMPTS.jsonl is a batch of {prompt} or {messages} lines",
  },
  { name: "raw", kind: "switch", help: "no chat template: the text is continued as it is" },
  { name: "sys", kind: "text", value: "TEXT", help: "the system message" },
];

/** Every command, in the order the overview lists them. */
export const COMMANDS: readonly Command[] = [
  {
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
        help:
          "tokens to generate at most (default -1: until the model stops or the context is full)",
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
  },
  {
    name: "gen",
    summary: "emit kernels into generated/",
    usage: "gen [flags] [NAME…]",
    example: "deno task gen --check",
    flags: [
      { name: "check", kind: "switch", help: "write nothing; fail with a diff when stale" },
      { name: "watch", kind: "switch", help: "emit again whenever a source changes" },
      {
        name: "target",
        kind: "text",
        value: "NAME",
        choices: TARGETS,
        repeat: true,
        help: "only this target; may be repeated",
      },
      JSON_FLAG,
    ],
  },
  {
    name: "verify",
    summary: "compare every variant's kernels on every target with its author's function",
    usage: "verify [flags] [NAME…]",
    example: "deno task verify think --report think.html",
    flags: [
      {
        name: "device",
        kind: "text",
        value: "NAME",
        choices: ["auto", "cpu", "webgpu", "cuda"],
        repeat: true,
        help: "only this device; may be repeated (default auto: every one that is here)",
      },
      {
        name: "quick",
        kind: "switch",
        help: "each cache type, GQA ratio, length, … once; without it every two of them together",
      },
      {
        name: "report",
        kind: "path-out",
        value: "FILE.html",
        help: "write a page with sources, layouts and maps of the errors",
      },
      JSON_FLAG,
    ],
  },
  {
    name: "new",
    summary: "write a variant that already runs, and its test",
    usage: "new prune|attention NAME",
    example: "deno task new prune my_idea",
    flags: [],
  },
  {
    name: "inspect",
    summary: "look inside: model, plan, kernel, layout, mask, estimate, devices",
    usage: "inspect model|plan|kernel|layout|mask|estimate|devices [flags] [NAME]",
    example: "deno task inspect mask --prune think:ratio=0.4 -f tests/data/long.txt --json",
    flags: [
      ...MODEL,
      PRUNE,
      ...PROMPT,
      {
        name: "target",
        kind: "text",
        value: "NAME",
        choices: TARGETS,
        help: "kernel: which target's source (default c)",
      },
      JSON_FLAG,
    ],
  },
  {
    name: "bench",
    summary: "measure speed and cache bytes",
    usage: "bench [startup|roofline] [flags]",
    example: "deno task bench -p 512 -n 64 -d 0,4096 --prune none --prune think:ratio=0.5 -o md",
    flags: [
      ...MODEL.filter((flag) => flag.name !== "c"),
      { ...PRUNE, repeat: true, help: `${PRUNE.help}; may be repeated` },
      { name: "p", kind: "integers", value: "N,…", help: "prompt tokens (default 512; 0: none)" },
      { name: "n", kind: "integers", value: "N,…", help: "decoded tokens (default 128; 0: none)" },
      {
        name: "d",
        kind: "integers",
        value: "N,…",
        help: "depth: tokens already cached (default 0)",
      },
      {
        name: "npl",
        kind: "integers",
        value: "N,…",
        help: "sequences decoded together (default 1)",
      },
      { name: "r", kind: "integer", value: "N", help: "repetitions (default 5)" },
      {
        name: "o",
        kind: "text",
        value: "FORMAT",
        choices: ["md", "csv", "json", "jsonl"],
        help: "output: md, csv, json or jsonl (default md)",
      },
      {
        name: "vs",
        kind: "path-in",
        value: "PATH",
        help: "interleave with this llama-bench and print the ratios; of -fa 0 and 1 the faster",
      },
      {
        name: "vs-m",
        kind: "path-in",
        value: "FILE",
        repeat: true,
        help: "the peer's model file, e.g. a Q4_0 (default: the same file); may be repeated",
      },
      {
        name: "vs-cache",
        kind: "text",
        value: "TYPE,…",
        help: "the peer's cache types, each a peer: f16, q8_0, q4_0, … (default: -ctk and -ctv)",
      },
      { name: "save", kind: "switch", help: "append the rows to bench/results/speed.jsonl too" },
    ],
  },
  {
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
      {
        name: "report",
        kind: "path-out",
        value: "FILE.html",
        help: "write charts and tables as one page",
      },
      { name: "fresh", kind: "switch", help: "measure again what is there already" },
      JSON_FLAG,
    ],
  },
  {
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
      { name: "fresh", kind: "switch", help: "measure again what is there already" },
    ],
  },
  {
    name: "calibrate",
    summary: "make a file of static channels from a variant's scores over a text",
    usage: "calibrate --prune SPEC -f TEXT -o FILE.safetensors [flags]",
    example: "deno task calibrate --prune think -f tests/data/long.txt -o channels.safetensors",
    flags: [
      ...MODEL,
      { ...PRUNE, help: "the variant whose channel scores count; it must score every layer" },
      { name: "f", kind: "path-in", value: "FILE", repeat: true, help: "a text; may be repeated" },
      { name: "p", kind: "integer", value: "N", help: "tokens of a passage (default 1024)" },
      {
        name: "ratio",
        kind: "number",
        value: "X",
        help: "share of channels removed (default 0.5)",
      },
      { name: "floor", kind: "number", value: "X", help: "share a head keeps at least (0.25)" },
      { name: "multiple", kind: "integer", value: "N", help: "widths are multiples of it (1)" },
      { name: "o", kind: "path-out", value: "FILE", help: "the file to write" },
    ],
  },
  {
    name: "test",
    summary: "run the tests",
    usage: "test [fast|mutants] [flags of deno test]",
    example: "deno task test fast",
    flags: [],
  },
  {
    name: "setup",
    summary: "say or install what a target needs",
    usage: "setup [cuda|webgpu]",
    example: "deno task setup cuda",
    flags: [],
  },
];

/** The command that words begin with, and the words behind it; undefined: there is none. */
export function commandAt(
  words: readonly string[],
): { readonly command: Command; readonly rest: string[] } | undefined {
  // `eval calibrate` goes before `eval`.
  for (const n of [2, 1]) {
    const command = words.length < n ? undefined : commandOf(words.slice(0, n).join(" "));
    if (command) return { command, rest: words.slice(n) };
  }
  return undefined;
}

/** The file of a command's name, in src/cli/. */
export const commandFile = (name: string): string => `${name.replaceAll(" ", "_")}.ts`;

/** The command of a name, or undefined. */
export function commandOf(name: string): Command | undefined {
  return COMMANDS.find((command) => command.name === name);
}
