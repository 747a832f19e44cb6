/** Codes of types: where an f32, a whole number and a bool may stand for each other. */

import { code } from "./code.ts";

/** KERF03xx. */
export const TYPE_CODES = {
  KERF0301: code(
    "bool where a number is needed",
    "a comparison is no number on the targets",
    "write `condition ? 1 : 0`",
  ),
  KERF0302: code(
    "number where a bool is needed",
    "there is no truthiness: NaN and −0 would differ between targets",
    "write a comparison, such as `x !== 0`",
  ),
  KERF0303: code(
    "f32 where a whole number is needed",
    "a fraction has no meaning there, and rounding must be chosen",
    "write Math.floor(x) or Math.trunc(x)",
  ),
  KERF0304: code(
    "/ of two whole numbers",
    "TypeScript divides exactly, integers on the targets do not: say which is meant",
    "write Math.trunc(a / b) or Math.floor(a / b), or make one f32: `a / 2.0`, `a * 1.0 / b`",
  ),
  KERF0305: code(
    "bits of an f32",
    "bit operations work on i32",
    "write Math.trunc(x) first, or use whole numbers",
  ),
  KERF0306: code(
    "number out of range",
    "constants are finite f32 or i32 from −2147483648 to 2147483647",
    "use a number in range; for 32-bit patterns write `0x9e3779b1 | 0`",
  ),
  KERF0307: code(
    "branches of different kinds",
    "both sides of a condition are one value of the kernel, with one type",
    "return the same kind of value from both",
  ),
  KERF0308: code(
    "shift not supported",
    "x >>> 0 gives numbers up to 2³² in TypeScript, which i32 cannot hold",
    "shift by a constant from 1 to 31",
  ),
  KERF0309: code(
    "comparison of bools",
    "targets compare numbers",
    "write `a && b || !a && !b`, or compare the numbers",
  ),
};
