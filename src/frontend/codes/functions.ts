/** Codes of functions: what a hook, its parameters and the statements of its body may be. */

import { code } from "./code.ts";

/** KERF01xx. */
export const FUNCTION_CODES = {
  KERF0101: code(
    "hook is not a plain function",
    "its body must be an expression or statements that the front end can read",
    "write an arrow function, or a function with a body",
  ),
  KERF0102: code(
    "async function or generator",
    "a kernel computes its value at once; it cannot wait or yield",
    "remove `async`, `await`, `*` and `yield`",
  ),
  KERF0103: code(
    "parameter form not supported",
    "the template passes every argument, in the declared order",
    "write a plain name or a destructured record, without default, `?` or rest",
  ),
  KERF0104: code(
    "missing return",
    "a hook is a value: every path must return one",
    "end the function with `return …`",
  ),
  KERF0105: code(
    "loop",
    "the template owns the loops, so that it may tile, split and reorder them",
    "call a reduction on a column, or declare one with reduction({ … })",
  ),
  KERF0106: code(
    "let or var",
    "a name stands for one value",
    "use const; for a value that depends on a condition, `const x = c ? a : b`",
  ),
  KERF0107: code(
    "assignment",
    "a kernel has no state: a function of its arguments may run on any thread, in any order",
    "bind the new value to a new const",
  ),
  KERF0108: code(
    "statement not supported",
    "a function body is const declarations, if … return, and return",
    "rewrite it with const, if … return, and return",
  ),
  KERF0109: code(
    "if without a return",
    "nothing can be assigned, so a branch that does not return has no effect",
    "return in the branch, or write `const x = condition ? a : b`",
  ),
  KERF0110: code(
    "unreachable statement",
    "everything before it has returned",
    "remove it",
  ),
  KERF0111: code(
    "recursion",
    "helper functions are written into the kernel where they are called; a recursive one has no end",
    "write the expression out, or compute the values in a table",
  ),
  KERF0112: code(
    "function used as a value",
    "functions are inlined where they are called; GPUs have no function values",
    "call it by the name of a top-level function",
  ),
  KERF0113: code(
    "wrong number of results",
    "the template stores exactly the declared results",
    "return as many values as the hook declares",
  ),
};
