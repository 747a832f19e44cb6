/** The flags of `calibrate`. */

import type { Command } from "./command.ts";
import { MODEL, PRUNE } from "./shared.ts";

/** Make a file of static channels. */
export const CALIBRATE: Command = {
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
};
