/**
 * The table of diagnostics: for each code its title, the default reason and the default fix. A report may
 * sharpen the message, the reason and the fix; it cannot invent a code. docs/language.md explains each.
 */

import { DATA_CODES } from "./data.ts";
import { EXPRESSION_CODES } from "./expressions.ts";
import { FILE_CODES } from "./file.ts";
import { FUNCTION_CODES } from "./functions.ts";
import { TYPE_CODES } from "./types.ts";

export type { CodeSpec } from "./code.ts";

/** Every diagnostic the front end reports. */
export const CODES = Object.freeze({
  ...FILE_CODES,
  ...FUNCTION_CODES,
  ...EXPRESSION_CODES,
  ...TYPE_CODES,
  ...DATA_CODES,
});

/** The code of a diagnostic. */
export type Code = keyof typeof CODES;
