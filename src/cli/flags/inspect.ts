/** The flags of `inspect`. */

import { TARGETS } from "../../core/manifest.ts";
import type { Command } from "./command.ts";
import { JSON_FLAG, MODEL, PROMPT, PRUNE } from "./shared.ts";

/** Look inside. */
export const INSPECT: Command = {
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
};
