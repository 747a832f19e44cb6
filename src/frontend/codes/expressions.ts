/** Codes of expressions: what has a meaning on every target. */

import { code } from "./code.ts";

/** KERF02xx. */
export const EXPRESSION_CODES = {
  KERF0201: code(
    "impure value",
    "the same inputs must give the same bits on every machine and at every time",
    "use random(seed, …) from kerf/dsl with a seed parameter; pass everything else as a parameter",
  ),
  KERF0202: code(
    "unknown function",
    "only functions whose source is in kernel files, reductions and Math can become a kernel",
    "write the helper as a top-level function of this or another kernel file",
  ),
  KERF0203: code(
    "Math function not supported",
    "it has no operation that all targets compute alike",
    "write it with Math.abs, min, max, sqrt, exp, log, log2, tanh, sin, cos, pow, floor, ceil, trunc, sign",
  ),
  KERF0204: code(
    "Math.round",
    "targets disagree about ties, and JavaScript rounds them up",
    "write `Math.floor(x + 0.5)`",
  ),
  KERF0205: code(
    "wrong number of arguments",
    "every parameter gets exactly one argument",
    "pass as many arguments as the function takes",
  ),
  KERF0206: code(
    "loose equality",
    "== and != convert their operands; no target does",
    "write === or !==",
  ),
  KERF0207: code(
    "text or big number",
    "kernels compute with f32, i32 and bool",
    "use a number, or compute the values in a table",
  ),
  KERF0208: code(
    "spread",
    "the number of values must be known by reading",
    "write the elements out",
  ),
  KERF0209: code(
    "optional chaining or ??",
    "no value of a kernel is ever null or undefined",
    "use `.`, `[…]!` or a condition",
  ),
  KERF0210: code(
    "this, new or class",
    "kernels have values and functions, no objects",
    "write plain functions of their arguments",
  ),
  KERF0211: code(
    "dynamic property access",
    "a record's field is one parameter of the kernel, chosen by reading",
    "destructure the record, or write `.name`",
  ),
  KERF0212: code(
    "unknown field",
    "a record has the fields its hook declares, the variant's parameters and its tables",
    "use a declared field, or declare a parameter",
  ),
  KERF0213: code(
    "outside value not supported",
    "a kernel may close over constant numbers and functions only",
    "make it a const number, a parameter or a table",
  ),
  KERF0214: code(
    "expression not supported",
    "it has no meaning on the targets",
    "rewrite it with arithmetic, comparisons, conditions, Math, helpers, tables and reductions",
  ),
  KERF0215: code(
    "object or array as a value",
    "a kernel's values are numbers and bools; an array is only the results of a function",
    "use separate consts",
  ),
};
