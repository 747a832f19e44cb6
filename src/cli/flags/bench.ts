/** The flags of `bench`: llama-bench's, pruning, and the peer beside it. */

import { ISA_LEVELS } from "../../device/cpu/isa.ts";
import type { Command } from "./command.ts";
import { MODEL, PRUNE } from "./shared.ts";

/** Measure speed. */
export const BENCH: Command = {
  name: "bench",
  summary: "measure speed and cache bytes",
  usage: "bench [startup|roofline|tune] [flags]",
  example: "deno task bench -p 512 -n 64 -d 0,4096 --prune none --prune think:ratio=0.5 -o md",
  flags: [
    ...MODEL.filter((flag) => flag.name !== "c"),
    { ...PRUNE, repeat: true, help: `${PRUNE.help}; may be repeated` },
    {
      name: "p",
      kind: "integers",
      value: "N,…",
      help: "prompt tokens (default 512; 0: none); roofline takes one number",
    },
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
    {
      name: "r",
      kind: "integer",
      value: "N",
      help: "repetitions (default 5; roofline 9, tune 31)",
    },
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
    {
      name: "busy",
      kind: "switch",
      help: "interleave with runs beside a busy process on each processor",
    },
    { name: "save", kind: "switch", help: "append the rows to bench/results/speed.jsonl too" },
    {
      name: "isa",
      kind: "text",
      value: "NAME",
      choices: ISA_LEVELS,
      help: "tune: this instruction set alone (default: all of this machine)",
    },
    { name: "write", kind: "switch", help: "tune: put what was found into the table, then gen" },
  ],
};
