/**
 * The table of diagnostics: for each code its title, the default reason and the default fix. A report may
 * sharpen the message, the reason and the fix; it cannot invent a code. docs/language.md explains each.
 *
 * Long because it is one list: a reader looks a code up here.
 *
 * KERF00xx the file · 01xx functions · 02xx expressions · 03xx types · 04xx columns, tables and bytes
 */

/** What a code stands for. */
export interface CodeSpec {
  readonly title: string;
  readonly why: string;
  readonly fix: string;
}

const code = (title: string, why: string, fix: string): CodeSpec =>
  Object.freeze({ title, why, fix });

/** Every diagnostic the front end reports. */
export const CODES = Object.freeze({
  KERF0001: code(
    "syntax error",
    "the file is no TypeScript, so nothing in it can be read",
    "correct the marked text",
  ),
  KERF0002: code(
    "type error",
    "the author's function is the reference, so it must type-check as TypeScript",
    "make the types agree",
  ),
  KERF0003: code(
    "unknown name",
    "a kernel file sees kerf/dsl, other kernel files, Math and the plain language, nothing else",
    "declare the name, or import it from kerf/dsl or another kernel file",
  ),
  KERF0004: code(
    "import not allowed",
    "kernels are generated from these files alone: anything else could change them unseen",
    'import from "kerf/dsl" or from another file of the kernels folder',
  ),
  KERF0005: code(
    "no default export",
    "a kernel file declares one kernel or variant, as its default export",
    "write `export default attention({ … })`, pruning, rowwise or another function of kerf/dsl",
  ),
  KERF0006: code(
    "default export is not a definition",
    "only what a function of kerf/dsl returns says which hooks there are and how they are typed",
    "write `export default attention({ … })`, pruning, rowwise or another function of kerf/dsl",
  ),
  KERF0007: code(
    "definition refused",
    "the module was run to get its definition, and that threw",
    "change the declaration as the message says",
  ),
  KERF0008: code(
    "hook not written out",
    "the front end reads a hook's source, so it must find the function by reading",
    "write the function in the object literal, or give the name of a function or const",
  ),
  KERF0009: code(
    "value may be undefined",
    "TypeScript cannot know that the index lies inside",
    "write `!` after the index: `b[0]!`",
  ),
  KERF0010: code(
    "name not usable",
    "the name becomes part of symbols and file names on every target",
    "use letters, digits and _, starting with a letter",
  ),

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

  KERF0401: code(
    "column used as a number",
    "a column is a run of values whose length is known only when the kernel runs",
    "call a reduction on it: meanSquare(k), sum(k), maxAbs(k) …",
  ),
  KERF0402: code(
    "column indexed",
    "only the template walks a column, in tiles",
    "call a reduction on it, or declare one with reduction({ … }); its finish gets the length",
  ),
  KERF0403: code(
    "reduction of something else",
    "a reduction reads a column that the hook receives",
    "pass the column parameter itself; put the arithmetic into the reduction's step",
  ),
  KERF0404: code(
    "reduction not declared plainly",
    "its parts are printed into the template's loops, so they must be found by reading",
    "declare it as a top-level `const name = reduction({ name, init, step, merge, finish })`",
  ),
  KERF0405: code(
    "table used without its indices",
    "a table is a tensor; a kernel reads one element at a time",
    "give one index per dimension of its shape",
  ),
  KERF0406: code(
    "too many indices",
    "a table takes one index per dimension of its shape, bytes take one",
    "remove the extra index",
  ),
  KERF0407: code(
    "bytes used as a number",
    "a block's bytes are read one at a time",
    "read a byte: `b[0]!`",
  ),
  KERF0408: code(
    "index or field of a number",
    "a number has neither",
    "use the number itself",
  ),
});

/** The code of a diagnostic. */
export type Code = keyof typeof CODES;
