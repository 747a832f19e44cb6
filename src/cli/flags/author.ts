/** The flags of commands for who writes variants: gen, verify, new, test, setup. */

import { TARGETS } from "../../core/manifest.ts";
import type { Command } from "./command.ts";
import { JSON_FLAG } from "./shared.ts";

/** Emit kernels. */
export const GEN: Command = {
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
};

/** Hold variants to their functions. */
export const VERIFY: Command = {
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
};

/** Begin a variant. */
export const NEW: Command = {
  name: "new",
  summary: "write a variant that already runs, and its test",
  usage: "new prune|attention NAME",
  example: "deno task new prune my_idea",
  flags: [],
};

/** Run the tests. */
export const TEST: Command = {
  name: "test",
  summary: "run the tests",
  usage: "test [fast|mutants] [flags of deno test]",
  example: "deno task test fast",
  flags: [],
};

/** Say what a target needs. */
export const SETUP: Command = {
  name: "setup",
  summary: "say or install what a target needs",
  usage: "setup [cuda|webgpu]",
  example: "deno task setup cuda",
  flags: [],
};
