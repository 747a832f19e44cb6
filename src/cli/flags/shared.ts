/** Flags that several commands have, each written once. Knows no command. */

import type { Flag } from "./command.ts";

/** What loads a model: `run`, `inspect`, `bench`, `eval` and what calibrates. */
export const MODEL: readonly Flag[] = [
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

/** One pruning. */
export const PRUNE: Flag = {
  name: "prune",
  kind: "text",
  value: "SPEC",
  help: "pruning, e.g. think:ratio=0.5; steps joined by +; none is dense",
};

/** Of passages. */
export const PREFILL_FLAG: Flag = {
  name: "p",
  kind: "integer",
  value: "P",
  help: "tokens of a passage prefilled (1024)",
};

/** Texts to measure over. */
export const PASSAGES_FLAG: Flag = {
  name: "text",
  kind: "path-in",
  value: "FILE…",
  repeat: true,
  help: "a file, one passage, or a folder of them; may be repeated (default Moby Dick)",
};

/** Results for programs. */
export const JSON_FLAG: Flag = {
  name: "json",
  kind: "switch",
  help: "print JSON on standard output",
};

/** Where a prompt comes from. */
export const PROMPT: readonly Flag[] = [
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
